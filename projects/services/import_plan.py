"""What an import would change: the staged file set against the rows that are there already.

A plan writes nothing. `import_write` carries it out; the preview only counts it. Identity is by content:
what is stored already, in any revision, is left alone, so importing a file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model

from projects.importers.records import ItemRecord, SystemKey
from projects.models import (
    AutomatedScore,
    ImportBatch,
    Item,
    ItemRevision,
    ItemTag,
    Metric,
    Output,
    OutputRevision,
    Project,
    System,
)
from projects.services.import_rows import NewItem, NewItemRevision
from projects.services.import_scores import OutputKey, Table
from projects.services.import_stage import (
    MAX_TAG,
    Staged,
    StagedItem,
    digest_of,
    drop_items,
    item_digest,
)

T = TypeVar("T")
LOOKUP = 500  # keys in one IN (…): well under SQLite's limit of parameters
KINDS = ("items", "systems", "outputs", "scores", "judgments")

KeysOf = Callable[[type[Model], int], Iterable[int]]  # primary keys for so many rows that are not saved yet


@dataclass(slots=True)
class NewScores:
    """Scores of one metric to be written: the row of each is made when it is its turn, for there are many."""

    metric: Metric
    identities: list[Hashable]
    staged: Table


@dataclass
class Plan:
    project: Project
    staged: Staged
    batch: ImportBatch
    keys_of: KeysOf
    systems: list[System] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    item_revisions: list[ItemRevision] = field(default_factory=list)
    tags: list[ItemTag] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    outputs: list[OutputKey] = field(default_factory=list)
    output_revisions: list[OutputRevision] = field(default_factory=list)
    scores: list[NewScores] = field(default_factory=list)
    retired_item_revisions: list[int] = field(default_factory=list)
    retired_output_revisions: list[int] = field(default_factory=list)
    changed_items: list[Item] = field(default_factory=list)
    changed_outputs: list[Output] = field(default_factory=list)
    changed_scores: list[AutomatedScore] = field(default_factory=list)
    changed_metrics: list[Metric] = field(default_factory=list)
    system_ids: dict[SystemKey, int] = field(default_factory=dict)
    item_ids: dict[str, int] = field(default_factory=dict)
    output_ids: dict[OutputKey, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    new: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    changed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    def reserve(self, rows: Sequence[Model]) -> None:
        give_keys(rows, self.keys_of)

    @property
    def is_empty(self) -> bool:
        changes = (*self.new.values(), *self.changed.values(), len(self.metrics), len(self.changed_metrics))
        return not any(changes)


def give_keys(rows: Sequence[Model], keys_of: KeysOf) -> None:
    """Give rows that are not saved yet their primary keys, so that others can point to them."""
    if rows:
        for row, key in zip(rows, keys_of(type(rows[0]), len(rows)), strict=True):
            row.pk = key


def chunks(values: Iterable[T], size: int = LOOKUP) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def plan_systems(plan: Plan) -> None:
    wanted = plan.staged.systems
    for pk, name, version in System.objects.filter(project_id=plan.project.pk).values_list("pk", "name", "version"):
        if (name, version) in wanted:
            plan.system_ids[name, version] = pk
    plan.systems = [
        System(project_id=plan.project.pk, name=key[0], version=key[1], config=config)
        for key, config in wanted.items()
        if key not in plan.system_ids
    ]
    plan.reserve(plan.systems)
    plan.system_ids.update({(system.name, system.version): system.pk for system in plan.systems})
    plan.counts["systems"], plan.new["systems"] = len(wanted), len(plan.systems)


def plan_items(plan: Plan) -> None:
    dropped: dict[str, str] = {}
    known: set[str] = set()
    for keys in chunks(plan.staged.items):
        rows = list(Item.objects.filter(project_id=plan.project.pk, external_id__in=keys))
        revisions = _revisions_of(rows)
        tags: dict[int, set[str]] = {}
        for item_id, tag in ItemTag.objects.filter(item_id__in=[row.pk for row in rows]).values_list("item_id", "tag"):
            tags.setdefault(item_id, set()).add(tag)
        for row in rows:
            known.add(row.external_id)
            plan.item_ids[row.external_id] = row.pk
            why = _known_item(plan, row, revisions.get(row.pk, []), tags.get(row.pk, set()))
            if why:
                dropped[row.external_id] = why
    drop_items(plan.staged, dropped)
    _new_items(plan, known)
    plan.counts["items"] = len(plan.staged.items)


def _revisions_of(rows: list[Item]) -> dict[int, list[ItemRevision]]:
    """Every revision by item, the newest last; without the texts, which only a difference needs."""
    found: dict[int, list[ItemRevision]] = {}
    query = ItemRevision.objects.filter(item_id__in=[row.pk for row in rows]).order_by("revision")
    for revision in query.only("item_id", "revision", "current", "kind", "digest"):
        found.setdefault(revision.item_id, []).append(revision)
    return found


def _known_item(plan: Plan, row: Item, revisions: list[ItemRevision], tags: set[str]) -> str:
    """Plan what the file adds to an item that is there. Answers why it must be left out, or ''."""
    staged = plan.staged.items[row.external_id]
    why, content = _content_to_add(plan, staged, revisions)
    if why:
        return why
    more_tags = [tag for tag in _tags(plan, staged.record) if tag not in tags]
    if content is not None:
        _add_item_revision(plan, row.pk, content, revisions)
    plan.tags += [ItemTag(item_id=row.pk, tag=tag) for tag in more_tags]
    filled = _fill_item(row, staged.record)
    if filled:
        plan.changed_items.append(row)
    if filled or more_tags or content is not None:
        plan.changed["items"] += 1
    return ""


def _content_to_add(
    plan: Plan, staged: StagedItem, revisions: list[ItemRevision]
) -> tuple[str, tuple[Any, ...] | None]:
    """(why the item must be left out, the content of a new revision if one is needed)."""
    record = staged.record
    given = (list(record.messages), list(record.context), list(record.reference), list(record.choices))
    if not any(given) or item_digest(*given) in {revision.digest for revision in revisions}:
        return "", None
    if not revisions:
        return "", given
    current = next((each for each in revisions if each.current), revisions[-1])
    if current.kind == ItemRevision.Kind.REDACTION:
        return "", None
    prompts = {digest_of(each.messages) for each in revisions if each.messages}
    if staged.prompt and prompts and staged.prompt not in prompts:
        return "The project holds another prompt under this id. Give the item in the file a new id.", None
    if staged.prompt and current.messages and staged.prompt != digest_of(current.messages):
        return "", None  # the file has the text from before a correction
    stored: tuple[Any, ...] = (current.messages, current.context, current.reference, current.choices)
    merged: tuple[Any, ...] = tuple(old or new for old, new in zip(stored, given, strict=True))
    names = ("messages", "context", "reference", "choices")
    kept = [
        name for name, old, new in zip(names, stored, given, strict=True)
        if old and new and digest_of(old) != digest_of(new)
    ]  # fmt: skip
    if kept:
        plan.staged.note(f"item {record.external_id}", f"The project's own {', '.join(kept)} was kept.")
    return "", None if item_digest(*merged) == current.digest else merged


def _add_item_revision(plan: Plan, item_id: int, content: tuple[Any, ...], earlier: list[ItemRevision]) -> None:
    messages, context, reference, choices = content
    kind = ItemRevision.Kind.CORRECTION if earlier else ItemRevision.Kind.IMPORT
    plan.retired_item_revisions += [each.pk for each in earlier if each.current]
    plan.item_revisions.append(
        NewItemRevision(
            item_id=item_id,
            revision=max((each.revision for each in earlier), default=0) + 1,
            kind=kind,
            messages=messages,
            context=context,
            reference=reference,
            choices=choices,
            digest=item_digest(messages, context, reference, choices),
            reason=f"Added in {plan.staged.file_name}"[:500] if earlier else "",
            created_by_id=plan.batch.created_by_id,
        )
    )


def _fill_item(row: Item, record: ItemRecord) -> bool:
    """Take what the item lacks; never replace what it has."""
    before = (row.cluster, row.language, len(row.metadata))
    if record.cluster and row.cluster == row.external_id:
        row.cluster = record.cluster[:300]
    row.language = row.language or record.language[:35]
    row.metadata = {**record.metadata, **row.metadata}
    return before != (row.cluster, row.language, len(row.metadata))


def _tags(plan: Plan, record: ItemRecord) -> list[str]:
    fitting = [tag for tag in dict.fromkeys(record.tags) if 0 < len(tag) <= MAX_TAG]
    if len(fitting) < len(record.tags):
        plan.staged.note(f"item {record.external_id}", f"Tags of more than {MAX_TAG} characters were left out.")
    return fitting


def _new_items(plan: Plan, known: set[str]) -> None:
    fresh = [(key, each) for key, each in plan.staged.items.items() if key not in known]
    plan.items = [
        NewItem(
            project_id=plan.project.pk,
            external_id=key,
            cluster=(each.record.cluster or key)[:300],
            language=each.record.language[:35],
            metadata=each.record.metadata,
            batch_id=plan.batch.pk,
        )
        for key, each in fresh
    ]
    plan.reserve(plan.items)
    plan.new["items"] = len(plan.items)
    for row, (key, each) in zip(plan.items, fresh, strict=True):
        plan.item_ids[key] = row.pk
        record = each.record
        content = (record.messages, record.context, record.reference, record.choices)
        if any(content):
            _add_item_revision(plan, row.pk, content, [])
        plan.tags += [ItemTag(item_id=row.pk, tag=tag) for tag in _tags(plan, record)]
