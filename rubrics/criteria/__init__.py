"""The criterion types. To add one: a module here and a line in CRITERIA (see CONTRIBUTING.md)."""

from __future__ import annotations

from rubrics.criteria.base import CANNOT_JUDGE, Choice, CriterionType
from rubrics.criteria.best_worst import BestWorst
from rubrics.criteria.number import Number
from rubrics.criteria.preference import Preference
from rubrics.criteria.ranking import Ranking
from rubrics.criteria.scale import OneOf, Scale
from rubrics.criteria.several_of import SeveralOf
from rubrics.criteria.slider import Slider
from rubrics.criteria.spans import Spans
from rubrics.criteria.text import Text
from rubrics.criteria.yes_no import YesNo
from rubrics.specs import RubricSpec

CRITERIA: dict[str, CriterionType] = {
    t.key: t
    for t in (
        Scale(),
        YesNo(),
        OneOf(),
        SeveralOf(),
        Preference(),
        Ranking(),
        BestWorst(),
        Slider(),
        Number(),
        Spans(),
        Text(),
    )
}


def mode_of(rubric: RubricSpec) -> str:
    """How a rubric is to be asked: that of its criteria which fit one mode only, else one output at a time."""
    only = [CRITERIA[c.type].modes for c in rubric.criteria if len(CRITERIA[c.type].modes) == 1]
    return only[0][0] if only else "score"


__all__ = ["CANNOT_JUDGE", "CRITERIA", "Choice", "CriterionType", "mode_of"]
