"""What a file says, gathered from neutral records and checked, before the database is asked anything.

Several records about one thing are brought together here: a long file names its item on every row. Where
they contradict each other, the thing is left out (items) or the first stands (outputs), and it is said.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from projects.importers.records import (
    HumanRatingRecord,
    ItemRecord,
    OutputRecord,
    Problem,
    ReadAs,
    ReadElsewhere,
    Record,
    RunRecord,
    ScoreKind,
    ScoreRecord,
    SystemKey,
    SystemRecord,
)
from projects.services.import_scores import OutputKey, StagedScore, StagedScores

Progress = Callable[[str, int, int | None], None]  # what is done, how many, of how many

# Widths of the database's columns, and the largest whole number PostgreSQL's integer holds.
MAX_ITEM, MAX_NAME, MAX_VERSION, MAX_METRIC, MAX_TAG = 300, 200, 100, 150, 150
MAX_LABEL, MAX_REASON, MAX_INTEGER = 200, 300, 2**31 - 1
PROGRESS_EVERY = 1000
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass(slots=True)
class StagedItem:
    record: ItemRecord
    prompt: str  # digest of the messages; '' when the file tells none
    conflict: bool = False


@dataclass(slots=True)
class StagedOutput:
    key: OutputKey  # the one object of it: scores point to it
    record: OutputRecord
    digest: str  # of text and messages; '' when the file holds no text


@dataclass(slots=True)
class Staged:
    file_name: str
    format: str = ""
    file_digest: str = ""
    file_size: int = 0
    run: RunRecord = field(default_factory=lambda: RunRecord(""))
    items: dict[str, StagedItem] = field(default_factory=dict)
    systems: dict[SystemKey, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[OutputKey, StagedOutput] = field(default_factory=dict)
    scores: StagedScores = field(default_factory=StagedScores)
    problems: list[Problem] = field(default_factory=list)
    formats: set[str] = field(default_factory=set)  # of the files in an archive or a folder
    other_texts: set[OutputKey] = field(default_factory=set)  # outputs told last with a text that was not kept
    media: list[Any] = field(default_factory=list)  # images and sounds beside the texts (services.media.File)
    read_elsewhere: bool = False  # the file adds nothing by itself: another of the import took it in

    names: dict[SystemKey, SystemKey] = field(default_factory=dict)  # the one object of each: every row names one

    def name_of(self, system: SystemKey) -> SystemKey:
        return self.names.setdefault(system, system)

    def skip(self, what: str, why: str) -> None:
        self.problems.append(Problem(f"{self.file_name}, {what}", why))

    def note(self, what: str, why: str) -> None:
        self.problems.append(Problem(f"{self.file_name}, {what}" if what else self.file_name, why, "note"))


def digest_of(content: Any) -> str:
    """SHA-256 of the content as canonical JSON: sorted keys, no spaces, Unicode in NFC."""
    text = _CANONICAL.encode(content)
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")).hexdigest()


def item_digest(messages: Any, context: Any, reference: Any, choices: Any) -> str:
    return digest_of([list(messages), list(context), list(reference), list(choices)])


def output_digest(text: str, messages: Any) -> str:
    return digest_of([text, list(messages)])


def score_key(score: StagedScore) -> str:
    """The identity of a score within its metric, as the database keeps it."""
    return digest_of(score.named)


def stage(
    records: Iterable[Record | Problem],
    *,
    file_name: str,
    pseudonym: Callable[[str], str],
    progress: Progress | None = None,
) -> Staged:
    """Read all records. Memory holds each thing once; nothing is written."""
    staged = Staged(file_name)
    for count, record in enumerate(records, start=1):
        _take(staged, record, pseudonym)
        if progress and count % PROGRESS_EVERY == 0:
            progress("Reading", count, None)
    _drop_conflicts(staged)
    _name_the_unnamed(staged)
    return staged


def _take(staged: Staged, record: Record | Problem, pseudonym: Callable[[str], str]) -> None:
    match record:
        case Problem():
            staged.problems.append(record)
        case ItemRecord():
            _take_item(staged, record)
        case SystemRecord():
            _take_system(staged, record)
        case OutputRecord():
            _take_output(staged, record)
        case ScoreRecord():
            _take_score(staged, record, human=False)
        case HumanRatingRecord():
            _take_score(staged, _as_score(record, pseudonym), human=True)
        case RunRecord():
            staged.run = record
        case ReadAs():
            staged.formats.add(record.format)
        case ReadElsewhere():
            staged.read_elsewhere = True
            staged.note("", f"This file was read together with {record.by}.")


def _take_item(staged: Staged, record: ItemRecord) -> None:
    if not 0 < len(record.external_id) <= MAX_ITEM:
        staged.skip(f"item {record.external_id[:40]}…", f"An item's id must have 1 to {MAX_ITEM} characters.")
        return
    prompt = digest_of(list(record.messages)) if record.messages else ""
    known = staged.items.get(record.external_id)
    if known is None:
        staged.items[record.external_id] = StagedItem(record, prompt)
    elif prompt and known.prompt and prompt != known.prompt:
        known.conflict = True
    else:
        known.prompt = known.prompt or prompt
        known.record = _together(known.record, record)


def _together(first: ItemRecord, more: ItemRecord) -> ItemRecord:
    if more == first:
        return first
    return replace(
        first,
        messages=first.messages or more.messages,
        context=first.context or more.context,
        reference=first.reference or more.reference,
        choices=first.choices or more.choices,
        metadata={**more.metadata, **first.metadata},
        tags=tuple(dict.fromkeys((*first.tags, *more.tags))),
        cluster=first.cluster or more.cluster,
        language=first.language or more.language,
    )


def _take_system(staged: Staged, record: SystemRecord) -> None:
    key = (record.name, record.version)
    if _system_fits(staged, key):
        staged.systems[key] = {**staged.systems.get(key, {}), **record.config}


def _system_fits(staged: Staged, key: SystemKey) -> bool:
    if key in staged.systems:
        return True
    name, version = key
    if 0 < len(name) <= MAX_NAME and len(version) <= MAX_VERSION:
        return True
    staged.skip(
        f"system {name[:40]}…",
        f"A system's name must have 1 to {MAX_NAME} characters and its version at most {MAX_VERSION}.",
    )
    return False


def _take_output(staged: Staged, record: OutputRecord) -> None:
    key = (record.item, staged.name_of(record.system), record.repeat, record.variant)
    if not _target_fits(staged, key):
        return
    has_text = record.text is not None or bool(record.messages)
    digest = output_digest(record.text or "", record.messages) if has_text else ""
    record = _measures_checked(staged, record)
    known = staged.outputs.get(key)
    if known is None:
        staged.outputs[key] = StagedOutput(key, record, digest)
        return
    if digest and known.digest and digest != known.digest:
        why = "The file holds two different texts for this output; the first was kept, with its scores."
        staged.skip(_output_name(key), why)
        staged.other_texts.add(key)
    elif digest:
        staged.other_texts.discard(key)
    if key in staged.other_texts:
        return
    known.digest = known.digest or digest
    known.record = _outputs_together(known.record, record)


def _outputs_together(first: OutputRecord, more: OutputRecord) -> OutputRecord:
    if more == first:
        return first
    filled: dict[str, Any] = {"messages": first.messages or more.messages, "error": first.error or more.error}
    for name in ("text", "latency_ms", "ttft_ms", "tokens_in", "tokens_out", "cost"):
        value = getattr(first, name)
        filled[name] = getattr(more, name) if value is None else value
    filled["currency"] = first.currency or more.currency
    return replace(first, raw={**more.raw, **first.raw}, **filled)


def _measures_checked(staged: Staged, record: OutputRecord) -> OutputRecord:
    """Drop a latency, cost or token count that no database row may hold, and say so."""
    wrong: dict[str, Any] = {}
    for name in ("latency_ms", "ttft_ms", "cost", "tokens_in", "tokens_out"):
        value = getattr(record, name)
        if value is None:
            continue
        if not math.isfinite(value) or value < 0 or (name.startswith("tokens") and value > MAX_INTEGER):
            wrong[name] = None
    if len(record.currency) > 3:
        wrong["currency"] = ""
    if not wrong:
        return record
    key = (record.item, record.system, record.repeat, record.variant)
    staged.note(
        _output_name(key),
        f"{', '.join(wrong)} was left empty. Accepted: numbers of 0 or more; a currency of three letters.",
    )
    return replace(record, **wrong)


def _target_fits(staged: Staged, key: OutputKey) -> bool:
    item, system, repeat, variant = key
    if not 0 < len(item) <= MAX_ITEM:
        staged.skip(f"item {item[:40]}…", f"An item's id must have 1 to {MAX_ITEM} characters.")
        return False
    if not 0 <= repeat <= MAX_INTEGER or len(variant) > MAX_NAME:
        staged.skip(
            _output_name(key),
            f"The repeat must be 0 or more, and the variant have at most {MAX_NAME} characters.",
        )
        return False
    return _system_fits(staged, system)


def _output_name(key: OutputKey) -> str:
    item, (name, version), repeat, variant = key
    label = f"item {item}, system {name}@{version}" if version else f"item {item}, system {name}"
    return label + (f", repeat {repeat}" if repeat else "") + (f", variant {variant}" if variant else "")


def _as_score(record: HumanRatingRecord, pseudonym: Callable[[str], str]) -> ScoreRecord:
    """A person's rating from a tool's file. The name stays out of the database: a pseudonym stands for it."""
    # Its own metric, so that a person's answers never mix with a program's of the same name.
    metric = record.metric if "human" in record.metric.lower() else f"{record.metric} (human)"
    return ScoreRecord(
        metric=metric,
        item=record.item,
        system=record.system,
        system_b=record.system_b,
        repeat=record.repeat,
        variant=record.variant,
        kind=_human_kind(record),
        number=record.number,
        label=record.label,
        source="human",
        judge=pseudonym(record.rater) if record.rater else "",
        explanation=record.comment,
        missing_reason="" if record.number is not None or record.label else "The person gave no value.",
        position=record.position,
        turn=record.turn,
    )


def _human_kind(record: HumanRatingRecord) -> ScoreKind:
    if record.system_b is not None:
        return "preference"
    if record.label in {"true", "false"} and record.number in {0.0, 1.0}:
        return "bool"
    return "number" if record.number is not None else "label"


def _take_score(staged: Staged, record: ScoreRecord, *, human: bool) -> None:
    record = _value_checked(record)
    if not 0 < len(record.metric) <= MAX_METRIC:
        staged.skip(f"metric {record.metric[:40]}…", f"A metric's name must have 1 to {MAX_METRIC} characters.")
        return
    if record.system is None:
        staged.skip(f"metric {record.metric}", "The score names no system, so it cannot be given to an output.")
        return
    target = target_b = None
    if record.item is not None:
        target = (record.item, staged.name_of(record.system), record.repeat, record.variant)
        if record.system_b is not None:
            target_b = (record.item, staged.name_of(record.system_b), record.repeat, record.variant)
    if target in staged.other_texts or target_b in staged.other_texts:
        return  # it is about the text that was not kept, which was said
    if not (_system_fits(staged, record.system) and all(_target_fits(staged, t) for t in (target, target_b) if t)):
        return
    shape = staged.scores.shape_of(record, human=human)
    ends = _key_of(staged, target), _key_of(staged, target_b)
    more = (record.explanation, record.details) if record.explanation or record.details else None
    score = StagedScore(shape, record.number, *ends, more)
    known = staged.scores.put(record.metric, score)
    if known is not None and known.value != score.value:
        where = _output_name(target) if target else f"system {record.system[0]}"
        staged.note(f"{where}, metric {record.metric}", "The file holds two values for this score; the last stands.")


def _key_of(staged: Staged, target: OutputKey | None) -> OutputKey | None:
    """The same key, as the one object that the output has."""
    known = staged.outputs.get(target) if target else None
    return known.key if known else target


def _value_checked(record: ScoreRecord) -> ScoreRecord:
    """The record with a value the database can hold, or with a reason why it has none."""
    wrong: dict[str, Any] = {}
    number = record.number
    if number is not None and not math.isfinite(number):
        number = wrong["number"] = None
    has_value = number is not None or bool(record.label)
    if has_value and record.missing_reason:
        wrong["missing_reason"] = ""
    elif not has_value:
        missing = "The value is not a finite number." if record.number is not None else "The file gives no value."
        wrong["missing_reason"] = (record.missing_reason or missing)[:MAX_REASON]
    if len(record.label) > MAX_LABEL or len(record.judge) > MAX_LABEL:
        wrong |= {"label": record.label[:MAX_LABEL], "judge": record.judge[:MAX_LABEL]}
    if record.turn is not None and not 0 <= record.turn <= MAX_INTEGER:
        wrong["turn"] = None
    return replace(record, **wrong) if wrong else record


def _drop_conflicts(staged: Staged) -> None:
    why = "The same item id stands for two different prompts in this file. Give one of them a new id."
    drop_items(staged, {key: why for key, each in staged.items.items() if each.conflict})


def drop_items(staged: Staged, dropped: dict[str, str]) -> None:
    """Leave out items with their outputs and scores: nobody can tell which prompt they answer."""
    if not dropped:
        return
    for item, why in dropped.items():
        del staged.items[item]
        staged.skip(f"item {item}", f"{why} The item was left out, with its outputs and scores.")
    staged.outputs = {key: each for key, each in staged.outputs.items() if key[0] not in dropped}
    staged.scores.drop(dropped)


def _name_the_unnamed(staged: Staged) -> None:
    """Items, systems and outputs that only others name: they exist, without text."""
    for score in staged.scores.scores():
        for target in (score.target, score.target_b):
            if target is not None and target not in staged.outputs:
                item, system, repeat, variant = target
                record = OutputRecord(item, system, repeat=repeat, variant=variant)
                staged.outputs[target] = StagedOutput(target, record, "")
        if score.shape.system is not None:
            staged.systems.setdefault(score.shape.system, {})
    for item, system, _, _ in staged.outputs:
        if item not in staged.items:
            staged.items[item] = StagedItem(ItemRecord(item), "")
        staged.systems.setdefault(system, {})
