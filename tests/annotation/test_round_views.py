"""The lead's pages of a round: planning, states, progress."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from annotation import claims, round_page
from annotation.models import Assignment, Judgment, Round
from annotation.services import judging
from annotation.services.seats import seat_for
from annotation.views.rounds import ACTS
from projects.models import ItemTag, Project
from rubrics.services import guideline_publish, rubric_create
from rubrics.specs import RubricSpec
from tests.annotation.round_pages import alice, judge, lead, main, plan, project, stocked, text, url
from tests.factories import (
    CORRECT,
    OVERALL,
    member,
    project_factory,
    round_factory,
    rubric_factory,
    system_factory,
)

__all__ = ["alice", "lead", "project"]  # fixtures

pytestmark = pytest.mark.django_db


# --- Planning -----------------------------------------------------------------------------------------------
def test_planning_makes_a_draft_with_every_setting(lead: Client, project: Project, alice: User) -> None:
    stocked(project)
    ItemTag.objects.create(item=project.items.all()[0], tag="billing")
    guideline = guideline_publish(project=project, text="Read.", actor=None)
    answer = plan(
        lead, project, title="Answers", mode="compare", tag="billing", size="1", overlap="3", strategy="in_order",
        one_task_per_item="on", guideline=str(guideline.pk), lease_minutes="5", cap_per_rater="9", planned_seconds="60",
    )  # fmt: skip
    row = Round.objects.get()
    assert answer.url == url(row)
    assert (row.name, row.title, row.mode, row.state, row.created_by) == (
        "Final round", "Answers", "compare", "draft", alice,
    )  # fmt: skip
    assert (row.overlap, row.strategy, row.one_task_per_item, row.guideline) == (3, "in_order", True, guideline)
    assert (row.lease_seconds, row.cap_per_rater, row.planned_seconds) == (300, 9, 60)
    assert (row.options["sample"]["tag"], row.options["sample"]["size"]) == ("billing", 1)
    assert row.round_systems.count() == 2


def test_the_draft_says_what_it_asks_for_and_warns(lead: Client, project: Project) -> None:
    plan(lead, project, planned_seconds="60")
    page = text(lead.get(url(Round.objects.get())))
    assert "3 items, 6 outputs × 2 raters = <strong>12 judgments</strong>" in page
    assert "<strong>0.2 rater-hours</strong> at 60 s" in page
    assert "Each task wants 2 raters, and the project has 1" in page
    assert "Open…" in page


def test_pairs_are_called_pairs(lead: Client, project: Project) -> None:
    plan(lead, project, mode="compare")
    assert "3 items, 3 pairs × 2 raters" in text(lead.get(url(Round.objects.get())))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"title": "Is the parrot good?"}, "title", "names the system “Parrot”"),
        ({"name": "Heron, first round"}, "title", "names the system “Heron”"),
        ({"systems": []}, "systems", "Choose at least one system"),
        ({"mode": "sort"}, "mode", "Select a valid choice"),
        ({"mode": ""}, "mode", "required"),
        ({"overlap": "0"}, "overlap", "greater than or equal to 1"),
        ({"overlap": "101"}, "overlap", "less than or equal to 100"),
        ({"strategy": "luck"}, "strategy", "Select a valid choice"),
        ({"tag": "unheard-of"}, "tag", "Select a valid choice"),
        ({"size": "0"}, "size", "greater than or equal to 1"),
        ({"lease_minutes": "0"}, "lease_minutes", "greater than or equal to 1"),
        ({"lease_minutes": "10081"}, "lease_minutes", "less than or equal to 10080"),
        ({"rubric_version": "0"}, "rubric_version", "Select a valid choice"),
        ({"planned_seconds": "x"}, "planned_seconds", "whole number"),
    ],
)
def test_what_is_wrong_is_said_in_place(
    lead: Client, project: Project, changes: dict[str, Any], field: str, words: str
) -> None:
    rubric_factory(project)
    answer = plan(lead, project, **changes)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert words in str(answer.context["form"].errors[field])
    assert words in text(answer)
    assert not Round.objects.exists()


def test_one_system_cannot_be_compared(lead: Client, project: Project) -> None:
    first = stocked(project)[0]
    answer = plan(lead, project, mode="compare", systems=[first.pk])
    assert "Choose at least two systems to compare." in str(answer.context["form"].errors["systems"])


def test_a_preference_rubric_names_the_mode_it_needs(lead: Client, project: Project) -> None:
    answer = plan(lead, project, rubric_version=rubric_factory(project, (OVERALL,)).pk)
    assert "needs two answers side by side" in str(answer.context["form"].errors["mode"])


def test_only_what_can_be_used_is_offered(lead: Client, project: Project) -> None:
    stocked(project)
    other = project_factory()
    theirs = [rubric_factory(other).pk, system_factory(other).pk]
    rubric_create(project=project, spec=RubricSpec("Draft", (CORRECT,)), actor=None)
    mine = rubric_factory(project)
    form = lead.get(reverse("annotation:round_new", args=[project.slug])).context["form"]
    assert list(form.fields["rubric_version"].queryset) == [mine]
    assert set(form.fields["systems"].queryset) == set(project.systems.all())
    assert plan(lead, project, rubric_version=theirs[0]).status_code == 200
    assert plan(lead, project, systems=[theirs[1]]).status_code == 200
    assert not Round.objects.exists()


def test_without_rubric_or_outputs_the_page_says_what_to_do_first(lead: Client, project: Project) -> None:
    page = text(lead.get(reverse("annotation:round_new", args=[project.slug])))
    assert "There is nothing to judge yet" in page
    assert "A round needs a published rubric" in page


# --- States -------------------------------------------------------------------------------------------------
def test_every_act_asks_once_and_then_does_it(lead: Client, project: Project) -> None:
    row = round_factory(project, items=2, systems=1, overlap=2, opened=False)
    steps = [
        ("open", "Rubric, guidelines, mode and sample are fixed", "open"),
        ("pause", "Nobody gets a new task", "paused"),
        ("open", "4 judgments are still wanted", "open"),
        ("close", "4 wanted judgments are given up: 0 of 4 have been made", "closed"),
        ("reopen", "are wanted again", "open"),
    ]
    for act, words, state in steps:
        before = row.state
        assert words in text(lead.get(url(row, f"round_{act}"))), act
        row.refresh_from_db()
        assert row.state == before
        assert lead.post(url(row, f"round_{act}")).url == url(row)
        row.refresh_from_db()
        assert row.state == state


def test_closing_names_who_is_judging_at_this_moment(lead: Client, project: Project) -> None:
    row = round_factory(project)
    claims.claim(seat_for(round=row, user=member(project, "rater")).pk)
    assert "1 person is judging at this moment" in text(lead.get(url(row, "round_close")))
    assert "1 task is in hand" in text(lead.get(url(row, "round_pause")))


@pytest.mark.parametrize(("state", "acts"), [("draft", {"open", "drop"}), ("open", {"pause", "close"})])
def test_acts_that_do_not_fit_are_neither_offered_nor_done(
    lead: Client, project: Project, state: str, acts: set[str]
) -> None:
    row = round_factory(project, opened=state == "open")
    page = text(lead.get(url(row)))
    for act in ACTS:
        address = url(row, f"round_{act}")
        assert (address in page) == (act in acts), act
        if act not in acts:
            assert f"This round is {state} by now" in text(lead.post(address, follow=True))
    row.refresh_from_db()
    assert row.state == state


def test_a_draft_is_dropped(lead: Client, project: Project) -> None:
    row = round_factory(project, opened=False)
    assert "The plan is thrown away" in text(lead.get(url(row, "round_drop")))
    assert lead.post(url(row, "round_drop")).url == reverse("annotation:rounds", args=[project.slug])
    assert not Round.objects.exists()


def test_a_round_that_cannot_open_says_why(lead: Client, project: Project) -> None:
    row = round_factory(project, opened=False)
    project.items.all().delete()
    assert "There is nothing to judge" in text(lead.post(url(row, "round_open"), follow=True))


# --- Progress -----------------------------------------------------------------------------------------------
def test_the_page_counts_and_names_raters(lead: Client, project: Project) -> None:
    row = round_factory(project, mode="compare", items=4, systems=2, overlap=2)
    mara, tomas = member(project, "rater", "Mara"), member(project, "rater", "Tomas")
    first, second = seat_for(round=row, user=mara), seat_for(round=row, user=tomas)
    judge(first, 2, c_overall="-1")
    judge(first, 1, c_overall="2")
    judge(second, 1, c_overall="tie")
    Judgment.objects.filter(seat=first).update(active_seconds=None, seconds=30)
    Judgment.objects.filter(seat=second).update(active_seconds=60, seconds=999)
    page = main(lead.get(url(row)))
    assert '<span class="stat-value">4</span>' in page
    assert "of 8 judgments" in page
    assert page.index("Mara") < page.index("Tomas")
    assert "A 2 · B 1" in page
    assert "and 1 tie" in page
    assert "45 s" in page  # between the medians 30 s and 60 s
    assert "interim" in page
    assert "α" not in page


def test_figures_of_raters(project: Project) -> None:
    row = round_factory(project, mode="compare", items=4, systems=2, overlap=2)
    seat = seat_for(round=row, user=member(project, "rater", "Mara"))
    idle = seat_for(round=row, user=member(project, "rater", "Idle"))
    judge(seat, 1, c_overall="-2")
    judge(seat, 1, c_overall="both_bad")
    Judgment.objects.update(seconds=12.0)
    Judgment.objects.filter(pk=Judgment.objects.earliest("pk").pk).update(events={"warned": ["fast"]})
    one, other = round_page.rater_rows(row)
    assert (one.hasty, other.hasty) == (1, 0)
    assert (one.seat, one.judged, one.imported, one.seconds) == (seat, 2, 0, 12.0)
    assert (one.sides.a, one.sides.b, one.sides.ties) == (1, 0, 1)
    assert one.last_seen is not None
    assert timezone.now() - one.last_seen < timedelta(minutes=1)
    assert (other.seat, other.judged, other.seconds, other.last_seen, other.sides.n) == (idle, 0, None, None, 0)


def test_a_revision_counts_once_and_imports_stand_apart(project: Project) -> None:
    row = round_factory(project, mode="compare", items=4, systems=2, overlap=2)
    seat = seat_for(round=row, user=member(project, "rater"))
    judge(seat, 1, c_overall="-2")
    first = Assignment.objects.get(state=Assignment.State.JUDGED)
    judging.judgment_submit(
        seat=seat, round=row, data={"c-overall": "2"}, public_id=first.public_id, key=secrets.token_hex(8)
    )
    (one,) = round_page.rater_rows(row)
    assert (one.judged, one.sides.a, one.sides.b) == (1, 0, 1)
    Assignment.objects.filter(pk=first.pk).update(order_known=False, purpose="imported", slot=None)
    (one,) = round_page.rater_rows(row)
    assert (one.judged, one.imported, one.sides.n, one.seconds) == (0, 1, 0, None)


def test_the_pages_cost_the_same_at_any_size(lead: Client, project: Project) -> None:
    row = round_factory(project, mode="compare", items=9, systems=2, overlap=3)

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert lead.get(address).status_code == 200
        return len(caught)

    def work() -> None:
        seat = seat_for(round=row, user=member(project, "rater"))
        for _ in range(2):
            public_id = claims.claim(seat.pk).presentation.public_id  # type: ignore[union-attr]
            judging.comment_add(seat=seat, public_id=public_id, text="Hm.")
            judging.flag_raise(seat=seat, public_id=public_id, reason="broken", note="")
            judge(seat, 1, c_overall="1", comment="Odd.")

    addresses = [url(row), reverse("annotation:rounds", args=[project.slug])]
    work()
    for address in addresses:
        queries(address)
    before = [queries(address) for address in addresses]
    work()
    round_factory(project)
    assert [queries(address) for address in addresses] == before
