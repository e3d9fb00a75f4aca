"""What a worker does for a run of checks."""

from __future__ import annotations

import logging
from contextlib import suppress

from config.background.tasks import durable
from projects.errors import Conflict, ServiceError
from projects.models import ImportBatch
from projects.services import checking

_log = logging.getLogger(__name__)


def gave_up(why: str, batch_id: int) -> None:
    """What the lead reads where the progress stood."""
    batch = _running(batch_id)
    if batch is not None:
        _failed(batch, why)


@durable(gave_up=gave_up)
def run_checks(batch_id: int) -> None:
    """Running it again is harmless: what is checked is not checked again."""
    batch = _running(batch_id)
    if batch is None:
        return
    try:
        checking.carry_out(batch)
    except Conflict:
        _log.info("Checks %s were cancelled while they ran.", batch_id)
    except ServiceError as error:
        _failed(batch, error.message)


def _running(batch_id: int) -> ImportBatch | None:
    rows = ImportBatch.objects.select_related("project", "created_by")
    return rows.filter(pk=batch_id, format=checking.FORMAT, state=ImportBatch.State.RUNNING).first()


def _failed(batch: ImportBatch, why: str) -> None:
    with suppress(Conflict):
        checking.end(batch.pk, ImportBatch.State.FAILED, {}, [{"where": batch.file_name, "why": why}])
