"""Tables larger than memory should hold: read once to see that nothing refuses them, then written part by part.

A part is some thousand records, staged, compared, rendered and written in a transaction of its own, as a small file is.
So memory does not grow with the file, and raters wait for no more than a part. What a part holds may speak of what an
earlier one brought: it stands in the database by then. An import that is stopped between two parts keeps what was
written, says so in the list of imports, and goes on when the same file is imported again, for identity is by content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from errno import EIO
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.importers import GENERIC, IMPORTERS, limits, read_file
from projects.importers.compact import Hashes
from projects.importers.records import (
    HumanRatingRecord,
    ImportFileError,
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    ScoreRecord,
    SystemUnknownError,
)
from projects.models import (
    AutomatedScore,
    ImportBatch,
    Item,
    ItemRevision,
    ItemTag,
    Output,
    OutputRevision,
    Project,
    System,
)
from projects.planner import note_growth
from projects.services import importing
from projects.services.import_html import HtmlCache
from projects.services.import_plan import KINDS, Plan
from projects.services.import_stage import Progress, Staged, stage
from projects.services.import_write import keys_of, prepare, reserve, send

PART_RECORDS = 20_000
PART_CHARS = 8_000_000  # texts take several times as much while they are rendered and written
_KEPT_PROBLEMS = 2000
_ATTEMPTS = 3
UNFINISHED = (
    "This file is imported in parts, and the last of them is not written: it is at work, or it was stopped. What is "
    "written stays. Importing the same file again adds the rest."
)
_STOPPED = "Stopped. The parts that were written by then stay; importing the same file again adds the rest."


def is_large(upload: Any) -> bool:
    return isinstance(upload, importing.Upload) and importing.size_of(upload) > limits.MAX_BYTES


def import_in_parts(
    *,
    project: Project,
    upload: importing.Upload,
    format: str,
    options: dict[str, Any],
    actor: Any,
    progress: Progress | None,
) -> importing.ImportResult:
    """`ServiceError` where the file is refused: it is read to its end before anything is written."""
    stream = limits.Streamed(upload.stream)  # type: ignore[arg-type]
    try:
        parts = _Parts(project, importing.Upload(stream, upload.name), format, options, actor, progress)
        parts.look()
        return parts.write()
    finally:
        stream.detach()  # the caller closes its own


class _Parts:
    def __init__(
        self,
        project: Project,
        upload: importing.Upload,
        format: str,
        options: dict[str, Any],
        actor: Any,
        progress: Progress | None,
    ) -> None:
        self.project, self.upload, self.options, self.actor = project, upload, options, actor
        self.told: Progress = progress or (lambda *_: None)
        self.format = format
        self.batch: ImportBatch | None = None
        self.items, self.outputs = Hashes(), Hashes()
        self.counts: Counter[str] = Counter()
        self.new, self.changed = (dict.fromkeys(KINDS, 0) for _ in range(2))
        self.systems: dict[str, None] = {}
        self.metrics: set[str] = set()
        self.problems: dict[Problem, None] = {}
        self.unkept: Counter[str] = Counter()

    def look(self) -> None:
        """Read it all once: what would refuse the file refuses it now."""
        read = usable = 0
        try:
            if importing.size_of(self.upload) > limits.MAX_STREAMED_BYTES:
                raise limits.too_large(self.upload.name, limits.MAX_STREAMED_BYTES)
            self.digest, self.size = importing.digest_of_upload(self.upload, limits.MAX_STREAMED_BYTES)
            for read, record in enumerate(self._records(), start=1):
                usable += isinstance(record, ItemRecord | ScoreRecord | HumanRatingRecord)
                if read % 1000 == 0:
                    self.told("Checking", read, None)
        except ImportFileError as error:
            field = "system" if isinstance(error, SystemUnknownError) else "file"
            raise ServiceError(str(error), field=field) from error
        if not usable:
            raise ServiceError(f"{self.upload.name}: nothing in this file could be read.", field="file")
        self.total = read

    def _records(self) -> Iterator[Record | Problem]:
        self.upload.stream.seek(0)
        key, records = read_file(self.upload.stream, self.upload.name, self.format, self.options)
        if key not in GENERIC:
            raise ImportFileError(
                f"{limits.too_large(self.upload.name)} It is of the format {IMPORTERS[key].title}; only tables of CSV, "
                f"JSON Lines and Parquet may be larger, up to {limits.MAX_STREAMED_BYTES // 1024**3} GiB."
            )
        self.format = key
        return records

    def write(self) -> importing.ImportResult:
        done = 0
        try:
            if not self.project.pk:
                self.project = importing.create_project(self.project, self.actor)
            for part in _in_parts(self._records()):
                staged = stage(part, file_name=self.upload.name, pseudonym=importing.pseudonyms(self.project))
                done += len(part)
                part.clear()
                self._write_part(staged)
                self.told("Writing", done, self.total)
            self._finish()
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(_STOPPED) from error
        except DatabaseError as error:
            raise OSError(EIO, f"{str(error).strip().splitlines()[0]}. {_STOPPED}") from error
        problems = [*self.problems, *(
            Problem(self.upload.name, f"{count:,} more like these.", severity)  # type: ignore[arg-type]
            for severity, count in self.unkept.items()
        )]  # fmt: skip
        counts = {kind: self.counts[kind] for kind in KINDS}
        return importing.ImportResult(
            self.format, self.upload.name, self.batch, counts, self.new, self.changed,
            sorted(problems, key=lambda each: each.severity != "skipped"),
        )  # fmt: skip

    def _write_part(self, staged: Staged) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                plan = self._written(staged)
                break
            except IntegrityError:  # another import into the project came between our comparison and our writing
                if attempt == _ATTEMPTS:
                    raise
        self._note(staged, plan)

    def _written(self, staged: Staged) -> Plan:
        batch = self.batch or self._new_batch()
        plan = importing.make_plan(self.project, staged, batch, keys_of)
        HtmlCache().fill(plan.item_revisions, plan.output_revisions)
        if plan.is_empty:
            return plan
        prepared = prepare(plan)
        with transaction.atomic():
            if self.batch is None:
                batch.save(force_insert=True)
            send(prepared)
            size = sum(statement.size for statement in prepared)
            note_growth(size, Item, ItemRevision, ItemTag, System, Output, OutputRevision, AutomatedScore)
            audit.record(project=self.project, actor=self.actor, verb="import.part", target=f"import:{batch.pk}",
                         payload={"file": self.digest, "new": plan.new, "changed": plan.changed})  # fmt: skip
        self.batch = batch
        return plan

    def _new_batch(self) -> ImportBatch:
        batch = ImportBatch(
            project_id=self.project.pk,
            state=ImportBatch.State.FAILED,  # until the last part is written: no kill can leave a false word here
            format=self.format,
            file_name=self.upload.name[:300],
            file_digest=self.digest,
            file_size=self.size,
            counts={"in_parts": True},
            problems=importing.problem_rows([Problem(self.upload.name, UNFINISHED)]),
            created_by=self.actor or None,
        )
        reserve([batch])
        return batch

    def _note(self, staged: Staged, plan: Plan) -> None:
        """Counts are of things, each once, however many parts speak of it."""
        for key in staged.items:
            self.counts["items"] += self.items.is_first(hash(key))
        for target, output in staged.outputs.items():
            if self.outputs.is_first(hash(target)):
                self.counts["outputs"] += 1
                self.counts["errors"] += bool(output.record.error)
                self.counts["without_text"] += not output.digest and not output.record.error
        for _, shape, count in staged.scores.shapes():
            self.counts["missing"] += count * bool(shape.missing_reason)
        for kind in ("scores", "judgments"):
            self.counts[kind] += plan.counts[kind]
        for kind in KINDS:
            self.new[kind] += plan.new[kind]
            self.changed[kind] += plan.changed[kind]
        self.systems.update({f"{name}@{version}" if version else name: None for name, version in plan.system_ids})
        self.counts["systems"] = len(self.systems)
        self.metrics.update(staged.scores.by_metric)
        for each in importing.problems_of(staged):
            self.counts["skipped" if each.severity == "skipped" else "notes"] += each not in self.problems
            if len(self.problems) < _KEPT_PROBLEMS:
                self.problems[each] = None
            elif each not in self.problems:
                self.unkept[each.severity] += 1

    def _finish(self) -> None:
        batch = self.batch
        if batch is None:
            return
        batch.state = ImportBatch.State.DONE
        batch.counts = {
            **{kind: self.counts[kind] for kind in (*KINDS, "errors", "without_text", "missing", "skipped", "notes")},
            "new": self.new, "changed": self.changed, "metrics": len(self.metrics),
            "system_names": list(self.systems)[:20],
        }  # fmt: skip
        batch.problems = importing.problem_rows(list(self.problems))
        batch.progress = sum(self.counts[kind] for kind in KINDS)
        batch.finished_at = timezone.now()
        with transaction.atomic():
            batch.save(force_update=True)
            audit.record(project=self.project, actor=self.actor, verb="import.done", target=f"import:{batch.pk}",
                         payload={"file": self.digest, "format": self.format, "new": self.new,
                                  "changed": self.changed})  # fmt: skip
            point_of_no_return()


def _in_parts(records: Iterator[Record | Problem]) -> Iterator[list[Record | Problem]]:
    part: list[Record | Problem] = []
    chars = 0
    for record in records:
        part.append(record)
        chars += _chars(record)
        if len(part) >= PART_RECORDS or chars >= PART_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part


def _chars(record: Record | Problem) -> int:
    """About how much text a record holds."""
    match record:
        case OutputRecord():
            return len(record.text or "") + sum(len(str(each)) for each in (record.messages, record.raw) if each)
        case ItemRecord():
            rest = (record.messages, record.context, record.reference, record.choices, record.metadata)
            return sum(len(str(each)) for each in rest if each)
        case ScoreRecord():
            return len(record.explanation) + (len(str(record.details)) if record.details else 0)
        case HumanRatingRecord():
            return len(record.comment)
    return 0
