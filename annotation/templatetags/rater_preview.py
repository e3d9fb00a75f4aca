"""`{% rater_questions spec as questions %}`: a rubric's questions as the rating screen draws them."""

from __future__ import annotations

from django import template

from annotation.rating_page import DrawnQuestion, preview_questions
from rubrics.specs import RubricSpec

register = template.Library()


@register.simple_tag
def rater_questions(spec: RubricSpec) -> list[DrawnQuestion]:
    """With two answers where the rubric compares, else with one."""
    return preview_questions(spec, 2 if any(c.type == "preference" for c in spec.criteria) else 1)
