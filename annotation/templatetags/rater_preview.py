"""`{% rater_questions spec mode as questions %}`: a rubric's questions as the rating screen draws them."""

from __future__ import annotations

from dataclasses import replace

from django import template

from annotation.rating_page import DrawnQuestion, preview_questions
from rubrics.criteria import CRITERIA, mode_of
from rubrics.specs import RubricSpec

RANKED = 4  # answers in the preview of a rubric that ranks
register = template.Library()


@register.simple_tag
def rater_questions(spec: RubricSpec, mode: str = "") -> list[DrawnQuestion]:
    """In a round that shows one answer (“score”), two (“compare” asks about the pair only, “both” of each answer first)
    or several (“rank”). Without a mode: as the rubric asks."""
    mode = mode or {"compare": "both"}.get(mode_of(spec), mode_of(spec))
    name = "compare" if mode == "both" else mode
    asked = [
        c for c in spec.criteria if name in CRITERIA[c.type].modes and not (mode == "compare" and c.scope != "task")
    ]
    return preview_questions(replace(spec, criteria=tuple(asked)), {"score": 1, "rank": RANKED}.get(mode, 2))
