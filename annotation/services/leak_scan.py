"""The leak scan of a round: what raters would read that tells which system answered.

The words themselves are found by `annotation.leaks`; what is done about them is in `leak_acts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from django.utils.translation import gettext

from annotation import leaks
from annotation.leaks import Finder, Place, Term
from annotation.models import LeakDecision, Round
from annotation.services.round_tasks import shown_by, systems_of
from projects.models import Item, ItemRevision, Output, OutputRevision
from projects.rendering.references import hidden, names_written
from projects.shown_media import Shelf

CHUNK = 500
EXAMPLES = 5
GONE = "This word is not in the texts of the round any more, so nothing was changed."
Part = Literal["prompt", "source", "reference", "answer"]
Accepted = set[tuple[int, int | None, str, str]]  # item, output, key of the term, digest of the content


@dataclass(frozen=True, slots=True)
class Shown:
    """The texts of one item or output that raters see."""

    item: int
    output: int | None
    digest: str
    texts: tuple[tuple[Part, str], ...]


@dataclass(frozen=True, slots=True)
class Example:
    item: int
    external_id: str
    system: str  # empty for the item's own texts
    part: Part
    before: str
    words: str
    after: str


@dataclass(slots=True)
class Found:
    """One term with everything known about it in this round."""

    term: Term
    places: int = 0
    open: int = 0  # places that nobody has decided about
    accepted: int = 0
    items: set[int] = field(default_factory=set)
    systems: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def why(self) -> str:
        return gettext(leaks.WORDS[self.term.why])

    @property
    def by_system(self) -> list[tuple[str, int]]:
        return self.systems.most_common()


@dataclass(frozen=True, slots=True)
class Scan:
    """What a round's texts tell. `open` places are undecided; `texts` were read."""

    found: tuple[Found, ...]
    texts: int
    left_out: int
    redacted: int

    @property
    def open(self) -> int:
        return sum(each.open for each in self.found)


class Material:
    """What a round shows, and what is looked for in it. Read once for one request."""

    def __init__(self, round: Round) -> None:
        self.round = round
        self.items, self.outputs = shown_by(round)
        systems = systems_of(round)
        self.labels = {s.pk: s.label for s in systems}
        own = leaks.own_terms("\n".join(round.options.get("leak_terms", [])))
        named = leaks.system_terms((s.name, s.version) for s in systems)
        self.finder = Finder([*named, *own, *leaks.known_terms()])

    @cached_property
    def accepted(self) -> Accepted:
        rows = LeakDecision.objects.filter(round=self.round, decision=LeakDecision.Decision.ACCEPT)
        return set(rows.values_list("item_id", "output_id", "key", "digest"))

    def shown(self) -> Iterator[Shown]:
        for chunk in chunks(self.items):
            rows = ItemRevision.objects.filter(item__in=chunk, current=True).order_by("item_id")
            yield from self._without_files(
                [
                    Shown(row.item_id, None, row.digest, tuple(_item_texts(row, self.round.show_reference)))
                    for row in rows
                ]
            )
        for chunk in chunks(self.outputs):
            answers = OutputRevision.objects.filter(output__in=chunk, current=True).select_related("output")
            yield from self._without_files(
                [
                    Shown(answer.output.item_id, answer.output_id, answer.digest, tuple(_output_texts(answer)))
                    for answer in answers.order_by("output_id")
                ]
            )

    def _without_files(self, texts: list[Shown]) -> Iterator[Shown]:
        """Names of files that are shown reach nobody, so they tell nothing. Names that no file stands for do."""
        names = [name for shown in texts for _, text in shown.texts for name in names_written(text)]
        known = Shelf(self.round.project_id, names).names if names else set()
        for shown in texts:
            yield replace(shown, texts=tuple((part, hidden(text, known)) for part, text in shown.texts))

    def undecided(self) -> Counter[str]:
        """Places that nobody has decided about, by the key of their term."""
        return Counter(
            place.term.key
            for shown in self.shown()
            for _, text in shown.texts
            for place in self.finder.places(text)
            if (shown.item, shown.output, place.term.key, shown.digest) not in self.accepted
        )

    def with_term(self, key: str) -> Iterator[Shown]:
        """The items and outputs in whose texts the term stands."""
        for shown in self.shown():
            if any(place.term.key == key for _, text in shown.texts for place in self.finder.places(text)):
                yield shown

    def redacted_outputs(self) -> list[Output]:
        kind, found = OutputRevision.Kind.REDACTION, []
        for chunk in chunks(self.outputs):
            rows = OutputRevision.objects.filter(output__in=chunk, current=True, kind=kind).select_related("output")
            found += [row.output for row in rows.order_by("output_id")]
        return found

    def redacted_items(self) -> list[Item]:
        kind, found = ItemRevision.Kind.REDACTION, []
        for chunk in chunks(self.items):
            rows = ItemRevision.objects.filter(item__in=chunk, current=True, kind=kind).select_related("item")
            found += [row.item for row in rows.order_by("item_id")]
        return found

    def left_out(self) -> int:
        rows = LeakDecision.objects.filter(round=self.round, decision=LeakDecision.Decision.EXCLUDE)
        return rows.values("item").distinct().count()


