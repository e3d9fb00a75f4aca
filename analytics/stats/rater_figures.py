"""One figure for each rater, with what several raters at once ask for: shrinkage and a false discovery rate.

A flag is an invitation to look, never a reason to exclude by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analytics.stats.multiplicity import benjamini_hochberg
from analytics.stats.results import Estimate, finite_or_none

# Fewer judged shared items than this say nothing about a person.
MIN_SHARED = 20
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class RaterFigure:
    """A rater's estimate; `shrunk` is drawn towards the other raters as far as it is uncertain.

    `p_value` tests the null that the statistic names, `q_value` is adjusted over the raters (Benjamini &
    Hochberg); both are None where the figure is insufficient. `flagged` says that it stands out.
    """

    rater: str
    estimate: Estimate
    shrunk: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    flagged: bool = False
    details: Mapping[str, float | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.estimate.to_dict(),
            "shrunk": finite_or_none(self.shrunk),
            "p_value": finite_or_none(self.p_value),
            "q_value": finite_or_none(self.q_value),
            "flagged": self.flagged,
            "details": {name: finite_or_none(value) for name, value in self.details.items()},
        }


@dataclass(frozen=True)
class RaterFigures:
    """The figures of all raters, in the order of their labels."""

    figures: tuple[RaterFigure, ...]
    warnings: tuple[str, ...] = ()

    def of(self, rater: str) -> RaterFigure:
        for figure in self.figures:
            if figure.rater == rater:
                return figure
        raise KeyError(f"No figure of a rater called {rater!r}.")

    def estimates(self) -> tuple[Estimate, ...]:
        return tuple(figure.estimate for figure in self.figures)

    def to_dict(self) -> dict[str, Any]:
        return {
            "raters": {figure.rater: figure.to_dict() for figure in self.figures},
            "warnings": list(self.warnings),
        }


def together(figures: Iterable[RaterFigure], flag: int, warnings: Iterable[str] = ()) -> RaterFigures:
    """Adjust the p values over the raters and flag those below .05 whose value has the sign `flag` (0: either)."""
    listed = _adjusted(list(figures), flag)
    return RaterFigures(tuple(listed), tuple(dict.fromkeys(text for text in warnings if text)))


def over_criteria(families: Mapping[str, RaterFigures], flag: int) -> dict[str, RaterFigures]:
    """One statistic on several criteria: adjust over all raters and all criteria at once, and flag again."""
    listed = iter(_adjusted([figure for family in families.values() for figure in family.figures], flag))
    return {
        key: replace(family, figures=tuple(next(listed) for _ in family.figures)) for key, family in families.items()
    }


def _adjusted(figures: list[RaterFigure], flag: int) -> list[RaterFigure]:
    listed = [replace(figure, q_value=None, flagged=False) for figure in figures]
    for number, q in enumerate(benjamini_hochberg([figure.p_value for figure in listed])):
        if q is None:
            continue
        figure = listed[number]
        effect = figure.details.get("difference", figure.estimate.value) or 0.0
        flagged = q < FALSE_DISCOVERIES and (flag == 0 or effect * flag > 0)
        listed[number] = replace(figure, q_value=q, flagged=flagged)
    return listed


def too_few_shared(items: int) -> str:
    """Why a rater with so few items gets no verdict, or an empty string."""
    if items >= MIN_SHARED:
        return ""
    return f"Insufficient data: {items} judged shared items, and nothing is said of a rater below {MIN_SHARED}."


def held_back(estimate: Estimate, reason: str) -> Estimate:
    """The same value without its interval, unless there is nothing to hold back."""
    if not reason or estimate.value is None or estimate.status == "insufficient":
        return estimate
    return replace(estimate, low=None, high=None, status="insufficient", reason=reason)
