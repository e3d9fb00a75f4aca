"""The one writer of items, systems, outputs and automated scores: pages, command and API come here.

A file is parsed whole, compared with what is there, rendered, and only then written, in one short
transaction (see `import_write`). So a refused file, a kill or Ctrl-C leaves nothing behind; and as identity
is by content, the same file again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.importers import bundle, limits, read_file, read_folder
from projects.importers.records import ImportFileError, Problem, Record, SystemUnknownError
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
from projects.services.import_html import HtmlCache
from projects.services.import_plan import KINDS, Plan, plan_items, plan_systems
from projects.services.import_plan_outputs import plan_outputs, plan_scores
from projects.services.import_questions import answer
from projects.services.import_stage import Progress, Staged, stage
from projects.services.import_write import keys_of, prepare, reserve, send
from projects.services.media import File, Prepared, media_members, media_prepare, media_write
from projects.services.people import pseudonym_for
from projects.services.projects import project_create

_ATTEMPTS = 3  # against an import into the same project that commits between our comparison and our writing
_KEPT_PROBLEMS = 500

Claim = Callable[[ImportBatch], None]


class Upload(NamedTuple):
    stream: BinaryIO  # seekable
    name: str


class Folder(NamedTuple):
    """All the files in a folder and below it, imported as one."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name or "folder"


@dataclass(frozen=True)
class ImportResult:
    """Counts are of what stands in the file and, after the import, in the project."""

    format: str
    file_name: str
    batch: ImportBatch | None  # None: nothing was new, so nothing was written
    counts: dict[str, int] = field(default_factory=dict)
    new: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def skipped(self) -> list[Problem]:
        return [each for each in self.problems if each.severity == "skipped"]

    @property
    def notes(self) -> list[Problem]:
        return [each for each in self.problems if each.severity == "note"]

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": self.format,
            **self.counts,
            "new": self.new,
            "changed": self.changed,
            "skipped": [{"where": each.where, "why": each.why} for each in self.skipped],
            "notes": [{"where": each.where, "why": each.why} for each in self.notes],
        }


def import_file(
    *,
    project: Project,
    stream: BinaryIO,
    file_name: str,
    format: str = "auto",
    options: dict[str, Any] | None = None,
    actor: Any = None,
    progress: Progress | None = None,
    batch: ImportBatch | None = None,
    claim: Claim | None = None,
) -> ImportResult:
    """Import one file. `ServiceError` with file, row and column if it is refused; then nothing was written.

    With `batch`, an upload that waits for confirmation becomes this import; `claim` takes it for us inside
    the transaction and raises if somebody else did."""
    staged = stage_file(project=project, upload=Upload(stream, file_name), format=format, options=options,
                        progress=progress)  # fmt: skip
    return _import(project, staged, actor, HtmlCache(progress), progress, batch, claim)


def import_files(
    *,
    project: Project,
    uploads: Sequence[Upload | Folder],
    format: str = "auto",
    options: dict[str, Any] | None = None,
    actor: Any = None,
    progress: Progress | None = None,
    mapping: str = "",
) -> list[ImportResult]:
    """Import several files, all or none: every one is parsed and rendered before the first is written.

    `mapping` names how the columns of these tables are read, as it was saved in the project.

    An importer may look into the others for what its file does not say (option `beside`). A `project` that is
    not saved yet (slug and name given) is made in the same transaction."""
    from projects.services import import_parts, import_templates  # they import this module

    mapped: dict[str, dict[str, Any]] = {}
    if mapping:
        named = import_templates.mapping_named(project, mapping)
        mapped = {
            each.name: import_templates.options_like(mapping=named, upload=each, format=format) for each in uploads
        }
    if any(import_parts.is_large(each) for each in uploads):
        given = {**(options or {}), **mapped.get(uploads[0].name, {})}
        return [_in_parts(project, uploads, format, given, actor, progress)]
    files = [each for each in uploads if isinstance(each, Upload)]
    staged = [
        stage_file(
            project=project,
            upload=upload,
            format=format,
            options={
                **(options or {}),
                **mapped.get(upload.name, {}),
                "beside": [each for each in files if each is not upload],
            },
            progress=progress,
        )
        for upload in uploads
    ]
    html = HtmlCache(progress)
    if project.pk and len(staged) == 1:
        return [_import(project, staged[0], actor, html, progress)]
    for each in staged:
        _render_ahead(project, each, html)
    with transaction.atomic():
        saved = project if project.pk else create_project(project, actor)
        results = [_import(saved, each, actor, html, progress) for each in staged]
        point_of_no_return()
    return results


