"""What a worker does for imports too large for a request."""

from __future__ import annotations

from config.background.tasks import durable
from projects.services import import_uploads


@durable(gave_up=import_uploads.gave_up)
def look_at_upload(batch_id: int) -> None:
    import_uploads.run_look(batch_id)


@durable(gave_up=import_uploads.gave_up)
def import_upload(batch_id: int) -> None:
    import_uploads.run_import(batch_id)
