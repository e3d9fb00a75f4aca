"""The first page, new projects, settings, and the overview with its one next action."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from analytics.models import Report
from analytics.recent import WORDS, recent
from analytics.selectors_overview import overview
from annotation.models import Round, Slot
from annotation.services.rounds import round_close, round_pause
from projects import audit
from projects.models import Metric, Project
from tests.factories import (
    item_factory,
    member,
    output_factory,
    project_factory,
    round_factory,
    rubric_factory,
    system_factory,
    user_factory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Support", lead=alice)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: User, project: Project) -> str:
    answer = as_(user).get(reverse("analytics:overview", args=[project.slug]))
    assert answer.status_code == 200
    return answer.content.decode()


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


# --- Home ------------------------------------------------------------------------------------------
def test_a_lead_sees_the_own_projects_only(alice: User, project: Project) -> None:
    project_factory("Elsewhere", lead=user_factory("Charlie"))
    words = as_(alice).get("/").content.decode()
    assert "Support" in words
    assert "Elsewhere" not in words


def test_who_only_rates_is_sent_to_the_work_and_reads_no_project_name(project: Project) -> None:
    answer = as_(member(project, "rater")).get("/")
    assert answer.url == reverse("annotation:home")


def test_who_has_nothing_is_told_how_to_join() -> None:
    words = as_(user_factory()).get("/").content.decode()
    assert "open the invitation link" in words
    assert reverse("projects:new") not in words


def test_who_is_not_logged_in_is_sent_to_the_log_in(client: Client) -> None:
    assert client.get("/").url == "/accounts/login/?next=/"


def test_home_costs_the_same_with_many_projects(alice: User, project: Project) -> None:
    client = as_(alice)
    few = queries(client, "/")
    for _ in range(15):
        project_factory(lead=alice)
    assert queries(client, "/") == few


@pytest.mark.parametrize(("role", "may"), [("lead", True), ("reviewer", False), ("rater", False), ("viewer", False)])
def test_leads_may_make_another_project(project: Project, role: str, may: bool) -> None:
    client = as_(member(project, role))
    answer = client.post(reverse("projects:new"), {"name": "Second", "description": ""})
    assert answer.status_code == (302 if may else 404)
    assert Project.objects.filter(name="Second").exists() is may


def test_a_project_needs_a_name(alice: User, project: Project) -> None:
    words = as_(alice).post(reverse("projects:new"), {"name": "   "}).content.decode()
    assert "field-error" in words
    assert Project.objects.count() == 1


def test_settings_are_saved(alice: User, project: Project) -> None:
    url = reverse("projects:settings", args=[project.slug])
    as_(alice).post(url, {"name": "Support 2", "description": "Is it better?"})
    project.refresh_from_db()
    assert (project.name, project.description, project.slug) == ("Support 2", "Is it better?", "support")


# --- Overview: one next action ---------------------------------------------------------------------------
def test_the_next_action_walks_from_a_file_to_a_report(alice: User, project: Project) -> None:
    def following() -> str:
        return overview(project).next.title

    assert following() == "Import what is to be judged"
    item_factory(project)
    assert following() == "Make a rubric"
    rubric_factory(project)
    assert following() == "Plan a round"
    row = round_factory(project, items=2, opened=True)
    assert following() == f"“{row.name}” waits for its raters"
    row.seats.create(rater=project.raters.create(pseudonym="r-1"), n_judged=1)
    assert following() == f"Rating of “{row.name}” goes on"
    round_pause(round=row, actor=alice)
    assert following() == f"Resume “{row.name}”"
    Round.objects.filter(pk=row.pk).update(state="open")
    Slot.objects.filter(round=row).update(state=Slot.State.JUDGED)
    assert following() == f"Close “{row.name}”"
    row.refresh_from_db()
    round_close(round=row, actor=alice)
    assert following() == f"Build the report on “{row.name}”"
    Report.objects.create(
        round=row, number=1, built_at=timezone.now(), seed=1, body={}, digest="0" * 64, data_digest="0" * 64
    )
    assert following() == f"Read the report on “{row.name}”"
    assert [step.done for step in overview(project).steps] == [True] * 5


def test_a_draft_round_waits_to_be_opened(project: Project) -> None:
    row = round_factory(project, opened=False)
    assert overview(project).next.title == f"Open “{row.name}”"


def test_the_steps_tell_the_state_and_mark_one(project: Project) -> None:
    round_factory(project, items=3, systems=2, overlap=2)
    steps = overview(project).steps
    assert [step.done for step in steps] == [True, True, True, False, False]
    assert [step.current for step in steps] == [False, False, False, True, False]
    assert steps[0].text == "3 items, 2 systems, 6 outputs"
    assert steps[3].text == "0 of 12 judgments, 0 raters"


def test_the_rounds_table_counts_what_is_wanted(alice: User, project: Project) -> None:
    row = round_factory(project, items=3, systems=2, overlap=2)
    first, second = Slot.objects.filter(round=row)[:2]
    Slot.objects.filter(pk=first.pk).update(state=Slot.State.JUDGED)
    Slot.objects.filter(pk=second.pk).update(state=Slot.State.WITHDRAWN)
    assert "1 / 11" in page(alice, project)


def test_a_viewer_is_not_told_to_do_what_only_leads_may(project: Project) -> None:
    words = page(member(project, "viewer"), project)
    assert "Import what is to be judged" not in words
    assert reverse("annotation:round_new", args=[project.slug]) not in words
    assert reverse("projects:people", args=[project.slug]) not in words


def test_gaps_in_scores_need_a_look(alice: User, project: Project) -> None:
    Metric.objects.create(project=project, key="faithfulness")
    output_factory(item_factory(project), system_factory(project))
    words = page(alice, project)
    assert "is missing for 1 of 1 output." in words
    assert "has no direction yet" in words


def test_the_overview_costs_the_same_with_more_of_everything(alice: User, project: Project) -> None:
    client, url = as_(alice), reverse("analytics:overview", args=[project.slug])
    round_factory(project, items=2)
    few = queries(client, url)
    for _ in range(3):
        round_factory(project, items=6, systems=3)
        member(project, "rater")
    # Fewer are possible: names are looked up for the kinds of things that the last events touched.
    assert queries(client, url) <= few


# --- Recent ----------------------------------------------------------------------------------------
def test_recent_acts_are_told_in_words(alice: User, project: Project) -> None:
    row = round_factory(project)
    round_pause(round=row, actor=alice)
    newest = recent(project)[0]
    assert (newest.who, newest.what) == ("Alice", f"paused “{row.name}”")


def test_who_is_gone_is_a_former_member(project: Project) -> None:
    bob = user_factory("Bob")
    audit.record(project=project, actor=bob, verb="member.join", target=f"user:{bob.pk}")
    bob.delete()
    assert recent(project)[0].who == "A former member"


def test_an_act_without_words_is_still_shown(project: Project) -> None:
    audit.record(project=project, actor=None, verb="thing.do", target="thing:1")
    assert "thing.do" not in WORDS
    assert (recent(project)[0].who, recent(project)[0].what) == ("A command", "did “thing.do”")


def test_every_verb_of_the_code_has_words() -> None:
    root = Path(__file__).resolve().parent.parent.parent
    verbs = {
        verb
        for app in ("accounts", "projects", "rubrics", "annotation", "analytics")
        for path in (root / app).rglob("*.py")
        for verb in re.findall(r'verb="([a-z_.]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(verbs) > 10
    assert verbs <= set(WORDS), f"add words to analytics/recent.py for {sorted(verbs - set(WORDS))}"
