"""Files uploaded in the browser: kept under an opaque name until a person confirms or cancels the import.

Small files are read within the request; large ones by a worker, while the page shows how far it is.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from config.background.tasks import enqueue_once, settle
from projects.errors import Conflict, ServiceError
from projects.importers import GENERIC, limits
from projects.models import ImportBatch, Project
from projects.services.import_preview import Preview, options_with, preview_file
from projects.services.import_questions import answers_from
from projects.services.import_stage import Progress
from projects.services.importing import ImportResult, import_file, problem_rows

_log = logging.getLogger(__name__)

IN_REQUEST = 5 * 1024 * 1024  # bytes; a file of this size takes some seconds
KEPT_DAYS = 7  # an upload that nobody confirms
State = ImportBatch.State


def folder() -> Path:
    path = Path(settings.DATA_DIR) / "uploads"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def upload_create(*, project: Project, file: UploadedFile[Any], format: str, actor: Any) -> ImportBatch:
    """Keep the file and look what is in it. A file that cannot be read leaves nothing behind."""
    name = "".join(c for c in (file.name or "") if c.isprintable())[:300] or "file"
    if file.size is not None and file.size > limits.MAX_BYTES:
        more = f"{limits.MAX_STREAMED_BYTES // 1024**3} GiB"
        by_command = f"The command import_outputs takes tables (CSV, JSON Lines, Parquet) of up to {more}."
        raise ServiceError(f"{limits.too_large(name)} {by_command}", field="file")
    sweep(project)
    batch = ImportBatch(project=project, file_name=name, state=State.PREVIEW, created_by=actor)
    batch.mapping = {"asked": format, "options": {}, "fields": []}
    batch.stored_as = secrets.token_urlsafe(24)
    path = folder() / batch.stored_as
    try:
        batch.file_digest, batch.file_size = _store(file, path)
        if batch.file_size <= IN_REQUEST:
            _look(batch, None)
            batch.save()
        else:
            _enqueue_look(batch)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return batch


def _store(file: UploadedFile[Any], path: Path) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    with path.open("xb") as target:
        path.chmod(0o600)
        for chunk in file.chunks():
            sha.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return sha.hexdigest(), size


def _enqueue_look(batch: ImportBatch) -> None:
    from projects.services.import_tasks import look_at_upload

    with transaction.atomic():
        batch.state, batch.progress, batch.counts = State.RUNNING, 0, {"step": "Reading"}
        batch.mapping = {**batch.mapping, "looks": batch.mapping.get("looks", 0) + 1}
        batch.save()
        # The same file is looked at again when somebody says how; of two who say so at once, one is heard.
        enqueue_once(look_at_upload, f"look at upload {batch.pk}, {batch.mapping['looks']}", batch.pk)


def _look(batch: ImportBatch, progress: Progress | None) -> None:
    """Fill in the preview; the caller saves."""
    with (folder() / batch.stored_as).open("rb") as stream:
        found = preview_file(
            project=batch.project,
            stream=stream,
            file_name=batch.file_name,
            format=batch.mapping["asked"],
            options=batch.mapping["options"],
            progress=progress,
        )
    _keep(batch, found)


def _keep(batch: ImportBatch, found: Preview) -> None:
    batch.state = State.PREVIEW
    batch.format = found.format[:40]
    batch.tool, batch.tool_version = found.run.tool[:100], found.run.tool_version[:100]
    batch.run_id = found.run.run_id[:200]
    batch.counts = {**found.counts, "created": found.run.created}
    batch.problems = problem_rows(found.problems)
    batch.mapping = {
        "asked": batch.mapping["asked"],
        "looks": batch.mapping.get("looks", 0),
        "options": found.options,
        "fields": [asdict(each) for each in found.fields],
        "questions": found.questions,
        "error": found.error,
        "nothing": found.brings_nothing,
    }


def upload_map(*, batch: ImportBatch, format: str, chosen: dict[str, str], defaults: dict[str, str]) -> None:
    """Look again with another format, or with other roles for the columns."""
    _expect(batch, State.PREVIEW)
    asked = format or batch.mapping["asked"]
    if asked != batch.mapping["asked"]:
        batch.mapping = {"asked": asked, "looks": batch.mapping.get("looks", 0), "options": {}, "fields": []}
    elif batch.format not in GENERIC:
        batch.mapping = {**batch.mapping, "options": {**batch.mapping["options"], **defaults}}
    else:
        with (folder() / batch.stored_as).open("rb") as stream:
            options = options_with(
                stream=stream,
                file_name=batch.file_name,
                options=batch.mapping["options"],
                chosen=chosen,
                defaults=defaults,
            )
        batch.mapping = {**batch.mapping, "options": options}
    if batch.file_size > IN_REQUEST:
        _enqueue_look(batch)
    else:
        _look(batch, None)
        batch.save()


def upload_confirm(*, batch: ImportBatch, actor: Any, answers: Mapping[str, Any] | None = None) -> ImportResult | None:
    """Import the file, or let the worker do it (None). Of two who confirm at once, one does it. `answers` is what a
    form says to the questions of the preview."""
    _expect(batch, State.PREVIEW)
    if told := answers_from(batch.mapping.get("questions", []), answers or {}):
        batch.mapping = {**batch.mapping, "options": {**batch.mapping["options"], "answers": told}}
        ImportBatch.objects.filter(pk=batch.pk, state=State.PREVIEW).update(mapping=batch.mapping)
    if batch.mapping.get("error"):
        raise ServiceError(str(batch.mapping["error"]))
    if batch.file_size <= IN_REQUEST:
        return _carry_out(batch, actor, None)
    from projects.services.import_tasks import import_upload

    with transaction.atomic():
        _claim(batch, State.PREVIEW, State.RUNNING)
        ImportBatch.objects.filter(pk=batch.pk).update(progress=0, counts={"step": "Reading", "importing": True})
        enqueue_once(import_upload, f"import upload {batch.pk}", batch.pk)
    return None


def _carry_out(batch: ImportBatch, actor: Any, progress: Progress | None) -> ImportResult:
    path, expected = folder() / batch.stored_as, batch.state
    with path.open("rb") as stream:
        result = import_file(
            project=batch.project,
            stream=stream,
            file_name=batch.file_name,
            format=batch.format or batch.mapping["asked"],
            options=batch.mapping["options"],
            actor=actor,
            progress=progress,
            batch=batch,
            claim=lambda mine: _claim_as_done(mine, expected),
        )
    path.unlink(missing_ok=True)
    return result


def _claim_as_done(batch: ImportBatch, expected: str) -> None:
    settle()
    _claim(batch, expected, State.DONE)


def _claim(batch: ImportBatch, expected: str, wanted: str) -> None:
    if not ImportBatch.objects.filter(pk=batch.pk, state=expected).update(state=wanted):
        raise Conflict("This import was confirmed or cancelled in the meantime.")


def _expect(batch: ImportBatch, state: str) -> None:
    if batch.state != state:
        raise Conflict("This import was confirmed or cancelled in the meantime.")


def upload_cancel(*, batch: ImportBatch) -> None:
    """Forget an upload. One that a worker is at stops: it finds itself cancelled and writes nothing."""
    if batch.state not in {State.PREVIEW, State.RUNNING}:
        raise Conflict("This import is finished, so it cannot be cancelled.")
    stored_as = batch.stored_as
    with transaction.atomic():
        # First the claim: a worker that is just writing holds the row, and then we find it done.
        _claim(batch, batch.state, State.FAILED)
        batch.delete()
    (folder() / stored_as).unlink(missing_ok=True)


def sweep(project: Project) -> None:
    """Uploads that nobody confirmed for a week go."""
    old = timezone.now() - timedelta(days=KEPT_DAYS)
    for batch in ImportBatch.objects.filter(project=project, state=State.PREVIEW, created_at__lt=old):
        with suppress(Conflict):
            upload_cancel(batch=batch)


def run_look(batch_id: int) -> None:
    """The worker's part of a preview. Running it again is harmless."""
    batch = _running(batch_id)
    if batch is None or batch.counts.get("importing"):
        return
    try:
        _look(batch, _told(batch))
    except ServiceError as error:
        _fail(batch, error.message)
    else:
        kept = {name: getattr(batch, name) for name in (
            "state", "format", "tool", "tool_version", "run_id", "counts", "problems", "mapping")}  # fmt: skip
        with transaction.atomic():
            settle()
            ImportBatch.objects.filter(pk=batch.pk, state=State.RUNNING).update(**kept)


