"""Every constraint of the schema, broken once. The services refuse first, in words; the database refuses last."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from analytics.models import Gate, Report, ReportRun
from annotation import claims
from annotation.claims import NewRating, Submission
from annotation.models import (
    Adjudication,
    Assignment,
    Comment,
    Disagreement,
    Flag,
    FreeText,
    GoldAnswer,
    JoinLink,
    Judgment,
    LeakDecision,
    Participant,
    RaterExclusion,
    Rating,
    RevisionRequest,
    Round,
    RoundItem,
    RoundLink,
    RoundSystem,
    Seat,
    SideTally,
    Slot,
    Task,
    TaskOutput,
    TrainingStep,
    TrainingTry,
)
from annotation.services.seats import seat_for
from config.models import TaskLease
from projects.models import (
    AuditEvent,
    AutomatedScore,
    ImportBatch,
    ImportMapping,
    Invitation,
    Item,
    ItemExclusion,
    ItemRevision,
    ItemTag,
    Media,
    MediaName,
    Membership,
    Metric,
    Output,
    OutputRevision,
    Project,
    Rater,
    System,
)
from rubrics.models import Criterion, Guideline, Level, Rubric, RubricVersion
from rubrics.services import draft_open
from tests.factories import OVERALL, member, project_factory, round_factory

APPS = ("config", "accounts", "projects", "rubrics", "annotation", "analytics")


@dataclass
class World:
    """A project with one row of nearly everything."""

    project: Project
    user: User
    round: Round
    seat: Seat
    assignment: Assignment
    judgment: Judgment
    draft: RubricVersion
    score: AutomatedScore

    def only(self, model: type[models.Model]) -> Any:
        """The first row of a table."""
        return model._default_manager.order_by("pk")[0]


@pytest.fixture
def world(db: None) -> World:
    project = project_factory("Support", lead=None)
    round = round_factory(project, mode="compare", items=2, systems=2, overlap=2)
    user = member(project, "rater", "Bob")
    seat = seat_for(round=round, user=user)
    outcome = claims.claim(seat.pk)
    assert outcome.presentation is not None
    criterion = Criterion.objects.get()
    rating = NewRating(criterion.pk, "", 1.0, "b")
    sent = Submission(outcome.presentation.public_id, secrets.token_hex(8), "d" * 64, [rating])
    claims.submit(seat.pk, sent)
    seat.refresh_from_db()
    assignment = Assignment.objects.get(pk=outcome.assignment)
    metric = Metric.objects.create(project=project, key="judge")
    output = Output.objects.order_by("pk")[0]
    score = AutomatedScore.objects.create(metric=metric, key="k", output=output, number=1.0)
    return World(
        project=project,
        user=user,
        round=round,
        seat=seat,
        assignment=assignment,
        judgment=Judgment.objects.get(),
        draft=draft_open(rubric=round.rubric_version.rubric, actor=None),
        score=score,
    )


def again(row: models.Model, **changes: Any) -> None:
    """The same row once more, with `changes`: straight into the table, past save and full_clean."""
    other = copy.copy(row)
    other.pk = None
    for name, value in changes.items():
        setattr(other, name, value)
    type(row)._default_manager.bulk_create([other])


def change(row: models.Model, **changes: Any) -> None:
    """Straight in the table."""
    type(row)._default_manager.filter(pk=row.pk).update(**changes)


def a_rater(w: World, **fields: Any) -> Rater:
    return Rater.objects.create(project=w.project, pseudonym=secrets.token_hex(4), **fields)


def a_seat(w: World) -> Seat:
    return Seat.objects.create(round=w.round, rater=a_rater(w))


def a_link(w: World) -> JoinLink:
    return JoinLink.objects.create(round=w.round, consent="Do you agree?", id_parameter="id")


def a_rater_link(w: World) -> RoundLink:
    return RoundLink.objects.create(round=w.round, places=1, expires_at=NOW)


def a_participant(w: World) -> Participant:
    return Participant.objects.create(link=a_link(w), seat=w.seat, consent_version=1, consented_at=NOW)


def a_try(w: World) -> TrainingTry:
    return TrainingTry.objects.create(seat=w.seat, n=1, started_at=NOW)


def an_extra(w: World, **fields: Any) -> Assignment:
    """A second assignment that breaks nothing by itself."""
    given = {
        "seat": w.seat,
        "task": w.assignment.task,
        "item_key": -1,
        "purpose": "extra",
        "state": Assignment.State.SKIPPED,
        "created_at": timezone.now(),
    }
    return Assignment.objects.create(**given | fields)


def a_text(w: World, **fields: Any) -> FreeText:
    return FreeText.objects.create(**{"judgment": w.judgment, "kind": "comment", "text": "x"} | fields)


def a_gold(w: World) -> GoldAnswer:
    return GoldAnswer.objects.create(task=w.assignment.task, criterion=w.only(Criterion), number=1)


def a_disagreement(w: World) -> Disagreement:
    return Disagreement.objects.create(
        round=w.round, generation=1, rank=1, task=w.assignment.task, criterion=w.only(Criterion), distance=1, share=1
    )


def a_ruling(w: World) -> Adjudication:
    return Adjudication.objects.create(task=w.assignment.task, criterion=w.only(Criterion), number=1)


def an_item_exclusion(w: World) -> ItemExclusion:
    return ItemExclusion.objects.create(item=w.only(Item), reason="Broken")


def an_exclusion(w: World) -> RaterExclusion:
    return RaterExclusion.objects.create(seat=w.seat, reason="Asleep", excluded_by=None)


def a_decision(w: World, **more: Any) -> LeakDecision:
    fields = {"item": w.only(Item), "key": "amber", "digest": "d", "decision": "accept"}
    return LeakDecision.objects.create(round=w.round, **fields | more)


def a_report(w: World) -> Report:
    fields = {"number": 1, "built_at": timezone.now(), "seed": 1, "body": {}, "digest": "d", "data_digest": "d"}
    return Report.objects.create(round=w.round, **fields)


def a_gate(w: World) -> Gate:
    return Gate.objects.create(
        round=w.round, definition={}, digest="d", preregistered=True, registered_at=timezone.now()
    )


def an_event(w: World) -> AuditEvent:
    return w.only(AuditEvent)


def a_guideline(w: World) -> Guideline:
    return Guideline.objects.create(project=w.project, number=1, text="x", digest="d")


def a_level(w: World) -> Level:
    criterion = w.draft.criteria.get()
    return Level.objects.create(criterion=criterion, position=0, code="1", number=1.0, label="One")


def a_draft_criterion(w: World) -> Criterion:
    return w.draft.criteria.get()


def a_media(w: World) -> Media:
    return Media.objects.create(project=w.project, digest="d", content_type="image/png", size=1, file="x")


def a_mapping(w: World) -> ImportMapping:
    return ImportMapping.objects.create(project=w.project, name="Ours", columns={"item": "item"})


def a_media_name(w: World) -> MediaName:
    return MediaName.objects.create(project=w.project, name="a/b.png", base="b.png", media=a_media(w))


def a_request(w: World) -> RevisionRequest:
    return RevisionRequest.objects.create(assignment=w.assignment, note="Look again.", revision=1)


def a_tag(w: World) -> ItemTag:
    return ItemTag.objects.create(item=w.only(Item), tag="billing")


def a_tally(w: World, **changes: Any) -> None:
    again(w.only(SideTally), **changes)


def a_shared(w: World) -> Rubric:
    return Rubric.objects.create(project=None, slug="shared", name="Shared")


def a_lease(w: World) -> TaskLease:
    task = DBTaskResult.objects.create(task_path="x", backend_name="default", args_kwargs={})
    return TaskLease.objects.create(task=task, key="x")


NOW = timezone.now()
BREAK: dict[str, Callable[[World], Any]] = {
    "tasklease_held_by_somebody": lambda w: change(a_lease(w), until=NOW),
    "user_email_ci_unique": lambda w: again(w.user, email=w.user.email.upper()),
    # --- projects
    "membership_once": lambda w: again(w.only(Membership)),
    "membership_role_known": lambda w: change(w.only(Membership), role="king"),
    "invitation_role_known": lambda w: Invitation.objects.create(
        project=w.project, role="king", token_hash="h", expires_at=NOW
    ),
    "rater_pseudonym_once": lambda w: again(w.seat.rater, user=None),
    "rater_user_once": lambda w: again(w.seat.rater, pseudonym="other"),
    "rater_external_once": lambda w: [a_rater(w, external_id="7") for _ in range(2)],
    "rater_erased_has_no_identity": lambda w: change(w.seat.rater, erased_at=NOW),
    "item_external_once": lambda w: again(w.only(Item)),
    "item_named": lambda w: change(w.only(Item), external_id=""),
    "itemrevision_once": lambda w: again(w.only(ItemRevision), current=False),
    "itemrevision_one_current": lambda w: again(w.only(ItemRevision), revision=2),
    "itemtag_once": lambda w: again(a_tag(w)),
    "itemtag_named": lambda w: change(a_tag(w), tag=""),
    "itemexclusion_one_standing": lambda w: again(an_item_exclusion(w)),
    "itemexclusion_has_reason": lambda w: change(an_item_exclusion(w), reason=""),
    "system_once": lambda w: again(w.only(System)),
    "system_named": lambda w: change(w.only(System), name=""),
    "output_once": lambda w: again(w.only(Output)),
    "output_measures_not_negative": lambda w: change(w.only(Output), latency_ms=-1),
    "outputrevision_once": lambda w: again(w.only(OutputRevision), current=False),
    "outputrevision_one_current": lambda w: again(w.only(OutputRevision), revision=2),
    "metric_once": lambda w: again(w.only(Metric)),
    "metric_scale_ordered": lambda w: change(w.only(Metric), scale_min=5, scale_max=1),
    "score_once": lambda w: again(w.score),
    "score_has_one_target": lambda w: change(w.score, system=w.only(System)),
    "score_position_known": lambda w: change(w.score, position="left"),
    "score_value_or_reason": lambda w: change(w.score, number=None),
    "media_once": lambda w: again(a_media(w), public_name="other"),
    "medianame_once": lambda w: again(a_media_name(w)),
    "medianame_named": lambda w: again(a_media_name(w), name=""),
    "importmapping_name_once": lambda w: again(a_mapping(w)),
    "importmapping_named": lambda w: again(a_mapping(w), name=""),
    "importbatch_state_known": lambda w: ImportBatch.objects.create(
        project=w.project, state="asleep", format="csv", file_name="x", file_digest="d"
    ),
    "audit_seq_once": lambda w: again(an_event(w), previous="other"),
    "audit_never_forks": lambda w: again(an_event(w), seq=10_000),
    # --- rubrics
    "rubric_once": lambda w: again(w.only(Rubric)),
    "rubric_shared_once": lambda w: again(a_shared(w)),
    "rubricversion_once": lambda w: again(w.round.rubric_version),
    "rubricversion_one_draft": lambda w: again(w.draft, number=99),
    "rubricversion_published_is_dated": lambda w: change(w.draft, status="published"),
    "criterion_key_once": lambda w: again(a_draft_criterion(w)),
    "criterion_named": lambda w: change(a_draft_criterion(w), question=""),
    "criterion_weight_not_negative": lambda w: change(a_draft_criterion(w), weight=-1),
    "criterion_measurement_known": lambda w: change(a_draft_criterion(w), level_of_measurement="vague"),
    "criterion_scope_known": lambda w: change(a_draft_criterion(w), scope="all"),
    "level_code_once": lambda w: again(a_level(w), number=None),
    "level_number_once": lambda w: again(a_level(w), code="other"),
    "guideline_once": lambda w: again(a_guideline(w)),
    # --- annotation: rounds and tasks
    "round_once": lambda w: again(w.round, public_id="other"),
    "round_overlap_range": lambda w: change(w.round, overlap=101),
    "round_state_known": lambda w: change(w.round, state="asleep"),
    "round_mode_known": lambda w: again(w.round, mode="guess", slug="other", public_id="other"),
    "round_rates_range": lambda w: change(w.round, gold_rate=0.6),
    "round_lease_range": lambda w: change(w.round, lease_seconds=59),
    "roundsystem_once": lambda w: again(w.only(RoundSystem)),
    "rounditem_once": lambda w: again(w.only(RoundItem)),
    "rounditem_probability_range": lambda w: change(w.only(RoundItem), inclusion_probability=0),
    "task_once": lambda w: again(w.only(Task)),
    "task_kind_known": lambda w: change(w.only(Task), kind="joke"),
    "taskoutput_position_once": lambda w: again(w.only(TaskOutput), output=Output.objects.order_by("-pk")[0]),
    "taskoutput_output_once": lambda w: again(w.only(TaskOutput), position=5),
    "taskoutput_position_range": lambda w: change(w.only(TaskOutput), position=10),
    # --- annotation: slots, seats, assignments
    "slot_once": lambda w: again(w.only(Slot)),
    "slot_state_known": lambda w: change(w.only(Slot), state=9),
    "slot_leased_has_holder": lambda w: change(w.only(Slot), state=Slot.State.LEASED, holder=None),
    "seat_once": lambda w: again(w.seat),
    "seat_state_known": lambda w: change(w.seat, state="asleep"),
    "sidetally_once": lambda w: a_tally(w),
    "sidetally_balanced": lambda w: a_tally(w, pair="other", d=2),
    "assignment_item_once": lambda w: again(
        w.assignment, public_id="x", slot=None, purpose="extra", state=Assignment.State.SKIPPED
    ),
    "assignment_slot_once": lambda w: again(w.assignment, public_id="x", seat=a_seat(w), state=Assignment.State.JUDGED),
    "assignment_one_live": lambda w: an_extra(w, state=Assignment.State.LIVE),
    "assignment_state_known": lambda w: an_extra(w, state=9),
    "assignment_only_normal_holds_slot": lambda w: change(w.assignment, purpose="gold"),
    "assignment_normal_holds_slot": lambda w: change(w.assignment, slot=None),
    "assignment_probability_range": lambda w: change(w.assignment, probability=0),
    # --- annotation: judgments
    "judgment_revision_once": lambda w: again(w.judgment, key="other", current=False),
    "judgment_one_current": lambda w: again(w.judgment, key="other", revision=2),
    "judgment_key_once": lambda w: again(w.judgment, assignment=an_extra(w)),
    "judgment_seconds_not_negative": lambda w: again(w.judgment, assignment=an_extra(w), key="other", seconds=-1),
    "rating_once": lambda w: again(w.only(Rating)),
    "rating_cannot_judge_is_no_value": lambda w: again(w.only(Rating), target="o0", cannot_judge=True),
    "freetext_once": lambda w: [a_text(w, kind="reason", criterion=w.only(Criterion)) for _ in range(2)],
    "freetext_comment_once": lambda w: [a_text(w, target=t) for t in ("", "o0")],
    "freetext_erased_is_empty": lambda w: a_text(w, erased_at=NOW),
    # --- annotation: quality
    "goldanswer_once": lambda w: again(a_gold(w)),
    "goldanswer_tolerance_range": lambda w: change(a_gold(w), tolerance=-1),
    "trainingtry_once": lambda w: again(a_try(w), state="failed"),
    "trainingtry_one_running": lambda w: again(a_try(w), n=2),
    "trainingtry_state_known": lambda w: change(a_try(w), state="won"),
    "trainingtry_right_of_asked": lambda w: change(a_try(w), right=1),
    "trainingstep_right_of_asked": lambda w: change(
        TrainingStep.objects.create(attempt=a_try(w), assignment=w.assignment), right=1
    ),
    "joinlink_asks_consent": lambda w: change(a_link(w), consent=""),
    "joinlink_names_participants": lambda w: change(a_link(w), id_parameter=""),
    "roundlink_within_places": lambda w: change(a_rater_link(w), n_used=2),
    "roundlink_address_is_one_place": lambda w: change(a_rater_link(w), email="jo@example.org", places=2),
    "participant_outcome_known": lambda w: change(a_participant(w), outcome="rich"),
    "participant_erased_is_empty": lambda w: change(a_participant(w), study="s", erased_at=NOW),
    "flag_one_open": lambda w: [Flag.objects.create(assignment=w.assignment, reason="broken") for _ in range(2)],
    "comment_erased_is_empty": lambda w: Comment.objects.create(assignment=w.assignment, text="x", erased_at=NOW),
    "adjudication_revision_once": lambda w: again(a_ruling(w), current=False),
    "adjudication_one_current": lambda w: again(a_ruling(w), revision=2),
    "adjudication_without_answer_is_empty": lambda w: again(a_ruling(w), revision=2, current=False, unsettled=True),
    "adjudication_withdrawn_is_not_current": lambda w: Adjudication.objects.create(
        task=w.assignment.task, criterion=w.only(Criterion), withdrawn=True
    ),
    "disagreement_rank_once": lambda w: again(a_disagreement(w), target="o0"),
    "disagreement_once": lambda w: again(a_disagreement(w), rank=2),
    "revisionrequest_once": lambda w: again(a_request(w)),
    "exclusion_one_standing": lambda w: again(an_exclusion(w)),
    "exclusion_has_reason": lambda w: change(an_exclusion(w), reason=""),
    "leakdecision_item_once": lambda w: again(a_decision(w)),
    "leakdecision_output_once": lambda w: again(a_decision(w, output=w.only(Output))),
    "leakdecision_known": lambda w: change(a_decision(w), decision="burn"),
    # --- analytics
    "report_once": lambda w: again(a_report(w)),
    "gate_one_preregistered": lambda w: again(a_gate(w)),
    "reportrun_one_of_a_round": lambda w: again(ReportRun.objects.create(round=w.round)),
    "reportrun_state_known": lambda w: change(ReportRun.objects.create(round=w.round), state="lost"),
}


def declared() -> Iterator[tuple[type[models.Model], models.BaseConstraint]]:
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            for constraint in model._meta.constraints:
                yield model, constraint


CONSTRAINTS = {constraint.name: (model, constraint) for model, constraint in declared()}


def test_every_constraint_is_tried() -> None:
    assert set(BREAK) == set(CONSTRAINTS)


def named(error: IntegrityError, model: type[models.Model], constraint: models.BaseConstraint) -> bool:
    """Whether the refusal came from this very constraint and not from another or from a guard."""
    if connection.vendor == "postgresql":
        return bool(error.__cause__.diag.constraint_name == constraint.name)  # type: ignore[union-attr]
    text = str(error)
    if isinstance(constraint, models.CheckConstraint):
        return text == f"CHECK constraint failed: {constraint.name}"
    if constraint.fields:  # type: ignore[attr-defined]
        columns = [model._meta.get_field(f).column for f in constraint.fields]  # type: ignore[attr-defined]
        return text == "UNIQUE constraint failed: " + ", ".join(f"{model._meta.db_table}.{c}" for c in columns)
    return text == f"UNIQUE constraint failed: index '{constraint.name}'"


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_the_database_refuses(name: str, world: World) -> None:
    model, constraint = CONSTRAINTS[name]
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAK[name](world)
    assert named(refused.value, model, constraint), str(refused.value)


def test_a_row_like_the_others_is_taken(world: World) -> None:
    """The makers above break what they name and nothing else: without the breach, the row goes in."""
    an_extra(world)
    a_rater(world)
    again(world.only(OutputRevision), revision=2, current=False)
    assert OVERALL.key == world.draft.criteria.get().key
