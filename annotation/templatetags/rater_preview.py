"""`{% rater_questions spec as questions %}`: a rubric's questions as the rating screen draws them."""

from __future__ import annotations

from django import template

from annotation.rating_page import DrawnQuestion, preview_questions
from rubrics.criteria import mode_of
from rubrics.specs import RubricSpec

_OUTPUTS = {"score": 1, "compare": 2, "rank": 4}
register = template.Library()


@register.simple_tag
def rater_questions(spec: RubricSpec) -> list[DrawnQuestion]:
    """With two answers where the rubric compares, with four where it ranks, else with one."""
    return preview_questions(spec, _OUTPUTS[mode_of(spec)])