def _in_parts(
    project: Project,
    uploads: Sequence[Upload | Folder],
    format: str,
    options: dict[str, Any] | None,
    actor: Any,
    progress: Progress | None,
) -> ImportResult:
    from projects.services import import_parts

    only = uploads[0]
    if len(uploads) > 1 or isinstance(only, Folder):
        large = next(each for each in uploads if import_parts.is_large(each))
        raise ServiceError(
            f"{limits.too_large(large.name)} Alone it is imported in parts, if it is a table: import it without "
            "the other files."
        )
    return import_parts.import_in_parts(
        project=project, upload=only, format=format, options=dict(options or {}), actor=actor, progress=progress
    )


def _render_ahead(project: Project, staged: Staged, html: HtmlCache) -> None:
    if not project.pk:
        html.fill_staged(staged)  # all of it is new
    else:
        plan = imagine(project=project, staged=staged)
        html.fill(plan.item_revisions, plan.output_revisions)


def create_project(draft: Project, actor: Any) -> Project:
    made = project_create(name=draft.name, slug=draft.slug, creator=actor)
    # The pseudonyms in the staged files were made with the draft's key.
    made.pseudonym_key = draft.pseudonym_key
    made.save(update_fields=["pseudonym_key"])
    return made


def import_records(
    *,
    project: Project,
    records: Iterable[Record | Problem],
    source: str = "API",
    format: str = "api",
    actor: Any = None,
) -> ImportResult:
    """Import records that came in no file; `source` names them in problems and in the list of imports."""
    staged = stage(records, file_name=source, pseudonym=pseudonyms(project))
    staged.format = format
    return _import(project, staged, actor, HtmlCache(), None)


