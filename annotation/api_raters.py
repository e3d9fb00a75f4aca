"""Who takes part in a round, over the API: how far each rater is in training and work, where participants of a crowd
platform stand, and the acts that the pages have for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import round_of
from annotation.models import Participant, Round, Seat, TrainingTry
from annotation.services import crowd, exclusion, seats, training
from annotation.training import tries_left
from config.api_base import PROBLEMS, WRITE_PROBLEMS, ApiView, Listed, StrictSerializer
from projects.access import Action
from projects.errors import ServiceError


class TryOut(serializers.ModelSerializer[TrainingTry]):
    """One go through the training tasks: known answers that were given, of those asked. `forgiven`: a lead gave another
    try in its place."""

    right = serializers.IntegerField()
    asked = serializers.IntegerField()
    number = serializers.IntegerField(source="n")

    class Meta:
        model = TrainingTry
        fields = ["number", "state", "right", "asked", "forgiven", "started_at", "finished_at"]


class TrainingOut(serializers.Serializer[Any]):
    tries = TryOut(many=True)
    tries_left = serializers.IntegerField()


class ParticipantOut(serializers.ModelSerializer[Participant]):
    """Who came by the join link. `id`, `study` and `session` are the platform's, and empty once erased."""

    id = serializers.SerializerMethodField()
    consent_version = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["under_way", "done", "out"], source="stands")
    code = serializers.SerializerMethodField(help_text="The completion code that was shown; empty: none yet.")

    class Meta:
        model = Participant
        fields = [
            *("id", "study", "session", "consent_version", "consented_at"),
            *("outcome", "code", "ended_at", "erased_at"),
        ]

    def to_representation(self, instance: Participant) -> dict[str, Any]:
        instance.stands = instance.outcome or "under_way"  # type: ignore[attr-defined]
        return super().to_representation(instance)

    def get_id(self, row: Participant) -> str:
        return (row.seat.rater.external_id or "").removeprefix("join:")

    def get_code(self, row: Participant) -> str:
        return {"done": row.link.done_code, "out": row.link.out_code}.get(row.outcome, "")


class RaterOut(serializers.ModelSerializer[Seat]):
    """A rater in a round. `judged` and `assigned` are tasks of the round's own; training is never among them."""

    seat = serializers.IntegerField(source="pk")
    rater = serializers.CharField(source="rater.pseudonym", help_text="The pseudonym, as in `export`.")
    judged = serializers.IntegerField(source="n_judged")
    assigned = serializers.IntegerField(source="n_assigned")
    cap = serializers.IntegerField(allow_null=True, help_text="The most tasks; empty: as the round says.")
    left_out = serializers.SerializerMethodField(help_text="Why this rater's work is left out; empty: it counts.")
    training = serializers.SerializerMethodField()
    participant = serializers.SerializerMethodField()

    class Meta:
        model = Seat
        fields = [
            *("seat", "rater", "state", "paused_reason", "group", "cap", "assigned", "judged"),
            *("left_out", "training", "participant"),
        ]

    def get_left_out(self, row: Seat) -> str:
        return next((each.reason for each in row.exclusions.all() if each.lifted_at is None), "")

    @extend_schema_field(TrainingOut)
    def get_training(self, row: Seat) -> dict[str, Any]:
        tries = list(row.training_tries.all())
        return {"tries": TryOut(tries, many=True).data, "tries_left": tries_left(row.round, tries)}

    @extend_schema_field(ParticipantOut(allow_null=True))
    def get_participant(self, row: Seat) -> dict[str, Any] | None:
        found = getattr(row, "participant", None)
        return cast(dict[str, Any], ParticipantOut(found).data) if found else None


def _seats(round: Round) -> Any:
    """With all that is told of them, in as many queries for one as for a page."""
    rows = Seat.objects.filter(round=round).prefetch_related("training_tries", "exclusions")
    return rows.select_related("rater", "round__project", "participant__link", "participant__seat__rater")


@extend_schema(
    tags=["rounds"],
    summary="Raters of a round",
    description="For leads: training, progress, and where participants of a crowd platform stand, a page at a time.",
    responses={200: RaterOut, **PROBLEMS},
)
class RaterList(Listed):
    serializer_class = RaterOut

    def get_queryset(self) -> Any:
        return _seats(round_of(self.project(Action.RUN), self.kwargs["round"]))


def _erase(*, seat: Seat, actor: Any) -> None:
    found = Participant.objects.filter(seat=seat).first()
    if found is None:
        raise ServiceError("This rater did not come by the join link, so there is nothing to erase here.", field="act")
    crowd.participant_erase(participant=found, actor=actor)


ACTS: dict[str, Callable[..., object]] = {
    "another_try": training.seat_retry,
    "let_through": training.seat_wave_through,
    "resume": seats.seat_resume,
    "leave_out": exclusion.seat_exclude,
    "take_in": exclusion.seat_include,
    "erase": _erase,
}


class RaterActIn(StrictSerializer):
    act = serializers.ChoiceField(
        choices=list(ACTS),
        help_text=(
            "`another_try`, `let_through`: for whom the training holds up; `resume`: a paused rater goes on; "
            "`leave_out`, `take_in`: whether the work counts; `erase`: a participant's id and texts go for good."
        ),
    )
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=exclusion.REASON_MAX, help_text="For `leave_out` only."
    )


class RaterDetail(ApiView):
    def _seat(self, project: str, round: str, seat: int) -> Seat:
        row = round_of(self.project(Action.RUN), round)
        found = _seats(row).filter(pk=seat).first()
        if found is None:
            raise Http404
        return cast(Seat, found)

    @extend_schema(tags=["rounds"], summary="One rater of a round", responses={200: RaterOut, **PROBLEMS})
    def get(self, request: Request, project: str, round: str, seat: int) -> Response:
        return Response(RaterOut(self._seat(project, round, seat)).data)

    @extend_schema(
        tags=["rounds"],
        summary="Decide about a rater",
        description="What the pages of training, raters and participants do. Answers with the rater as it stands.",
        request=RaterActIn,
        responses={200: RaterOut, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, project: str, round: str, seat: int) -> Response:
        row = self._seat(project, round, seat)
        sent = self.read(RaterActIn)
        if sent["reason"] and sent["act"] != "leave_out":
            raise ServiceError("A reason is for leave_out only.", field="reason")
        more = {"reason": sent["reason"]} if sent["act"] == "leave_out" else {}
        ACTS[sent["act"]](seat=row, actor=self.person, **more)
        return Response(RaterOut(self._seat(project, round, seat)).data)
