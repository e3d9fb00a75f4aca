"""How a judgment was made, as far as it is noted beside the answers: how sure the rater was, whether the word diff
was used, what was asked about before it was sent. None of it is part of the answers, so none is in their digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from annotation.models import Round

# What the page sends beside the answers, and a draft keeps.
FIELDS = ("confidence", "active_seconds", "used_diff", "warned")
CONFIDENCE = {
    1: gettext_noop("A guess"),
    2: gettext_noop("Not sure"),
    3: gettext_noop("Fairly sure"),
    4: gettext_noop("Certain"),
}
CONFIDENCE_QUESTION = gettext_noop("How sure are you of this judgment?")
WARNINGS = ("fast", "unread")


def _setting(round: Round, name: str, otherwise: Any) -> Any:
    return round.options.get("rating", {}).get(name, otherwise)


def asks_confidence(round: Round) -> bool:
    return bool(_setting(round, "ask_confidence", False))


def warns(round: Round) -> bool:
    """Whether a judgment sent in no time, or with a long answer unread, is asked about once."""
    return bool(_setting(round, "warn", True))


def break_minutes(round: Round) -> int:
    """After how many minutes of work a break is suggested; 0: never."""
    return int(_setting(round, "break_minutes", 0) or 0)


def options(*, ask_confidence: bool, warn: bool, break_minutes: int | None) -> dict[str, Any]:
    """As a round's options hold it: what is as usual is left out."""
    said = {"ask_confidence": ask_confidence or None, "warn": None if warn else False, "break_minutes": break_minutes}
    kept = {name: value for name, value in said.items() if value is not None}
    return {"rating": kept} if kept else {}


def confidence_of(data: Mapping[str, str]) -> int | None:
    raw = data.get("confidence", "")
    return int(raw) if raw in map(str, CONFIDENCE) else None


def events_of(round: Round, data: Mapping[str, str]) -> dict[str, Any]:
    """What a judgment records. Only words known here: the page may send anything."""
    events: dict[str, Any] = {}
    if data.get("used_diff") == "1":
        events["diff"] = True
    if warned := [word for word in WARNINGS if word in data.get("warned", "").split()]:
        events["warned"] = warned
    if asks_confidence(round) and (sure := confidence_of(data)):
        events["confidence"] = sure
    return events
