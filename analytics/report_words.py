"""Estimates in words: value, interval, what it counts, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from projects.templatetags.numbers import number, times


@dataclass(frozen=True)
class Said:
    """`value` is empty where nothing could be estimated; `note` then says why."""

    value: str
    interval: str
    note: str
    counts: str

    @property
    def is_known(self) -> bool:
        return bool(self.value)

    @property
    def text(self) -> str:
        """All of it in one line, for a reader of the picture by ear."""
        return " ".join(part for part in (self.value or "not estimable:", self.interval, self.note) if part)


def say(estimate: dict[str, Any], *, digits: int | None = None, unit: str | None = None) -> Said:
    """A share in per cent, everything else with two decimals."""
    share = (unit or estimate["unit"]) == "share"
    factor, places = (100.0, 0) if share else (1.0, 2)
    places = places if digits is None else digits
    value = _plain(estimate["value"], factor, places) + (" %" if share else "")
    limits = [_plain(estimate[side], factor, places) for side in ("low", "high")]
    if estimate["status"] == "ok":
        return Said(value, f"[{limits[0]}, {limits[1]}]", "", counts(estimate))
    if estimate["status"] == "insufficient":
        return Said(value, "no interval", estimate["reason"], counts(estimate))
    return Said("", "", estimate["reason"], counts(estimate))


def _plain(value: float | None, factor: float, places: int) -> str:
    if value is None:
        return ""
    text = number(float(value) * factor, places)
    return "−" + text[1:] if text.startswith("-") else text


def counts(estimate: dict[str, Any]) -> str:
    """120 prompts, 360 judgments."""
    said = []
    if estimate["n_clusters"]:
        said.append(times(estimate["n_clusters"], "prompt,prompts"))
    if estimate["n_judgments"]:
        said.append(times(estimate["n_judgments"], "rating,ratings"))
    return ", ".join(said)


def level_names(criterion: dict[str, Any]) -> dict[str, str]:
    """The labels of a criterion's levels, by code and by number."""
    labels = {str(x["code"]): x["label"] for x in criterion["levels"]}
    return labels | {str(x["number"]): x["label"] for x in criterion["levels"] if x["number"] is not None}


def level_name(criterion: dict[str, Any], level: Any) -> str:
    return level_names(criterion).get(str(level), f"{level:g}" if isinstance(level, float) else str(level))


def p_words(p: float | None) -> str:
    """Three decimals; what is smaller is not written as 0."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else number(p, 3)


def points(estimate: dict[str, Any]) -> Said:
    """A difference of shares, in points: −8 [−17, 0]."""
    said = say(estimate)
    return replace(said, value=said.value.removesuffix(" %"))
