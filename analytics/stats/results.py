"""What a statistic returns: a number with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

Status = Literal["ok", "not_estimable", "insufficient"]


def finite_or_none(number: float | None) -> float | None:
    """A plain float, or None for None, NaN and infinities (JSON has no NaN)."""
    if number is None or not math.isfinite(number):
        return None
    return float(number)


@dataclass(frozen=True)
class Estimate:
    """One number of the report.

    `value`, `low`, `high` are plain finite floats or None. `status` is `ok` (value and interval),
    `insufficient` (a value, but no interval is claimed; `reason` says why) or `not_estimable` (no value;
    `reason` says why). `unit` is the unit of the value ("coefficient", "share", "points"). `n_units` counts
    the outputs or pairs that inform the value, `n_clusters` their prompts (what was resampled), `n_raters`
    the raters of known identity, `n_judgments` the ratings. `seed` is None unless the interval was resampled.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    status: Status = "ok"
    reason: str = ""
    method: str = ""
    unit: str = ""
    n_units: int = 0
    n_clusters: int = 0
    n_raters: int = 0
    n_judgments: int = 0
    seed: int | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, finite_or_none(getattr(self, name)))
        complete = None not in (self.value, self.low, self.high)
        if self.status == "ok" and not complete:
            raise ValueError(f"An estimate with status ok needs value, low and high; got {self!r}.")
        if self.status == "not_estimable" and self.value is not None:
            raise ValueError(f"An estimate that is not estimable has no value; got {self.value}.")
        if self.status != "ok" and not self.reason:
            raise ValueError(f"An estimate with status {self.status} needs a reason.")

    @classmethod
    def not_estimable(cls, *, reason: str, **fields_: Any) -> Self:
        """An estimate without a value; `fields_` are counts, method, unit and the like."""
        return cls(value=None, status="not_estimable", reason=reason, **fields_)

    @classmethod
    def insufficient(cls, value: float, *, reason: str, **fields_: Any) -> Self:
        """A point value whose interval is not claimed."""
        return cls(value=value, status="insufficient", reason=reason, **fields_)

    def with_warnings(self, *more: str) -> Self:
        """The same estimate with further warnings (empty strings and repeats are dropped)."""
        merged = dict.fromkeys(text for text in (*self.warnings, *more) if text)
        return replace(self, warnings=tuple(merged))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; never NaN."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "warnings": list(self.warnings)}


@dataclass(frozen=True)
class TestedEstimate:
    """An estimate together with a test of one hypothesis about it."""

    __test__ = False  # the name starts with "Test": pytest must not collect it

    estimate: Estimate
    p_value: float | None
    null_value: float
    test: str

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.estimate.to_dict(),
            "p_value": finite_or_none(self.p_value),
            "null_value": self.null_value,
            "test": self.test,
        }


@dataclass(frozen=True)
class Distribution:
    """Ratings per level: counts of ratings, and shares with equal weight for each prompt."""

    levels: tuple[float | str, ...]
    counts: tuple[int, ...]
    shares: tuple[Estimate, ...]

    def largest_share(self) -> float | None:
        """The share of the most frequent level, or None without ratings."""
        return max((share.value for share in self.shares if share.value is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        rows = zip(self.levels, self.counts, self.shares, strict=True)
        return {"levels": [{"level": level, "count": count, "share": share.to_dict()} for level, count, share in rows]}
