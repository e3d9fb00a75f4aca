"""Existing human judgments, taken into a round from a file. Idempotent by content: what is there stays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone

from annotation.models import Assignment, FreeText, Judgment, Rating, Round, Seat, Task, TaskOutput
from annotation.services.imported_places import find_places
from annotation.services.imported_rows import Checked, RatingRow, check_rows, together
from annotation.services.imported_store import (
    BATCH,
    STRATEGY,
    AssignmentKey,
    Slot,
    Stored,
    Taken,
    Value,
    chunks,
    digest_of,
    insert,
    merged_texts,
    rating_rows,
    read_stored,
    text_rows,
)
from annotation.services.imported_tools import ToolFile, human_rows, is_tools
from annotation.task_keys import task_key
from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.importers import tables
from projects.importers.records import ImportFileError, place
from projects.models import ImportBatch, Item, Output, System
from projects.planner import note_growth
from rubrics.criteria import CRITERIA
from rubrics.selectors import spec_of

Progress = Callable[[str, int, int | None], None]
PROBLEMS_SHOWN = 20


@dataclass(slots=True)
class ImportResult:
    """What an import did. `ratings` are new ones, `changed` replaced an earlier value, the rest was there."""

    rows: int = 0
    items: int = 0
    systems: int = 0
    outputs: int = 0
    tasks: int = 0
    raters: int = 0
    judgments: int = 0
    ratings: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {"format": "judgments", "scores": 0, **asdict(self)}


@dataclass(slots=True)
class _Work:
    """One assignment as the file describes it: what was shown first, and the answers by shown position."""

    key: AssignmentKey
    row: RatingRow
    shown_order: str
    order_known: bool
    ratings: dict[Slot, Value] = field(default_factory=dict)
    texts: dict[tuple[Slot, str], str] = field(default_factory=dict)
    source: dict[Slot, RatingRow] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    submitted_at: datetime | None = None


def judgments_import(
    *,
    round: Round,
    stream: BinaryIO,
    name: str,
    actor: Any = None,
    progress: Progress | None = None,
    tool: ToolFile | None = None,
) -> ImportResult:
    """Read the file, check every row, and write all of it or nothing. With `tool`, the file may also be one of an
    evaluation tool, of which the answers of people are taken.

    Raises ServiceError with one sentence for each bad row. Reading and checking happen before the
    transaction, so that nobody waits for a large file to be parsed."""
    digest, size = _fingerprint(stream)
    checked = _checked(round, stream, name, progress, tool)
    rows = checked.rows
    result = ImportResult(rows=checked.n_rows)
    result.skipped = [{"where": where, "why": why} for where, why in checked.skipped]
    if rows:
        with transaction.atomic():
            row = Round.objects.select_for_update().select_related("project").get(pk=round.pk)
            _Import(row, name, rows, _Batch(row, name, digest, size, actor), result, progress).run()
            note_growth(result.ratings, Item, System, Output, Task, TaskOutput, Seat, Assignment, Judgment, Rating)
            point_of_no_return()
    return result


def _fingerprint(stream: BinaryIO) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    while part := stream.read(1 << 20):
        sha.update(part)
        size += len(part)
    stream.seek(0)
    return sha.hexdigest(), size


def _checked(round: Round, stream: BinaryIO, name: str, progress: Progress | None, tool: ToolFile | None) -> Checked:
    try:
        rubric = spec_of(round.rubric_version)
        left_out: list[tuple[str, str]] = []
        rows: Iterable[tuple[int, dict[str, Any]]]
        if tool and is_tools(stream, name, tool):
            rows, left_out = human_rows(stream, name, tool, rubric)
        else:
            rows = tables.read_rows(stream, name)
        checked = check_rows(_counted(rows, progress), name=name, rubric=rubric, mode=round.mode)
        checked.skipped += left_out
    except ImportFileError as error:
        raise ServiceError(str(error)) from error
    if round.state == Round.State.CLOSED:
        checked.problems += [
            f"{place(name, r.row, 'purpose')}: A closed round takes imported judgments only."
            for r in checked.rows
            if r.purpose != "imported"
        ]
    if checked.problems:
        raise ServiceError(_listed(checked.problems))
    return checked


def _counted(
    rows: Iterable[tuple[int, dict[str, Any]]], progress: Progress | None
) -> Iterable[tuple[int, dict[str, Any]]]:
    for count, row in enumerate(rows, start=1):
        if progress and count % BATCH == 0:
            progress("Reading", count, None)
        yield row


def _listed(problems: list[str]) -> str:
    shown = problems[:PROBLEMS_SHOWN]
    more = len(problems) - len(shown)
    if more:
        shown.append(f"… and {more:,} more rows with problems.")
    if len(problems) > 1:
        shown.append("Nothing was imported.")
    return "\n".join(shown)


class _Batch:
    """The record of this import. A file that changes nothing leaves none."""

    def __init__(self, round: Round, name: str, digest: str, size: int, actor: Any) -> None:
        self.round, self.name, self.digest, self.size, self.actor = round, name, digest, size, actor
        self.row: ImportBatch | None = None

    def __call__(self) -> ImportBatch:
        if self.row is None:
            self.row = ImportBatch.objects.create(
                project_id=self.round.project_id,
                state=ImportBatch.State.RUNNING,
                format="judgments",
                file_name=self.name[:300],
                file_digest=self.digest,
                file_size=self.size,
                created_by=self.actor,
            )
        return self.row

    def finish(self, result: ImportResult) -> None:
        if self.row is None:
            return
        counts = {k: v for k, v in asdict(result).items() if k != "skipped"}
        self.row.state, self.row.counts, self.row.problems = (
            ImportBatch.State.DONE,
            counts,
            result.skipped[:1000],
        )
        self.row.progress, self.row.finished_at = result.rows, timezone.now()
        self.row.save(update_fields=["state", "counts", "problems", "progress", "finished_at"])
        audit.record(
            project=self.round.project,
            actor=self.actor,
            verb="judgments.import",
            target=f"round:{self.round.pk}",
            payload={"batch": self.row.pk, "file": self.digest, **counts},
        )


class _Import:
    """One file into one round, inside the transaction."""

    def __init__(
        self,
        round: Round,
        name: str,
        rows: list[RatingRow],
        batch: _Batch,
        result: ImportResult,
        progress: Progress | None,
    ) -> None:
        self.round, self.name, self.rows, self.batch, self.result = round, name, rows, batch, result
        self.progress = progress or (lambda *_: None)
        self.now = timezone.now()

    def run(self) -> None:
        self.progress("Finding items and raters", 0, None)
        self.places = find_places(self.round, self.rows, self.batch)
        for kind, count in self.places.made.items():
            setattr(self.result, kind, count)
        stored, taken = read_stored(self.places.seats.values())
        works = self._works(stored)
        self._refuse_taken(works, stored, taken)
        self._write(works, stored, {(seat, item_key, occasion) for seat, item_key, occasion, _ in taken})
        self.batch.finish(self.result)

    # --- what the file says --------------------------------------------------------------------------

    def _works(self, stored: dict[AssignmentKey, Stored]) -> dict[AssignmentKey, _Work]:
        works: dict[AssignmentKey, _Work] = {}
        for row in self.rows:
            outputs = self.places.outputs_of(row)
            key = (self.places.seats[row.rater], self.places.tasks[task_key(outputs)], row.occasion)
            first = _first_shown(row, outputs)
            work = works.get(key)
            if work is None:
                work = works[key] = self._begin(key, row, first, stored.get(key), len(outputs))
            self._check_order(work, row, first)
            self._add(work, row, outputs)
        return works

    def _begin(self, key: AssignmentKey, row: RatingRow, first: int, stored: Stored | None, size: int) -> _Work:
        if stored is None:
            order = "10" if first and size == 2 else "".join(map(str, range(size)))
            return _Work(key, row, order, order_known=size == 1 or bool(row.position))
        if stored.purpose != row.purpose:
            raise self._refusal(row, "purpose", f"This judgment was imported as {stored.purpose} before.")
        return _Work(key, row, stored.shown_order, stored.order_known)

    def _check_order(self, work: _Work, row: RatingRow, first: int) -> None:
        """All answers of one judgment were given with one output shown first."""
        if not row.position or (work.order_known and work.shown_order[0] == str(first)):
            return
        if not row.rater.name:
            work.order_known = False  # the nth nameless rows of two criteria need not be one person's
            return
        said = "without its position" if not work.order_known else "with the other output shown first"
        raise self._refusal(
            row,
            "position",
            f"The same judgment of “{row.rater.name}” was given {said}, in this file or before.",
        )

    def _add(self, work: _Work, row: RatingRow, outputs: list[int]) -> None:
        criterion = row.criterion.id
        assert criterion is not None  # noqa: S101 - read from the database
        slot = (criterion, _target(row, outputs, work.shown_order))
        answer = row.answer
        # The file names systems in its own order; what is stored counts by the order shown.
        to = [work.shown_order.index(str(_position(outputs, output))) for output in outputs]
        answer = CRITERIA[row.criterion.type].moved(answer, to)
        value: Value = (answer.number, answer.label, answer.data, answer.cannot_judge)
        earlier = work.source.get(slot)
        if earlier is not None and (work.ratings.get(slot, value) != value or earlier.answer.text != row.answer.text):
            raise self._refusal(
                row,
                "value",
                f"Row {earlier.row} gives another answer to “{row.criterion.key}” for the same judgment.",
            )
        work.source[slot] = row
        if answer.text:
            work.texts[slot, FreeText.Kind.ANSWER] = answer.text
        else:
            work.ratings[slot] = value
        if row.comment:
            work.texts[slot, FreeText.Kind.REASON] = row.comment
        if row.seconds is not None:
            work.seconds[row.row] = row.seconds
        if row.submitted_at and (work.submitted_at is None or row.submitted_at > work.submitted_at):
            work.submitted_at = row.submitted_at

    def _refusal(self, row: RatingRow, column: str, why: str) -> ServiceError:
        return ServiceError(f"{place(self.name, row.row, column)}: {why}")

    def _refuse_taken(
        self,
        works: dict[AssignmentKey, _Work],
        stored: dict[AssignmentKey, Stored],
        taken: list[Taken],
    ) -> None:
        own = {(seat, task, occasion) for seat, _, occasion, task in taken if task is not None}
        clash = next((works[key] for key in works if key in own and key not in stored), None)
        if clash:
            raise self._refusal(
                clash.row,
                "rater",
                f"“{clash.row.rater.name}” judges this task in the round itself. "
                "Give the imported judgment another occasion (1, 2, …).",
            )

    # --- writing ---------------------------------------------------------------------------------------

    def _write(
        self,
        works: dict[AssignmentKey, _Work],
        stored: dict[AssignmentKey, Stored],
        taken: set[tuple[int, int, int]],
    ) -> None:
        fresh = [work for key, work in works.items() if key not in stored]
        self.progress("Preparing judgments", 0, None)
        assignments = insert([self._assignment(work, taken) for work in fresh], self._told("Writing assignments"))
        pending = [(work, a.pk, None) for work, a in zip(fresh, assignments, strict=True)]
        revised = [(work, stored[key].id, stored[key]) for key, work in works.items() if key in stored]
        changed = [each for each in revised if self._differs(each[0], each[2])]
        for part in chunks([old.judgment for _, _, old in changed]):
            Judgment.objects.filter(pk__in=part).update(current=False)
        self.progress("Preparing judgments", 0, None)
        written: list[tuple[_Work, int, Stored | None]] = [*pending, *changed]
        judgments = insert([self._judgment(*each) for each in written], self._told("Writing judgments"))
        ratings: list[Rating] = []
        texts: list[FreeText] = []
        for (work, _, old), judgment in zip(written, judgments, strict=True):
            ratings += rating_rows(judgment, {**(old.ratings if old else {}), **work.ratings})
            texts += text_rows(judgment, merged_texts(work.texts, old))
        insert(ratings, self._told("Writing ratings"))
        insert(texts)
        self.result.judgments = len(fresh)
        self.result.ratings += sum(len(work.source) for work in fresh)

    def _told(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress(what, done, total)

    def _assignment(self, work: _Work, taken: set[tuple[int, int, int]]) -> Assignment:
        seat, task, occasion = work.key
        item = self.places.items[work.row.item]
        item_key = item if self.round.one_task_per_item else task
        if (seat, item_key, occasion) in taken:
            item_key = -task  # a second task of the item: the exclusion key is held by the first
        taken.add((seat, item_key, occasion))
        at = work.submitted_at or self.now
        return Assignment(
            seat_id=seat,
            task_id=task,
            item_key=item_key,
            occasion=occasion,
            purpose=work.row.purpose,
            state=Assignment.State.JUDGED,
            shown_order=work.shown_order,
            order_known=work.order_known,
            strategy=STRATEGY,
            created_at=at,
            closed_at=at,
        )

    def _differs(self, work: _Work, old: Stored) -> bool:
        """Whether the file adds to or changes what is stored; counts what it finds."""
        added = changed = 0
        for slot in work.source:
            said = work.ratings.get(slot)
            texts = {k: t for k, t in work.texts.items() if k[0] == slot and old.texts.get(k, "") is not None}
            is_text = said is None
            known = any(k[0] == slot for k in old.texts) if is_text else slot in old.ratings
            same = (is_text or old.ratings.get(slot) == said) and all(old.texts.get(k) == t for k, t in texts.items())
            added += not known
            changed += known and not same
        self.result.ratings += added
        self.result.changed += changed
        self.result.unchanged += len(work.source) - added - changed
        return bool(added or changed)

    def _judgment(self, work: _Work, assignment: int, old: Stored | None) -> Judgment:
        revision = old.revision + 1 if old else 1
        ratings = {**(old.ratings if old else {}), **work.ratings}
        digest = digest_of(sorted((slot, list(value)) for slot, value in ratings.items()))
        seconds = together(work.seconds.values())
        return Judgment(
            assignment_id=assignment,
            seat_id=work.key[0],
            revision=revision,
            key=digest_of([work.key, revision, digest]),
            digest=digest,
            submitted_at=work.submitted_at or (old.submitted_at if old else None) or self.now,
            seconds=seconds if seconds is not None or old is None else old.seconds,
            batch=self.batch(),
        )


def _position(outputs: list[int], output: int) -> int:
    """An output's place in canonical order."""
    return sorted(outputs).index(output)


def _target(row: RatingRow, outputs: list[int], order: str) -> str:
    """Of two outputs a row's target counts by the order shown; of more by the order in which the row names them."""
    if len(outputs) < 3 or not row.target:
        return row.target
    return f"o{order.index(str(_position(outputs, outputs[int(row.target[1])])))}{row.target[2:]}"


def _first_shown(row: RatingRow, outputs: list[int]) -> int:
    """The canonical position of the output shown first; `a` where the file does not say."""
    return _position(outputs, outputs[1] if row.position == "b_first" else outputs[0])
