"""A round from plan to close: what it makes, what it warns of, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from annotation import claims
from annotation.models import Assignment, Flag, Round, RoundItem, Slot, Task
from annotation.sampling import Sample
from annotation.selectors import progress_of
from annotation.services import judging, rounds
from annotation.services.round_plans import round_plan
from annotation.services.rounds import round_create
from annotation.services.seats import seat_for
from annotation.services.upkeep import flag_resolve, round_drop
from annotation.strategies import STRATEGIES
from projects.errors import ServiceError
from projects.models import AuditEvent, ItemTag, Project, System
from rubrics.services import rubric_create
from rubrics.specs import RubricSpec
from tests.factories import (
    CORRECT,
    OVERALL,
    item_factory,
    member,
    output_factory,
    project_factory,
    round_factory,
    rubric_factory,
    system_factory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return project_factory()


def stocked(project: Project, items: int = 4, systems: int = 2) -> list[System]:
    made = [system_factory(project) for _ in range(systems)]
    for _ in range(items):
        item = item_factory(project)
        for system in made:
            output_factory(item, system)
    return made


def create(project: Project, systems: list[System], **changes: Any) -> Round:
    given: dict[str, Any] = {"name": "Pilot", "mode": "score", "overlap": 2, "actor": None, **changes}
    if "rubric_version" not in given:
        given["rubric_version"] = rubric_factory(project, (CORRECT,) if given["mode"] == "score" else (OVERALL,))
    return round_create(project=project, systems=systems, **given)


# --- The plan -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("mode", "tasks"), [("score", 12), ("compare", 12)])
def test_the_plan_says_in_numbers_what_opening_makes(project: Project, mode: str, tasks: int) -> None:
    for n in range(2):
        member(project, "rater", f"Rater {n}")
    row = create(project, stocked(project, items=4, systems=3), mode=mode, planned_seconds=90)
    plan = round_plan(row)
    assert (plan.items, plan.tasks, plan.judgments, plan.hours, plan.raters) == (4, tasks, 24, 24 * 90 / 3600, 2)
    assert plan.warnings == ()
    opened = rounds.round_open(round=row, actor=None)
    assert (opened.tasks.count(), opened.slots.count()) == (plan.tasks, plan.judgments)
    assert round_plan(opened).judgments == plan.judgments


def test_the_plan_changes_nothing(project: Project) -> None:
    row = create(project, stocked(project))
    round_plan(row)
    assert not Task.objects.exists()
    assert not RoundItem.objects.exists()


def test_a_round_that_cannot_finish_warns_with_numbers(project: Project) -> None:
    systems = stocked(project)
    member(project, "rater")
    (few,) = round_plan(create(project, systems, overlap=3)).warnings
    assert "wants 3 raters, and the project has 1" in few
    assert "until 2 more join" in few
    (capped,) = round_plan(create(project, systems, overlap=1, cap_per_rater=5)).warnings
    assert "5 of 8 judgments" in capped
    (nothing,) = round_plan(create(project, [system_factory(project)], overlap=1)).warnings
    assert "nothing to judge" in nothing


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": "  "}, "name", "needs a name"),
        ({"mode": "sort", "rubric_version": None}, "mode", "Accepted: score, compare, rank"),
        ({"strategy": "luck"}, "strategy", "Accepted: balanced, in_order, finish_started"),
        ({"overlap": 0}, "overlap", "from 1 to 100"),
        ({"overlap": 101}, "overlap", "from 1 to 100"),
        ({"sample": Sample(design="lottery")}, "sample", "Accepted: census, random"),
        ({"sample": Sample(size=0)}, "sample", "at least one item"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_accepted(
    project: Project, changes: dict[str, Any], field: str, words: str
) -> None:
    if "rubric_version" in changes:
        changes = changes | {"rubric_version": rubric_factory(project)}
    with pytest.raises(ServiceError, match=words) as refused:
        create(project, stocked(project), **changes)
    assert refused.value.field == field
    assert not Round.objects.exists()


def test_a_draft_rubric_is_not_used(project: Project) -> None:
    draft = rubric_create(project=project, spec=RubricSpec("R", (CORRECT,)), actor=None)
    with pytest.raises(ServiceError, match="Publish the rubric version"):
        create(project, stocked(project), rubric_version=draft)


def test_a_preference_needs_the_mode_that_compares(project: Project) -> None:
    with pytest.raises(ServiceError, match="“overall” needs two answers side by side"):
        create(project, stocked(project), rubric_version=rubric_factory(project, (CORRECT, OVERALL)))


def test_one_system_has_nothing_to_compare_with(project: Project) -> None:
    with pytest.raises(ServiceError, match="at least two systems"):
        create(project, stocked(project, systems=1), mode="compare")


def test_what_belongs_to_another_project_is_refused(project: Project) -> None:
    other = project_factory()
    with pytest.raises(ServiceError, match="must belong to this project"):
        create(project, stocked(other))
    with pytest.raises(ServiceError, match="must belong to this project"):
        create(project, stocked(project), rubric_version=rubric_factory(other))


def test_the_title_raters_see_names_no_system(project: Project) -> None:
    system = system_factory(project, "Helper", "2.5")
    output_factory(item_factory(project), system)
    for title in ("Is helper good?", "HELPER@2.5"):
        with pytest.raises(ServiceError, match="names the system") as refused:
            create(project, [system], title=title)
        assert refused.value.field == "title"
    assert create(project, [system], name="Helper round", title="Answers").title == "Answers"


def test_a_title_is_looked_at_again_when_all_systems_are_meant(project: Project) -> None:
    """A system that was imported after the round was planned could be named by the title."""
    row = create(project, [], title="Is parrot good?")
    output_factory(item_factory(project), system_factory(project, "Parrot"))
    with pytest.raises(ServiceError, match="names the system “Parrot”"):
        rounds.round_open(round=row, actor=None)
    row.refresh_from_db()
    assert row.state == "draft"
    assert not Task.objects.exists()


def test_a_round_called_new_does_not_hide_the_page_that_makes_one(project: Project) -> None:
    assert create(project, stocked(project), name="New").slug == "new-round"
    assert create(project, stocked(project), name="New").slug == "new-round-2"


# --- Which items --------------------------------------------------------------------------------------------
def test_a_sample_is_drawn_once_by_its_seed_and_its_chance_is_kept(project: Project) -> None:
    systems = stocked(project, items=10)
    row = create(project, systems, sample=Sample(size=4), seed=7)
    assert round_plan(row).items == 4
    row = rounds.round_open(round=row, actor=None)
    same = rounds.round_open(round=create(project, systems, sample=Sample(size=4), seed=7), actor=None)
    other = rounds.round_open(round=create(project, systems, sample=Sample(size=4), seed=8), actor=None)
    drawn = [set(r.round_items.values_list("item_id", flat=True)) for r in (row, same, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert (row.design, row.frame_size) == ("random", 10)
    assert row.frame_digest == same.frame_digest
    assert set(row.round_items.values_list("inclusion_probability", flat=True)) == {0.4}


def test_a_sample_as_large_as_the_frame_is_a_census(project: Project) -> None:
    row = rounds.round_open(round=create(project, stocked(project, items=3), sample=Sample(size=9)), actor=None)
    assert (row.design, row.frame_size, row.round_items.count()) == ("census", 3, 3)
    assert set(row.round_items.values_list("inclusion_probability", flat=True)) == {1.0}


def test_a_population_says_what_the_items_were_drawn_from(project: Project) -> None:
    systems = stocked(project, items=4)
    row = create(project, systems, sample=Sample(design="random", population=40))
    row = rounds.round_open(round=row, actor=None)
    assert (row.frame_size, row.round_items.first().inclusion_probability) == (40, 0.1)  # type: ignore[union-attr]
    small = create(project, systems, sample=Sample(design="random", population=3))
    with pytest.raises(ServiceError, match=r"population \(3\) cannot be smaller than the sample \(4\)"):
        rounds.round_open(round=small, actor=None)


def test_an_unknown_sample_claims_no_chance(project: Project) -> None:
    row = rounds.round_open(round=create(project, stocked(project), sample=Sample(design="unknown")), actor=None)
    assert set(row.round_items.values_list("inclusion_probability", flat=True)) == {None}


def test_a_tag_chooses_its_items(project: Project) -> None:
    systems = stocked(project, items=4)
    tagged = list(project.items.order_by("pk")[:2])
    ItemTag.objects.bulk_create(ItemTag(item=item, tag="billing") for item in tagged)
    row = rounds.round_open(round=create(project, systems, sample=Sample(tag="billing")), actor=None)
    assert set(row.round_items.values_list("item_id", flat=True)) == {item.pk for item in tagged}


def test_broken_and_textless_outputs_are_no_tasks(project: Project) -> None:
    systems = stocked(project, items=3, systems=2)
    first, second, *_ = project.items.order_by("pk")
    first.outputs.filter(system=systems[0]).update(error="timed out")
    second.outputs.filter(system=systems[0]).update(has_text=False)
    assert round_plan(create(project, systems)).tasks == 4
    assert round_plan(create(project, systems, mode="compare")).tasks == 1


def test_a_baseline_is_in_every_pair(project: Project) -> None:
    systems = stocked(project, items=2, systems=4)
    row = rounds.round_open(round=create(project, systems, mode="compare", baseline=systems[1]), actor=None)
    assert row.tasks.count() == 2 * 3
    for task in row.tasks.all():
        assert systems[1].pk in task.task_outputs.values_list("output__system_id", flat=True)


def test_nothing_to_judge_does_not_open(project: Project) -> None:
    row = create(project, [system_factory(project)])
    with pytest.raises(ServiceError, match="nothing to judge"):
        rounds.round_open(round=row, actor=None)
    assert Round.objects.get().state == "draft"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_serves_every_task_once(project: Project, strategy: str) -> None:
    row = rounds.round_open(round=create(project, stocked(project, items=5), strategy=strategy), actor=None)
    assert sorted(row.slots.values_list("pos", "n")) == [(pos, n) for pos in range(1, 11) for n in (1, 2)]
    assert row.slots.values("task").distinct().count() == 10


# --- States -------------------------------------------------------------------------------------------------
def test_opening_twice_changes_nothing(project: Project) -> None:
    row = rounds.round_open(round=create(project, stocked(project)), actor=None)
    slots = set(row.slots.values_list("pk", flat=True))
    assert rounds.round_open(round=row, actor=None).state == "open"
    assert set(row.slots.values_list("pk", flat=True)) == slots


@pytest.mark.parametrize(
    ("state", "act", "words"),
    [
        ("draft", rounds.round_pause, "Only an open round can be paused"),
        ("draft", rounds.round_close, "never opened"),
        ("draft", rounds.round_reopen, "Only a closed round"),
        ("open", rounds.round_reopen, "Only a closed round"),
        ("paused", rounds.round_pause, "this one is paused"),
        ("closed", rounds.round_open, "is closed"),
        ("closed", rounds.round_pause, "this one is closed"),
    ],
)
def test_acts_that_do_not_fit_the_state_are_refused(state: str, act: Any, words: str) -> None:
    row = round_factory(opened=state != "draft")
    if state == "paused":
        rounds.round_pause(round=row, actor=None)
    if state == "closed":
        rounds.round_close(round=row, actor=None)
    with pytest.raises(ServiceError, match=words):
        act(round=row, actor=None)
    assert Round.objects.get().state == state


def test_every_change_of_state_is_in_the_audit_log(project: Project) -> None:
    row = rounds.round_open(round=create(project, stocked(project)), actor=None)
    row = rounds.round_pause(round=row, actor=None)
    row = rounds.round_close(round=row, actor=None)
    rounds.round_reopen(round=row, actor=None)
    verbs = AuditEvent.objects.filter(verb__startswith="round.").order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["round.create", "round.open", "round.pause", "round.close", "round.reopen"]


def test_closing_withdraws_what_is_open_and_keeps_the_draft() -> None:
    row = round_factory(items=2, systems=1, overlap=1)
    seat = seat_for(round=row, user=member(row.project, "rater"))
    claims.claim(seat.pk)
    Assignment.objects.update(draft={"c-correct": "2"})
    rounds.round_close(round=row, actor=None)
    assert set(Slot.objects.values_list("state", "holder")) == {(Slot.State.WITHDRAWN, None)}
    lost = Assignment.objects.get()
    assert (lost.state, lost.draft) == (Assignment.State.LOST, {"c-correct": "2"})
    assert progress_of(row).wanted == 0


# --- Extending ----------------------------------------------------------------------------------------------
def test_the_overlap_rises_but_never_falls() -> None:
    row = round_factory(items=3, systems=1, overlap=2)
    assert rounds.round_extend(round=row, overlap=4, actor=None) == 3 * 2
    row.refresh_from_db()
    assert (row.overlap, row.slots.count()) == (4, 12)
    assert rounds.round_extend(round=row, overlap=4, actor=None) == 0
    with pytest.raises(ServiceError, match="may rise above 4, but not fall"):
        rounds.round_extend(round=row, overlap=3, actor=None)
    assert set(row.slots.values_list("n", flat=True)) == {1, 2, 3, 4}


def test_items_that_came_since_join_a_census() -> None:
    row = round_factory(items=2, systems=2, overlap=2)
    item = item_factory(row.project)
    for chosen in row.round_systems.all():
        output_factory(item, chosen.system)
    output_factory(item, system_factory(row.project))  # not of this round
    assert rounds.round_extend(round=row, add_items=True, actor=None) == 4
    row.refresh_from_db()
    assert (row.frame_size, row.round_items.count(), row.tasks.count()) == (3, 3, 6)
    assert rounds.round_extend(round=row, add_items=True, actor=None) == 0


@pytest.mark.parametrize("state", ["draft", "closed"])
def test_only_a_running_round_is_extended(state: str) -> None:
    row = round_factory(opened=state == "closed")
    if state == "closed":
        rounds.round_close(round=row, actor=None)
    with pytest.raises(ServiceError, match="Only an open or paused round"):
        rounds.round_extend(round=row, overlap=9, actor=None)


# --- Upkeep -------------------------------------------------------------------------------------------------
def test_a_round_that_never_opened_can_be_dropped() -> None:
    row = round_factory(opened=False)
    project = row.project
    round_drop(round=row, actor=None)
    assert not Round.objects.exists()
    assert project.items.count() == 3
    with pytest.raises(ServiceError, match="never opened"):
        round_drop(round=round_factory(project), actor=None)


def test_a_flag_is_resolved_once() -> None:
    row = round_factory()
    seat = seat_for(round=row, user=member(row.project, "rater"))
    outcome = claims.claim(seat.pk)
    assert outcome.presentation is not None
    flag = judging.flag_raise(seat=seat, public_id=outcome.presentation.public_id, reason="broken", note="")
    reviewer = member(row.project, "reviewer")
    first = flag_resolve(flag=flag, actor=reviewer)
    assert first.resolved_by == reviewer
    assert flag_resolve(flag=flag, actor=None).resolved_at == first.resolved_at
    assert Flag.objects.get().resolved_by == reviewer
    assert AuditEvent.objects.filter(verb="flag.resolve").count() == 1
