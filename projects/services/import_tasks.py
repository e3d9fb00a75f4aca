"""What a worker does for imports too large for a request."""

from __future__ import annotations

from django_tasks import task

from projects.services import import_uploads


@task()
def look_at_upload(batch_id: int) -> None:
    import_uploads.run_look(batch_id)


@task()
def import_upload(batch_id: int) -> None:
    import_uploads.run_import(batch_id)
