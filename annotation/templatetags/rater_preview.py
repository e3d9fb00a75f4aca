"""`{% rater_questions spec mode as questions %}`: a rubric's questions as the rating screen draws them."""

from __future__ import annotations

from dataclasses import replace

from django import template

from annotation.rating_page import DrawnQuestion, preview_questions
from rubrics.criteria import CRITERIA
from rubrics.specs import RubricSpec

register = template.Library()


@register.simple_tag
def rater_questions(spec: RubricSpec, mode: str = "") -> list[DrawnQuestion]:
    """In a round that shows one answer (“score”), or two: “compare” asks about the pair only, “both” of each answer
    first. Without a mode: with two answers where the rubric compares, else with one."""
    if not mode:
        mode = "both" if any(c.type == "preference" for c in spec.criteria) else "score"
    name = "score" if mode == "score" else "compare"
    asked = [
        c for c in spec.criteria if name in CRITERIA[c.type].modes and not (mode == "compare" and c.scope != "task")
    ]
    return preview_questions(replace(spec, criteria=tuple(asked)), 1 if mode == "score" else 2)
