"""A gate is registered while its round is a draft, and held against the judgments later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from analytics.gate_file import GateSpec, gate_from
from analytics.models import Gate
from annotation.models import Round
from annotation.services.round_tasks import systems_of
from config.stopping import point_of_no_return
from projects import audit
from projects.errors import Conflict, ServiceError
from projects.located import Source, of_value
from rubrics.selectors import spec_of

if TYPE_CHECKING:
    from analytics.gating import GateAnswer

OPEN = (
    "The round is not closed: whoever looks again and again errs more often than alpha says. Decide when all planned "
    "judgments are in."
)


@dataclass(frozen=True)
class Decision:
    answer: GateAnswer
    preregistered: bool
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"preregistered": self.preregistered, "warnings": list(self.warnings), **self.answer.to_dict()}


def gate_read(*, round: Round, source: Source) -> GateSpec:
    """The file, checked against the round. Raises ServiceError by line and column."""
    systems = sorted(str(system) for system in systems_of(round))
    return gate_from(source, spec_of(round.rubric_version).criteria, systems)


@transaction.atomic
def gate_register(*, round: Round, source: Source, actor: Any = None) -> Gate:
    """Before the data: while the round is a draft. The same again changes nothing; another one takes its place."""
    row = Round.objects.select_for_update().select_related("project").get(pk=round.pk)
    if row.state != Round.State.DRAFT or row.opened_at is not None:
        raise Conflict(
            "The round has been opened, so a gate can no longer be registered before its data. `gate --file` holds one "
            "against the judgments and says that it was not preregistered."
        )
    spec = gate_read(round=row, source=source)
    known = row.gates.filter(preregistered=True).first()
    if known is not None and known.digest == spec.digest:
        return known
    if known is not None:
        known.delete()
    gate = Gate.objects.create(
        round=row,
        definition=spec.to_dict(),
        digest=spec.digest,
        preregistered=True,
        registered_at=timezone.now(),
        registered_by=actor,
    )
    audit.record(
        project=row.project,
        actor=actor,
        verb="gate.register",
        target=f"round:{row.pk}",
        payload={"digest": spec.digest},
    )
    point_of_no_return()
    return gate


def gate_of(round: Round) -> Gate:
    gate = round.gates.filter(preregistered=True).first()
    if gate is None:
        raise ServiceError(
            "No gate was registered before this round was opened. Name one with --file: its answer will say that it "
            "was not preregistered."
        )
    return gate


def gate_decide(*, round: Round, source: Source | None = None) -> Decision:
    """The registered gate, or another one, against the current judgments. Nothing is stored."""
    from analytics import gating, reports  # pandas and scipy take over a second to load

    if source is None:
        gate = gate_of(round)
        spec = gate_read(round=round, source=of_value(gate.definition, "the registered gate"))
        preregistered = True
    else:
        spec, preregistered = gate_read(round=round, source=source), False
    answer = gating.decide(reports.data_of(round, reports.ReportOptions()), spec)
    warnings = () if round.state == Round.State.CLOSED else (OPEN,)
    return Decision(answer, preregistered, warnings)
