"""Small acts of a lead on a round: settle a flag, throw an unopened round away."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from annotation.models import Flag, Round
from projects import audit
from projects.errors import ServiceError


@transaction.atomic
def flag_resolve(*, flag: Flag, actor: Any) -> Flag:
    """Mark a flag as dealt with. Doing it again changes nothing."""
    row = (
        Flag.objects.select_for_update(of=("self",)).select_related("assignment__seat__round__project").get(pk=flag.pk)
    )
    if row.resolved_at is not None:
        return row
    row.resolved_at, row.resolved_by = timezone.now(), actor
    row.save(update_fields=["resolved_at", "resolved_by"])
    project = row.assignment.seat.round.project
    audit.record(project=project, actor=actor, verb="flag.resolve", target=f"flag:{row.pk}")
    return row


@transaction.atomic
def round_drop(*, round: Round, actor: Any) -> None:
    """Throw away a round that nobody has judged in and that was never opened."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state != Round.State.DRAFT or row.seats.exists():
        raise ServiceError(
            gettext("Only a round that was never opened, without judgments, can be dropped. Close this one.")
        )
    audit.record(project=row.project, actor=actor, verb="round.drop", target=f"round:{row.pk}")
    row.delete()
