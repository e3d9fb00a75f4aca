"""A round that runs: extending it, flags and comments, and who may see and do what."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from annotation import claims
from annotation.models import Assignment, Comment, Flag, Round, Seat
from annotation.sampling import Sample
from annotation.services import judging, rounds
from annotation.services.seats import seat_for
from annotation.views.rounds import ACTS
from projects.models import ItemTag, Project, Rater
from tests.annotation.round_pages import alice, as_, judge, lead, main, plan, project, stocked, text, url
from tests.factories import (
    item_factory,
    member,
    output_factory,
    project_factory,
    round_factory,
    rubric_factory,
    user_factory,
)

__all__ = ["alice", "lead", "project"]  # fixtures

pytestmark = pytest.mark.django_db


# --- Extending ----------------------------------------------------------------------------------------------
def test_the_overlap_is_raised(lead: Client, project: Project) -> None:
    row = round_factory(project, items=2, systems=1, overlap=2)
    answer = lead.post(url(row, "round_extend"), {"what": "overlap", "overlap": "3"}, follow=True)
    assert "2 judgments were added" in text(answer)
    row.refresh_from_db()
    assert row.overlap == 3
    for wrong, words in (("2", "but not fall"), ("0", "greater than or equal to 1"), ("many", "whole number")):
        answer = lead.post(url(row, "round_extend"), {"what": "overlap", "overlap": wrong})
        assert answer.status_code == 422
        assert words in text(answer)
    assert "Nothing was added" in text(lead.post(url(row, "round_extend"), {"overlap": "3"}, follow=True))


def test_items_that_came_since_are_offered_and_added(lead: Client, project: Project) -> None:
    row = round_factory(project, items=2, systems=1, overlap=2)
    assert "come since" not in text(lead.get(url(row)))
    assert "Nothing was added" not in text(lead.get(url(row)))
    output_factory(item_factory(project), project.systems.get())
    assert "1 item has come since the round opened" in text(lead.get(url(row)))
    assert "2 judgments were added" in text(lead.post(url(row, "round_extend"), {"what": "items"}, follow=True))
    assert "No items have come since" in text(lead.post(url(row, "round_extend"), {"what": "items"}, follow=True))


@pytest.mark.parametrize("sample", [Sample(size=1), Sample(tag="billing")])
def test_what_a_sample_left_out_is_not_called_new(lead: Client, project: Project, sample: Sample) -> None:
    systems = stocked(project)
    ItemTag.objects.create(item=project.items.all()[0], tag="billing")
    row = rounds.round_create(
        project=project, name="R", mode="score", rubric_version=rubric_factory(project), systems=systems, overlap=1,
        sample=sample, actor=None,
    )  # fmt: skip
    rounds.round_open(round=row, actor=None)
    lead.post(url(row, "round_extend"), {"what": "items"})
    row.refresh_from_db()
    assert row.round_items.count() == 1


def test_a_closed_round_is_not_extended(lead: Client, project: Project) -> None:
    row = round_factory(project)
    rounds.round_close(round=row, actor=None)
    assert 'id="extend"' not in text(lead.get(url(row)))
    assert "Only an open or paused round" in text(lead.post(url(row, "round_extend"), {"overlap": "9"}, follow=True))


# --- Flags and comments -------------------------------------------------------------------------------------
def test_flags_and_comments_are_listed_and_flags_resolved(lead: Client, project: Project, alice: User) -> None:
    row = round_factory(project)
    seat = seat_for(round=row, user=member(project, "rater", "Mara"))
    public_id = claims.claim(seat.pk).presentation.public_id  # type: ignore[union-attr]
    flag = judging.flag_raise(seat=seat, public_id=public_id, reason="reveals", note="It says <b>Parrot</b>.")
    judging.comment_add(seat=seat, public_id=public_id, text="On its own.")
    judge(seat, 1, c_correct="2", comment="With the judgment.")
    page = text(lead.get(url(row)))
    raw = lead.get(url(row)).content.decode()
    assert "It shows which system answered" in page
    assert "<b>Parrot</b>" not in raw
    assert "On its own." in page
    assert "With the judgment." in page
    assert lead.post(url(row, "flag_resolve", flag.pk)).url == url(row)
    flag.refresh_from_db()
    assert flag.resolved_by == alice
    assert "It shows which system answered" not in text(lead.get(url(row)))


def test_a_flag_of_another_round_is_not_there(lead: Client, project: Project) -> None:
    other = round_factory()
    seat = seat_for(round=other, user=member(other.project, "rater"))
    public_id = claims.claim(seat.pk).presentation.public_id  # type: ignore[union-attr]
    flag = judging.flag_raise(seat=seat, public_id=public_id, reason="broken", note="")
    mine = round_factory(project)
    assert lead.post(url(mine, "flag_resolve", flag.pk)).status_code == 404
    assert lead.post(url(other, "flag_resolve", flag.pk)).status_code == 404
    assert Flag.objects.get().resolved_at is None


# --- Who may ------------------------------------------------------------------------------------------------
def addresses(row: Round) -> list[str]:
    names = ["round", *(f"round_{act}" for act in ACTS)]
    return [
        *(url(row, name) for name in names),
        reverse("annotation:rounds", args=[row.project.slug]),
        reverse("annotation:round_new", args=[row.project.slug]),
    ]


def test_raters_and_strangers_find_nothing(project: Project) -> None:
    row = round_factory(project)
    stranger = user_factory("Charlie")
    project_factory(lead=stranger)
    for user in (member(project, "rater"), stranger):
        client = as_(user)
        assert {client.get(address).status_code for address in addresses(row)} == {404}
        assert client.post(url(row, "round_extend"), {"overlap": "9"}).status_code == 404
        assert client.post(url(row, "round_close")).status_code == 404
        assert client.post(url(row, "flag_resolve", 1)).status_code == 404
    assert {Client().get(address).status_code for address in addresses(row)} == {302}
    row.refresh_from_db()
    assert (row.state, row.overlap) == ("open", 2)


@pytest.mark.parametrize("role", ["reviewer", "viewer"])
def test_who_may_read_reads_and_runs_nothing(project: Project, role: str) -> None:
    row = round_factory(project)
    seat = seat_for(round=row, user=member(project, "rater", "Mara"))
    public_id = claims.claim(seat.pk).presentation.public_id  # type: ignore[union-attr]
    flag = judging.flag_raise(seat=seat, public_id=public_id, reason="broken", note="")
    client = as_(member(project, role))
    page = main(client.get(url(row)))
    assert client.get(reverse("annotation:rounds", args=[project.slug])).status_code == 200
    assert client.get(reverse("annotation:round_new", args=[project.slug])).status_code == 404
    for act in ACTS:
        assert url(row, f"round_{act}") not in page
        assert client.get(url(row, f"round_{act}")).status_code == 404
        assert client.post(url(row, f"round_{act}")).status_code == 404
    assert client.post(url(row, "round_extend"), {"overlap": "9"}).status_code == 404
    # Reviewers work with the raters: they see names and settle flags. Viewers see pseudonyms.
    may_review = role == "reviewer"
    assert ("Mara" in page) == may_review
    assert Rater.objects.get().pseudonym in page
    assert ("Resolve" in page) == may_review
    assert client.post(url(row, "flag_resolve", flag.pk)).status_code == (302 if may_review else 404)


# --- Raters' tasks, messages, another round like it -----------------------------------------------------------
def test_a_task_that_is_stuck_is_freed_and_goes_to_the_next_who_asks(lead: Client, project: Project) -> None:
    row = round_factory(project, items=1, systems=1, overlap=1)
    away, here = (seat_for(round=row, user=member(project, "rater")) for _ in range(2))
    held = claims.claim(away.pk).presentation
    assert held is not None
    judging.draft_save(seat=away, public_id=held.public_id, data={"c-correct": "2"}, version=0)
    assert claims.claim(here.pk).status == "nothing_now"
    assert "holds a task since" in text(lead.get(url(row)))
    free = url(row, "task_free", away.pk)
    assert "The task is free" in text(lead.post(free, follow=True))
    assert "holds a task since" not in text(lead.get(url(row)))
    assert "holds no task that others wait for" in text(lead.post(free, follow=True))
    assert claims.claim(here.pk).status == "task"
    assert Assignment.objects.get(public_id=held.public_id).draft == {"c-correct": "2"}


def test_a_lead_writes_back_and_the_rater_reads_it_without_learning_the_system(lead: Client, project: Project) -> None:
    row = round_factory(project, items=1, systems=1, overlap=1)
    rater = member(project, "rater")
    public_id = claims.claim(seat_for(round=row, user=rater).pk).presentation.public_id  # type: ignore[union-attr]
    judging.comment_add(seat=Seat.objects.get(), public_id=public_id, text="Is a dash a tie?")
    assignment = Assignment.objects.get(public_id=public_id)
    address = url(row, "message", assignment.pk)
    assert address in text(lead.get(url(row)))
    system = project.systems.get().name
    for words, said in (
        (f"It is by {system.upper().replace('-', ' ')}.", "may tell the rater which system answered"),
        ("It sounds like GPT-4.", "“GPT-4” may tell"),
        ("  ", "Write something first."),
        ("a" * 5001, "at most 5,000 characters"),
    ):
        assert said in text(lead.post(address, {"text": words}, follow=True))
    assert Comment.objects.count() == 1
    lead.post(address, {"text": "Yes, <b>call</b> it a tie."})
    assert "Yes, <b>call</b> it a tie." in text(as_(rater).get(reverse("annotation:home")))  # escaped, then read
    assert b"<b>call" not in as_(rater).get(reverse("annotation:home")).content
    assert "call" not in text(as_(member(project, "rater")).get(reverse("annotation:home")))
    assert "written to" in text(lead.get(url(row)))


def test_a_round_is_planned_like_another(lead: Client, project: Project) -> None:
    changes = {
        "ask_confidence": "on", "warn": "", "break_minutes": "50", "raters_see_own_figures": "on", "overlap": "3",
        "gold_rate": "10", "gold_pause_below": "60", "design": "random", "size": "2", "lease_minutes": "7",
        "title": "Answers", "groups": "expert 1", "qualification": "medicine", "match_language": "on",
        "tag_rules": "a = b",
    }  # fmt: skip
    plan(lead, project, **changes)
    first = Round.objects.get()
    form = lead.get(reverse("annotation:round_new", args=[project.slug]), {"like": first.slug}).context["form"]
    filled = {name: form.initial.get(name) for name in form.fields}
    data = {name: getattr(value, "pk", value) for name, value in filled.items() if value not in (None, False)}
    answer = lead.post(reverse("annotation:round_new", args=[project.slug]), data)
    assert answer.status_code == 302, answer.context["form"].errors
    second = Round.objects.exclude(pk=first.pk).get()
    assert second.name == "Final round, again"
    assert first.options["rating"] == {"ask_confidence": True, "warn": False, "break_minutes": 50}
    assert first.raters_see_own_figures
    different = {"id", "slug", "public_id", "name", "seed", "created_at"}
    for field in Round._meta.concrete_fields:
        if field.name not in different:
            assert getattr(first, field.name) == getattr(second, field.name), field.name
    assert [r.system_id for r in first.round_systems.all()] == [r.system_id for r in second.round_systems.all()]