def stage_file(
    *,
    project: Project,
    upload: Upload | Folder,
    format: str = "auto",
    options: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Staged:
    """Parse and check a file; nothing is written. A file of which nothing can be read is refused."""
    name, options = upload.name, dict(options or {})
    answers = options.pop("answers", {})
    try:
        if isinstance(upload, Folder):
            digest, size = _digest_of_folder(upload)
            key, records = read_folder(upload.path, format, options)
        else:
            digest, size = digest_of_upload(upload)
            key, records = read_file(upload.stream, name, format, options)
        staged = stage(records, file_name=name, pseudonym=pseudonyms(project), progress=progress)
    except ImportFileError as error:
        field = "system" if isinstance(error, SystemUnknownError) else "file"
        raise ServiceError(str(error), field=field) from error
    answer(staged, answers)
    # An archive or a folder of one tool's files is that tool's.
    staged.format = next(iter(staged.formats)) if len(staged.formats) == 1 else key
    staged.file_digest, staged.file_size = digest, size
    staged.media = _media_of(upload) if key == bundle.KEY else []
    if not staged.items and not staged.scores and not staged.read_elsewhere:
        first = next((each for each in staged.problems if each.severity == "skipped"), None)
        why = f" The first problem: {first}" if first else ""
        raise ServiceError(f"{name}: nothing in this file could be read.{why}", field="file")
    return staged


def _media_of(upload: Upload | Folder) -> list[File]:
    if isinstance(upload, Folder):
        return list(media_members(bundle.members_of_folder(upload.path), upload.path.resolve().name))
    return list(media_members(bundle.members_of_archive(upload.stream, upload.name), upload.name))


def recognise(upload: Upload, format: str = "auto") -> str:
    """The key of the file's format."""
    try:
        key, _ = read_file(upload.stream, upload.name, format)
    except ImportFileError as error:
        raise ServiceError(str(error), field="file") from error
    upload.stream.seek(0)
    return key


def make_plan(
    project: Project, staged: Staged, batch: ImportBatch, keys: Callable[[type[Model], int], Iterable[int]]
) -> Plan:
    plan = Plan(project, staged, batch, keys)
    plan_systems(plan)
    plan_items(plan)
    plan_outputs(plan)
    plan_scores(plan)
    return plan


def imagine(*, project: Project, staged: Staged) -> Plan:
    """The plan of an import that will not be carried out, for a preview."""
    return make_plan(project, staged, ImportBatch(), _imagined())


def problems_of(staged: Staged) -> list[Problem]:
    """What a person should know, each thing once, the left-out first."""
    found = list(dict.fromkeys(staged.problems))
    human = sum(count for _, shape, count in staged.scores.shapes() if shape.human)
    if human:
        why = (
            f"{human:,} answers of people in this file are kept apart, with the source human and under pseudonyms. "
            "To make them judgments of a round, give the same file to import_judgments."
        )
        found.append(Problem(staged.file_name, why, "note"))
    return sorted(found, key=lambda each: each.severity != "skipped")


def problem_rows(problems: list[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "where": each.where,
            "why": each.why,
            "severity": each.severity,
            "row": each.row,
            "column": each.column,
        }
        for each in problems[:_KEPT_PROBLEMS]
    ]


def _import(
    project: Project,
    staged: Staged,
    actor: Any,
    html: HtmlCache,
    progress: Progress | None,
    batch: ImportBatch | None = None,
    claim: Claim | None = None,
) -> ImportResult:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _import_once(project, staged, actor, html, progress, batch, claim)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the loop returns or raises")


def _import_once(
    project: Project,
    staged: Staged,
    actor: Any,
    html: HtmlCache,
    progress: Progress | None,
    batch: ImportBatch | None,
    claim: Claim | None,
) -> ImportResult:
    told = progress or (lambda *_: None)
    chosen = batch or _new_batch(project, staged, actor)
    told("Comparing with what is there", 0, None)
    plan = make_plan(project, staged, chosen, keys_of)
    html.fill(plan.item_revisions, plan.output_revisions)
    media = media_prepare(project=project, files=staged.media, batch=chosen)
    try:
        return _carried_out(plan, media, actor, told, chosen, batch is None, claim)
    except BaseException:
        media.forget()
        raise


def _carried_out(
    plan: Plan,
    media: Prepared,
    actor: Any,
    told: Progress,
    chosen: ImportBatch,
    is_new: bool,
    claim: Claim | None,
) -> ImportResult:
    staged, project = plan.staged, plan.project
    problems = problems_of(staged) + _said_of(media, staged.file_name)
    if plan.is_empty and not media.rows and is_new:
        return ImportResult(staged.format, staged.file_name, None, plan.counts, plan.new, plan.changed, problems)
    told("Preparing rows", 0, None)
    prepared = prepare(plan)
    total = sum(statement.size for statement in prepared)
    _finish(chosen, plan, problems)
    with transaction.atomic():
        if claim:
            claim(chosen)
        chosen.save(force_insert=is_new, force_update=not is_new)
        send(prepared, lambda done: told("Writing", done, total))
        media_write(project=project, prepared=media, actor=actor)
        note_growth(total, Item, ItemRevision, ItemTag, System, Output, OutputRevision, AutomatedScore)
        audit.record(
            project=project,
            actor=actor,
            verb="import.done",
            target=f"import:{chosen.pk}",
            payload={
                "file": staged.file_digest,
                "format": staged.format,
                "new": plan.new,
                "changed": plan.changed,
            },
        )
        point_of_no_return()
    return ImportResult(staged.format, staged.file_name, chosen, plan.counts, plan.new, plan.changed, problems)


def _said_of(media: Prepared, file_name: str) -> list[Problem]:
    """What became of the images and sounds beside the texts."""
    found = [Problem(f"{file_name}, {name}", why) for name, why in media.result.refused]
    if media.rows:
        count = len(media.rows)
        words = "1 image or sound was" if count == 1 else f"{count:,} images and sounds were"
        found.append(Problem(file_name, f"{words} added.", "note"))
    return found


def _new_batch(project: Project, staged: Staged, actor: Any) -> ImportBatch:
    batch = ImportBatch(project_id=project.pk, file_name=staged.file_name[:300], created_by=actor or None)
    reserve([batch])
    return batch


def _finish(batch: ImportBatch, plan: Plan, problems: list[Problem]) -> None:
    staged = plan.staged
    batch.state = ImportBatch.State.DONE
    batch.format = staged.format[:40]
    batch.file_digest, batch.file_size = staged.file_digest, staged.file_size
    batch.tool, batch.tool_version = staged.run.tool[:100], staged.run.tool_version[:100]
    batch.run_id = staged.run.run_id[:200]
    batch.counts = counts_of(plan, problems)
    batch.problems = problem_rows(problems)
    batch.progress = sum(plan.counts[kind] for kind in KINDS)
    batch.mapping = {key: value for key, value in batch.mapping.items() if key in {"asked", "options"}}
    batch.stored_as = ""
    batch.finished_at = timezone.now()


def counts_of(plan: Plan, problems: list[Problem]) -> dict[str, Any]:
    outputs, scores = plan.staged.outputs.values(), plan.staged.scores
    return {
        **plan.counts,
        "new": plan.new,
        "changed": plan.changed,
        "errors": sum(bool(each.record.error) for each in outputs),
        "without_text": sum(not each.digest and not each.record.error for each in outputs),
        "missing": sum(count for _, shape, count in scores.shapes() if shape.missing_reason),
        "metrics": len(scores.by_metric),
        "system_names": [f"{name}@{version}" if version else name for name, version in list(plan.system_ids)[:20]],
        "skipped": sum(each.severity == "skipped" for each in problems),
        "notes": sum(each.severity == "note" for each in problems),
    }


def _imagined() -> Callable[[type[Model], int], Iterable[int]]:
    """Keys for rows that will never be saved: negative, so that they meet no real one."""
    next_key = iter(range(-1, -(2**62), -1))
    return lambda model, count: islice(next_key, count)


def pseudonyms(project: Project) -> Callable[[str], str]:
    return lambda rater: pseudonym_for(project, f"external:{rater}")


def size_of(upload: Upload) -> int:
    size = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    return size


def digest_of_upload(upload: Upload, most: int = 0) -> tuple[str, int]:
    """SHA-256 and size, reading no further than the largest file accepted."""
    sha, size = hashlib.sha256(), 0
    upload.stream.seek(0)
    while chunk := upload.stream.read(1 << 20):
        size += len(chunk)
        if size > (most or limits.MAX_BYTES):
            raise limits.too_large(upload.name, most)
        sha.update(chunk)
    upload.stream.seek(0)
    return sha.hexdigest(), size


def _digest_of_folder(folder: Folder) -> tuple[str, int]:
    """Of the files' names and digests, so that it is the same wherever the folder lies."""
    found: list[tuple[str, str]] = []
    total = 0
    for member in bundle.members_of_folder(folder.path):
        try:
            digest, size = digest_of_upload(Upload(member.stream, member.name))
        finally:
            member.close()
        found.append((member.name, digest))
        total += size
    return hashlib.sha256(json.dumps(found).encode()).hexdigest(), total