def scan(round: Round) -> Scan:
    """Read every text that raters of this round would see; a fixed number of statements for each 500 texts."""
    material = Material(round)
    names = _Names(material)
    found: dict[str, Found] = {}
    texts = 0
    for shown in material.shown():
        for part, text in shown.texts:
            texts += 1
            for place in material.finder.places(text):
                each = found.setdefault(place.term.key, Found(place.term))
                known = (shown.item, shown.output, place.term.key, shown.digest) in material.accepted
                _count(each, shown, known, names)
                if len(each.examples) < EXAMPLES and not known:
                    each.examples.append(_example(shown, part, text, place, names))
    ordered = sorted(found.values(), key=lambda f: (not f.open, f.term.why != "system", -f.places, f.term.key))
    redacted = len(material.redacted_outputs()) + len(material.redacted_items())
    return Scan(tuple(ordered), texts, material.left_out(), redacted)


def open_leaks(round: Round) -> int:
    """How many places nobody has decided about."""
    return sum(Material(round).undecided().values())


def _count(each: Found, shown: Shown, known: bool, names: _Names) -> None:
    each.places += 1
    each.accepted += known
    each.open += not known
    each.items.add(shown.item)
    each.systems[names.system(shown.output) or "prompts and sources"] += 1


def _example(shown: Shown, part: Part, text: str, place: Place, names: _Names) -> Example:
    before, words, after = leaks.snippet(text, place)
    return Example(shown.item, names.item(shown.item), names.system(shown.output), part, before, words, after)


class _Names:
    """External ids of items and labels of systems, each read once."""

    def __init__(self, material: Material) -> None:
        self._items: dict[int, str] = {}
        for chunk in chunks(material.items):
            self._items |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "external_id"))
        self._systems: dict[int, str] = {}
        for chunk in chunks(material.outputs):
            rows = Output.objects.filter(pk__in=chunk).values_list("pk", "system_id")
            self._systems |= {pk: material.labels.get(system, "") for pk, system in rows}

    def item(self, pk: int) -> str:
        return self._items.get(pk, "")

    def system(self, output: int | None) -> str:
        return "" if output is None else self._systems.get(output, "")


def _item_texts(row: ItemRevision, show_reference: bool) -> Iterator[tuple[Part, str]]:
    yield from (("prompt", text) for text in leaks.shown_texts(row.messages))
    yield from (("source", text) for text in leaks.shown_texts(row.context))
    if show_reference:
        yield from (("reference", text) for text in leaks.shown_texts(row.reference))


def _output_texts(row: OutputRevision) -> Iterator[tuple[Part, str]]:
    """The answer's text and its turns; a text that stands in both counts once."""
    texts = dict.fromkeys([row.text, *leaks.shown_texts(row.messages)])
    yield from (("answer", text) for text in texts if text)


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
