"""Items worth reading on the page: their names with what is told of them, and their places where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analytics.report_words import level_name


@dataclass(frozen=True)
class ReadingLine:
    name: str
    criterion: str
    about: str
    told: str
    figure: str
    n: int
    href: str = ""


@dataclass(frozen=True)
class Reading:
    disagreement: list[ReadingLine] = field(default_factory=list)
    upsets: list[ReadingLine] = field(default_factory=list)
    judges: list[ReadingLine] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.disagreement or self.upsets or self.judges)


def reading_part(body: dict[str, Any], places: Mapping[str, str]) -> Reading:
    found = body.get("reading", {"disagreement": [], "upsets": []})
    criteria = {c["key"]: c for c in body["criteria"]}
    apart = [_apart(row, criteria[row["criterion"]], places) for row in found["disagreement"]]
    judges = [_judged(row, criteria[row["criterion"]], places) for row in found.get("judges", [])]
    return Reading(apart, [_upset(row, places) for row in found["upsets"]], judges)


def names_in(body: dict[str, Any]) -> set[str]:
    """The items and prompts that it names."""
    found = body.get("reading", {"disagreement": [], "upsets": []})
    named = {row["item"] for row in (*found["disagreement"], *found.get("judges", []))}
    return named | {row["prompt"] for row in found["upsets"]}


def _apart(row: dict[str, Any], criterion: dict[str, Any], places: Mapping[str, str]) -> ReadingLine:
    words = ", ".join(level_name(criterion, _number(answer)) for answer in row["answers"])
    share = f"{100 * row['apart']:.0f}"
    return ReadingLine(
        row["item"], row["criterion"], row["system"], words, share, row["n_ratings"], places.get(row["item"], "")
    )


def _judged(row: dict[str, Any], criterion: dict[str, Any], places: Mapping[str, str]) -> ReadingLine:
    given, people = (level_name(criterion, row[who]) for who in ("judge", "people"))
    told = f"{row['metric']}: {given}; people: {people}."
    share = f"{100 * row['apart']:.0f}"
    name = row["item"]
    return ReadingLine(name, row["criterion"], row["system"], told, share, row["n_ratings"], places.get(name, ""))


def _number(answer: str) -> Any:
    try:
        return float(answer)
    except ValueError:
        return answer


def _upset(row: dict[str, Any], places: Mapping[str, str]) -> ReadingLine:
    told = f"{row['other']} does better than {row['ahead']}, which is ahead over all prompts."
    share = f"{100 * row['share']:.0f}"
    name = row["prompt"]
    return ReadingLine(name, row["criterion"], "", told, share, row["n_judgments"], places.get(name, ""))
