"""Whether figures of two rounds may stand side by side, criterion by criterion: the rubric versions, and what else
the raters had before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from annotation.models import Round
from projects.errors import ServiceError
from rubrics.changes import Change, Kind, Meaning, Verdict, verdicts, worst
from rubrics.selectors import spec_of

_OTHER_MODE = "One round showed one answer at a time and the other several, so the question was another one."
_OTHER_GUIDELINES = "Raters had other guidelines, and may have judged by another rule."
_OTHER_COMPANY = "It was asked among other questions. An answer leans on those given just before it."


def rounds_comparable(earlier: Round, later: Round) -> dict[str, Verdict]:
    """By the key of every criterion that either round asked, those of the later one first."""
    a, b = spec_of(earlier.rubric_version), spec_of(later.rubric_version)
    asked_a = set(earlier.only_criteria or [c.key for c in a.criteria])
    asked_b = set(later.only_criteria or [c.key for c in b.criteria])
    shared = [c.key for c in b.criteria if c.key in asked_a & asked_b]
    about = list(_of_rounds(earlier, later, asked_a != asked_b))
    found: dict[str, Verdict] = {}
    for verdict in verdicts(a, b):
        key = verdict.criterion
        if key not in asked_a | asked_b:
            continue
        more = [replace(c, criterion=key) for c in about] if key in shared else _unasked(key, asked_a, asked_b)
        changes = (*verdict.changes, *(more if verdict.meaning != Meaning.NOT_COMPARABLE else ()))
        found[key] = Verdict(key, worst(change.meaning for change in changes), changes)
    return found


def require_comparable(verdict: Verdict) -> Verdict:
    """For whoever is about to take a difference of two rounds."""
    if verdict.meaning == Meaning.NOT_COMPARABLE:
        raise ServiceError(f"“{verdict.criterion}” is not comparable: {' '.join(verdict.reasons)}")
    return verdict


def _of_rounds(earlier: Round, later: Round, other_company: bool) -> Iterator[Change]:
    if earlier.mode != later.mode:
        yield _change("what was shown", earlier.mode, later.mode, Meaning.NOT_COMPARABLE, _OTHER_MODE)
    if earlier.guideline_id != later.guideline_id:
        yield _change("the guidelines", "", "", Meaning.WITH_CARE, _OTHER_GUIDELINES)
    if other_company:
        yield _change("the questions beside it", "", "", Meaning.WITH_CARE, _OTHER_COMPANY)


def _unasked(key: str, asked_a: set[str], asked_b: set[str]) -> list[Change]:
    which = "earlier" if key not in asked_a else "later"
    why = f"The {which} round did not ask it."
    kind = Kind.ADDED if key not in asked_a else Kind.REMOVED
    return [Change(key, kind, "the criterion", "", "", Meaning.NOT_COMPARABLE, why)]


def _change(place: str, before: str, after: str, meaning: Meaning, why: str) -> Change:
    return Change("", Kind.ASKING, place, before, after, meaning, why)
