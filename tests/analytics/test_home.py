"""The start page by role, and the search: what they show, whom, and what they ask of the database."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from analytics.models import Report
from analytics.selectors_home import home
from analytics.selectors_search import LISTED, search
from annotation.claims import claim
from annotation.models import Assignment, Flag, Round, Slot
from annotation.services.rounds import round_close, round_open, round_pause
from annotation.services.seats import seat_for
from projects.models import ItemTag, Project
from tests.factories import item_factory, member, output_factory, project_factory, round_factory, system_factory

pytestmark = pytest.mark.django_db


def report_of(round: Round, headline: str = "B was preferred.") -> Report:
    body = {"answer": {"headline": headline}, "round": {"interim": True}}
    return Report.objects.create(
        round=round, number=1, built_at=timezone.now(), seed=1, body=body, digest="0" * 64, data_digest="0" * 64
    )


def said(user: User) -> list[str]:
    return [f"{each.link} {each.text}" for each in home(user).waits]


def found(user: User, words: str, within: Project | None = None) -> dict[str, list[str]]:
    return {kind.title: [hit.name for hit in kind.hits] for kind in search(user, words, within)}


def page(user: User, url: str) -> str:
    client = Client()
    client.force_login(user)
    return " ".join(re.sub(r"<[^>]+>", " ", client.get(url).content.decode()).split())


def queries(user: User, url: str) -> int:
    client = Client()
    client.force_login(user)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


# --- what waits ------------------------------------------------------------------------------------------
def test_what_waits_for_a_lead_follows_the_round() -> None:
    lead = member(project := project_factory(), "lead")
    row = round_factory(project, opened=False)
    assert said(lead) == [f"{row.name} is planned. Raters get tasks once it is open."]
    round_open(round=row, actor=lead)
    assert said(lead) == [f"{row.title} has tasks for you: you have judged 0 of at most 6."]
    round_pause(round=row, actor=lead)
    assert said(lead) == [f"{row.name} is paused with 0 of 12 judgments."]


def test_a_complete_round_waits_to_be_closed_and_a_closed_one_for_its_report() -> None:
    lead = member(project := project_factory(), "lead")
    row = round_factory(project)
    Slot.objects.filter(round=row).update(state=Slot.State.JUDGED)
    assert said(lead) == [f"{row.name} has all its 12 judgments. Closing makes its figures final."]
    assert [(line.judged, line.wanted) for line in home(lead).rounds] == [(12, 12)]
    round_close(round=row, actor=lead)
    assert said(lead) == [f"{row.name} is closed and has no report yet."]
    report_of(row)
    assert said(lead) == []
    assert "B was preferred." in page(lead, "/")


def test_flags_wait_for_reviewers_and_for_no_others() -> None:
    project = project_factory()
    row = round_factory(project)
    claim(seat_for(round=row, user=member(project, "rater")).pk)
    Flag.objects.create(assignment=Assignment.objects.get(seat__round=row), reason="broken")
    told = f"1 flagged task in “{row.name}”: a rater says that something is wrong with the task itself."
    assert told in said(member(project, "reviewer"))
    assert told in said(member(project, "lead"))
    assert said(member(project, "viewer")) == []


def test_a_viewer_sees_rounds_and_reports_and_is_told_to_do_nothing() -> None:
    row = round_factory(project := project_factory())
    report_of(row)
    seen = home(member(project, "viewer"))
    assert (seen.waits, len(seen.rounds), len(seen.reports)) == ([], 1, 1)


def test_nothing_of_another_project_is_on_the_start_page() -> None:
    row = round_factory(project_factory("Elsewhere"))
    report_of(row, "A secret finding.")
    seen = home(member(project_factory("Here"), "lead"))
    assert [p.name for p in seen.projects] == ["Here"]
    assert (seen.waits, seen.rounds, seen.reports) == ([], [], [])


def test_the_start_page_asks_the_same_of_the_database_however_much_there_is() -> None:
    lead = member(project := project_factory(), "lead")
    report_of(round_factory(project))
    few = queries(lead, "/")
    for _ in range(3):
        report_of(round_factory(other := project_factory(lead=lead)))
        round_factory(other, opened=False)
    assert queries(lead, "/") == few


# --- search ----------------------------------------------------------------------------------------------
def test_words_are_found_in_everything_that_is_seen() -> None:
    lead = member(project := project_factory("Support zebra"), "lead", "Zebra Lead")
    row = round_factory(project)
    Round.objects.filter(pk=row.pk).update(name="The zebra round")
    report_of(row, "Zebra was preferred.")
    system_factory(project, "zebra-large")
    item_factory(project, "zebra-1", "What is it?")
    output_factory(item_factory(project, "q-words", "How many stripes has a ZEBRA?"), system_factory(project))
    output_factory(item_factory(project, "q-answer"), system_factory(project), "A zebra is striped.")
    assert found(lead, "zebra") == {
        "Projects": ["Support zebra"],
        "Rounds": ["The zebra round"],
        "Reports": ["The zebra round, report 1"],
        "Systems": ["zebra-large"],
        "Items": ["zebra-1", "q-words", "q-answer"],
        "People": ["Zebra Lead"],
    }
    assert found(lead, row.rubric_version.rubric.name) == {"Rubrics": [row.rubric_version.rubric.name]}
    assert "Rubrics" in found(lead, row.rubric_version.criteria.get().question[:12])


@pytest.mark.parametrize(("role", "people"), [("lead", True), ("reviewer", False), ("viewer", False)])
def test_people_are_named_to_those_who_manage_them(role: str, people: bool) -> None:
    project = project_factory()
    member(project, "rater", "Zebedee")
    assert ("People" in found(member(project, role), "zebedee")) is people


def test_nothing_of_another_project_is_found() -> None:
    other = project_factory("Zebra")
    report_of(round_factory(other), "A zebra.")
    output_factory(item_factory(other, "zebra"), system_factory(other, "zebra"), "A zebra.")
    member(other, "rater", "zebra")
    lead = member(project_factory(), "lead")
    assert found(lead, "zebra") == {}
    assert found(member(other, "rater"), "zebra") == {}


def test_the_search_stays_in_the_project_that_is_named() -> None:
    lead = member(one := project_factory("Zebra one"), "lead")
    project_factory("Zebra two", lead=lead)
    assert found(lead, "zebra", one) == {"Projects": ["Zebra one"]}
    client = Client()
    client.force_login(lead)
    assert client.get("/search/", {"q": "zebra", "project": "zebra-two"}).status_code == 200
    assert client.get("/search/", {"q": "zebra", "project": "no-such"}).status_code == 404


def test_a_list_that_is_cut_leads_to_the_whole() -> None:
    lead = member(project := project_factory("Support"), "lead")
    for n in range(LISTED + 1):
        item_factory(project, f"zebra-{n}")
    items = next(kind for kind in search(lead, "zebra") if kind.title == "Items")
    assert (len(items.hits), items.more) == (LISTED, True)
    assert items.places == (("Support", f"{reverse('projects:items', args=['support'])}?q=zebra"),)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("z", "Type at least two characters."),
        ("z" * 201, "Type at most 200 characters."),
        ("%%", "Nothing that you may see has “%%”."),
        ("<b>'\"", "Nothing that you may see has “&lt;b&gt;&#x27;&quot;”."),
    ],
)
def test_words_that_find_nothing_are_answered_in_words(asked: str, told: str) -> None:
    lead = member(project := project_factory(), "lead")
    ItemTag.objects.create(item=item_factory(project), tag="a")
    client = Client()
    client.force_login(lead)
    answer = client.get("/search/", {"q": asked})
    assert answer.status_code == 200
    assert told in answer.content.decode()


def test_the_search_asks_the_same_of_the_database_however_much_it_finds() -> None:
    lead = member(project := project_factory("Zebra"), "lead")
    item_factory(project, "zebra")
    report_of(round_factory(project), "zebra")
    few = queries(lead, "/search/?q=zebra")
    for _ in range(3):
        other = project_factory("Zebra", lead=lead)
        item_factory(other, "zebra")
        report_of(round_factory(other), "zebra")
    assert queries(lead, "/search/?q=zebra") == few