def run_import(batch_id: int) -> None:
    """The worker's part of an import. Running it again is harmless: only one run can claim the batch."""
    batch = _running(batch_id)
    if batch is None:
        return
    try:
        _carry_out(batch, batch.created_by, _told(batch))
    except Conflict:
        _log.info("Import %s was cancelled while it ran; nothing was written.", batch_id)
    except ServiceError as error:
        _fail(batch, error.message)


def gave_up(why: str, batch_id: int) -> None:
    """What the lead reads where the progress stood."""
    batch = _running(batch_id)
    if batch is not None:
        _fail(batch, why)


def _running(batch_id: int) -> ImportBatch | None:
    return ImportBatch.objects.select_related("project").filter(pk=batch_id, state=State.RUNNING).first()


def _fail(batch: ImportBatch, why: str) -> None:
    problem = {"where": batch.file_name, "why": why, "severity": "skipped", "row": None, "column": ""}
    ImportBatch.objects.filter(pk=batch.pk, state=State.RUNNING).update(
        state=State.FAILED, counts={}, problems=[problem], finished_at=timezone.now(), stored_as=""
    )
    (folder() / batch.stored_as).unlink(missing_ok=True)


def _told(batch: ImportBatch) -> Progress:
    """Keep the progress in the row, once a second; stop when the import was cancelled."""
    last = 0.0
    importing = bool(batch.counts.get("importing"))

    def tell(what: str, done: int, total: int | None) -> None:
        nonlocal last
        # While we write, the transaction is open: nobody could see the figure.
        if what == "Writing" or time.monotonic() - last < 1:
            return
        last = time.monotonic()
        counts = {"step": what, "total": total, "importing": importing}
        rows = ImportBatch.objects.filter(pk=batch.pk, state=State.RUNNING)
        if not rows.update(progress=done, counts=counts):
            raise Conflict("This import was cancelled.")

    return tell
