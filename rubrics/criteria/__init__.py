"""The criterion types. To add one: a module here and a line in CRITERIA (see CONTRIBUTING.md)."""

from __future__ import annotations

from rubrics.criteria.base import CANNOT_JUDGE, Choice, CriterionType
from rubrics.criteria.number import Number
from rubrics.criteria.preference import Preference
from rubrics.criteria.scale import OneOf, Scale
from rubrics.criteria.several_of import SeveralOf
from rubrics.criteria.slider import Slider
from rubrics.criteria.text import Text
from rubrics.criteria.yes_no import YesNo

CRITERIA: dict[str, CriterionType] = {
    t.key: t for t in (Scale(), YesNo(), OneOf(), SeveralOf(), Preference(), Slider(), Number(), Text())
}

__all__ = ["CANNOT_JUDGE", "CRITERIA", "Choice", "CriterionType"]
