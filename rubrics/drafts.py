"""What is done to the criteria of a draft, and what of it two people changed at once. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from rubrics.changes import Change, changes
from rubrics.schema import criterion_to
from rubrics.specs import CriterionSpec, RubricSpec

ABOUT = ("name", "description", "notes")


def plain(spec: RubricSpec) -> RubricSpec:
    """Without row ids, so that what was typed can be compared with what is stored."""
    return replace(spec, criteria=tuple(replace(c, id=None) for c in spec.criteria))


def find(spec: RubricSpec, key: str) -> CriterionSpec | None:
    return next((c for c in spec.criteria if key and c.key == key), None)


def with_criterion(
    criteria: Sequence[CriterionSpec], stored: CriterionSpec | None, changed: CriterionSpec
) -> list[CriterionSpec]:
    if stored is None:
        return [*criteria, changed]
    found = [changed if c is stored else c for c in criteria]
    if stored.key != changed.key:
        found = [renamed(c, stored.key, changed.key) for c in found]
    return found


def renamed(spec: CriterionSpec, old: str, new: str) -> CriterionSpec:
    """A criterion shown only after another one follows its new key."""
    if not spec.shown_if or spec.shown_if.get("criterion") != old:
        return spec
    return replace(spec, shown_if={**spec.shown_if, "criterion": new})


def moved(spec: RubricSpec, key: str, step: int) -> RubricSpec:
    criteria = list(spec.criteria)
    here = next((n for n, c in enumerate(criteria) if c.key == key), None)
    if here is None or not 0 <= here + step < len(criteria):
        return spec
    criteria[here], criteria[here + step] = criteria[here + step], criteria[here]
    return replace(spec, criteria=tuple(criteria))


def ordered(criteria: Sequence[CriterionSpec], order: Sequence[str]) -> list[CriterionSpec]:
    """In the order that was asked for. What it does not name keeps its place behind the one it stood behind."""
    place = {key: n for n, key in enumerate(order)}
    keyed: list[tuple[tuple[int, int], CriterionSpec]] = []
    last = -1
    for n, criterion in enumerate(criteria):
        last = place.get(criterion.key, last)
        keyed.append(((last, 0 if criterion.key in place else n + 1), criterion))
    return [criterion for _, criterion in sorted(keyed, key=lambda pair: pair[0])]


def without(spec: RubricSpec, key: str) -> RubricSpec:
    kept = [
        replace(c, shown_if=None) if (c.shown_if or {}).get("criterion") == key else c
        for c in spec.criteria
        if c.key != key
    ]
    return replace(spec, criteria=tuple(kept))


def duplicated(spec: RubricSpec, key: str) -> tuple[RubricSpec, str]:
    """A second criterion that asks the same, right after the first, and its key."""
    criterion = find(spec, key)
    if criterion is None:
        return spec, key
    new = free_key(key, [c.key for c in spec.criteria])
    found: list[CriterionSpec] = []
    for each in spec.criteria:
        found += [each, replace(each, key=new)] if each is criterion else [each]
    return replace(spec, criteria=tuple(found)), new


def free_key(base: str, taken: Collection[str]) -> str:
    key, n = base[:60], 2
    while key in taken:
        key, n = f"{base[:55]}-{n}", n + 1
    return key


# --- Two people at one draft --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bases:
    """Fingerprints of what a writer began with: the open criterion, the name and notes, the order. Whoever saves
    later is compared part by part, so that only what both changed is a matter of choice."""

    criterion: str = ""
    about: str = ""
    order: str = ""

    @classmethod
    def of(cls, spec: RubricSpec, criterion: CriterionSpec | None) -> Bases:
        return cls(criterion_print(criterion), about_print(spec), order_print(c.key for c in spec.criteria))


def criterion_print(criterion: CriterionSpec | None) -> str:
    return _print(criterion_to(criterion)) if criterion else ""


def about_print(spec: RubricSpec) -> str:
    return _print([getattr(spec, name) for name in ABOUT])


def order_print(keys: Iterable[str]) -> str:
    return _print(list(keys))


def _print(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Clash:
    """One text that stands otherwise in the store (`theirs`) than in the form (`mine`)."""

    place: str
    theirs: str
    mine: str


def clashes_of(theirs: CriterionSpec | None, mine: CriterionSpec) -> list[Clash]:
    """Where the two say something else; a criterion that they deleted is one difference."""
    if theirs is None:
        return [Clash("the criterion", "", mine.question)]
    same_key = replace(theirs, key=mine.key)
    found: list[Change] = list(
        changes(RubricSpec(name="", criteria=(same_key,)), RubricSpec(name="", criteria=(mine,)))
    )
    clashes = [Clash(c.place, c.before, c.after) for c in found]
    clashes += [Clash(c.place, c.theirs, c.mine) for c in _unlike_levels(theirs, mine)]
    if theirs.key != mine.key:
        clashes.append(Clash("the key", theirs.key, mine.key))
    return clashes


def _unlike_levels(theirs: CriterionSpec, mine: CriterionSpec) -> list[Clash]:
    """Levels that only one of the two has, in full: which values there are is said by the changes."""
    found = []
    for a, b, hers in ((theirs, mine, True), (mine, theirs, False)):
        known = {level.code for level in b.levels}
        for level in a.levels:
            if level.code not in known:
                words = f"{level.label}: {level.anchor}" if level.anchor else level.label
                found.append(Clash(f"level {level.code}", words if hers else "", "" if hers else words))
    return found


def with_about(spec: RubricSpec, about: dict[str, str]) -> RubricSpec:
    """With the name, the description and the notes that were typed."""
    said = {name: about.get(name, getattr(spec, name)) for name in ABOUT}
    return replace(spec, name=said["name"], description=said["description"], notes=said["notes"])


def about_clashes(theirs: RubricSpec, mine: dict[str, str]) -> list[Clash]:
    titles = {"name": "the name", "description": "what it is for", "notes": "what changed in this version"}
    return [
        Clash(titles[name], getattr(theirs, name), mine[name])
        for name in ABOUT
        if name in mine and getattr(theirs, name) != mine[name]
    ]
