"""What a worker does for reports too large for a request."""

from __future__ import annotations

from analytics import builds
from config.background.tasks import durable


@durable(gave_up=builds.gave_up)
def build_report(run_id: int) -> None:
    builds.run_build(run_id)
