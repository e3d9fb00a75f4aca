"""What is said about a metric: which way is better, and which criterion it answers as well."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from projects import audit
from projects.errors import ServiceError
from projects.models import Metric


@transaction.atomic
def metric_update(*, metric: Metric, direction: str, criterion_key: str, actor: Any) -> Metric:
    if direction not in Metric.Direction.values:
        accepted = ", ".join(Metric.Direction.values)
        raise ServiceError(
            gettext("“%(direction)s” is not a direction. Choose one of: %(accepted)s.")
            % {"direction": direction, "accepted": accepted},
            field="direction",
        )
    metric.direction, metric.criterion_key = direction, criterion_key.strip()
    metric.full_clean()
    metric.save(update_fields=["direction", "criterion_key"])
    audit.record(project=metric.project, actor=actor, verb="metric.update", target=f"metric:{metric.pk}")
    return metric
