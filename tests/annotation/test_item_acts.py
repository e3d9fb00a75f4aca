"""Acts on many items from the list: out of new rounds and back, into a round, first in a round."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation import claims
from annotation.models import Assignment, Round, Slot
from annotation.sampling import Sample
from annotation.services import item_acts, rounds
from annotation.services.round_plans import round_plan
from annotation.services.seats import seat_for
from projects.errors import ServiceError
from projects.models import AuditEvent, Item, ItemExclusion, ItemTag, Project
from tests.factories import item_factory, member, output_factory, project_factory, round_factory

pytestmark = pytest.mark.django_db


def named(round: Round, *names: str) -> Any:
    return Item.objects.filter(project=round.project, external_id__in=names)


def add_item(round: Round, name: str) -> Item:
    item = item_factory(round.project, name)
    for chosen in round.round_systems.all():
        output_factory(item, chosen.system)
    return item


def exclude(items: Any, project: Project, agreed: int = 1) -> int:
    return item_acts.items_exclude(project=project, items=items, reason=" Broken. ", agreed=agreed, actor=None)


# --- Out of new rounds, and back ------------------------------------------------------------------------------
def test_an_item_left_out_is_in_no_new_round_and_stays_in_those_that_opened() -> None:
    opened = round_factory(items=3, systems=1, overlap=2)
    draft = round_factory(opened.project, items=1, systems=1, opened=False)
    item = add_item(draft, "broken")
    items = Item.objects.filter(pk=item.pk)
    add_item(opened, "late")
    assert round_plan(draft).items == 2
    plan = item_acts.leaving(opened.project, opened.project.items.all())
    assert (plan.chosen, plan.out, plan.drafts) == (6, 0, 1)
    assert [(each.round, each.items, each.places) for each in plan.going] == [(opened, 3, 6)]
    assert exclude(items, opened.project) == 1
    assert round_plan(draft).items == 1
    assert item_acts.leaving(opened.project, items).changed == 0
    with pytest.raises(ServiceError, match="None of the items"):
        exclude(items, opened.project)
    taken = rounds.round_open(round=draft, actor=None)
    assert item_acts.items_include(project=opened.project, items=items, actor=None) == 1
    assert taken.round_items.count() == 1, "a round that is open stays as it is"
    assert rounds.round_extend(round=taken, add_items=True, actor=None) == 2, "until it is extended"
    standing = ItemExclusion.objects.get()
    assert (standing.reason, standing.lifted_at is None) == ("Broken.", False)
    assert AuditEvent.objects.filter(verb__in=["items.exclude", "items.include"]).count() == 2


def test_what_is_excluded_after_a_round_opened_does_not_come_into_it() -> None:
    row = round_factory(items=1, systems=1, overlap=1)
    add_item(row, "new")
    exclude(named(row, "new"), row.project)
    assert rounds.round_extend(round=row, add_items=True, actor=None) == 0
    assert item_acts.addition(row, named(row, "new")).unfit == 1


# --- Into a round ---------------------------------------------------------------------------------------------
def test_items_are_added_to_an_open_round_as_its_plan_said() -> None:
    row = round_factory(items=2, systems=2, overlap=3)
    add_item(row, "a")
    add_item(row, "b")
    item_factory(row.project, "silent")
    everything = row.project.items.all()
    plan = item_acts.addition(row, everything)
    assert (plan.chosen, plan.inside, plan.added, plan.unfit) == (5, 2, 2, 1)
    assert (plan.tasks, plan.judgments, plan.hours) == (4, 12, 12 * 45 / 3600)
    before = row.slots.count()
    with pytest.raises(ServiceError, match="would be 2 now instead of 3"):
        item_acts.items_add(round=row, items=everything, agreed=3, actor=None)
    assert row.slots.count() == before
    item_acts.items_add(round=row, items=named(row, "b", "silent"), agreed=1, actor=None)
    assert row.slots.count() - before == 6
    assert not row.round_items.filter(item__external_id="a").exists()


def test_a_draft_takes_items_by_its_tag_and_a_sample_takes_none() -> None:
    tagged = round_factory(items=2, systems=1, opened=False, sample=Sample(tag="hard"))
    first, _ = tagged.project.items.order_by("pk")
    ItemTag.objects.create(item=first, tag="hard")
    plan = item_acts.items_add(round=tagged, items=tagged.project.items.all(), agreed=1, actor=None)
    assert (plan.tag, plan.inside, plan.tasks) == ("hard", 1, 1)
    assert round_plan(tagged).items == 2
    every = round_factory(tagged.project, items=1, opened=False)
    assert "by themselves" in item_acts.addition(every, tagged.project.items.all()).why_not
    drawn = round_factory(tagged.project, items=2, opened=False, sample=Sample(design="random", size=1))
    assert "judges a sample" in item_acts.addition(drawn, tagged.project.items.all()).why_not
    closed = rounds.round_close(round=round_factory(tagged.project, items=1), actor=None)
    assert "closed" in item_acts.addition(closed, tagged.project.items.all()).why_not


# --- First in a round -----------------------------------------------------------------------------------------
def next_item(round: Round, rater: Any) -> str:
    claims.claim(seat_for(round=round, user=rater).pk)
    return Assignment.objects.get(seat__rater__user=rater, state=Assignment.State.LIVE).task.item.external_id


@pytest.mark.parametrize("strategy", ["in_order", "balanced", "finish_started", "stratified"])
def test_what_is_put_first_is_next_for_who_comes_and_for_who_was_beyond(strategy: str) -> None:
    row = round_factory(items=1, systems=1, overlap=2, strategy=strategy, opened=False)
    for name in ("b", "c", "d"):
        add_item(row, name)
    rounds.round_open(round=row, actor=None)
    here, new = member(row.project, "rater"), member(row.project, "rater")
    held = next_item(row, here)
    last, other = row.slots.order_by("-pos").values_list("task__item__external_id", flat=True)[:4:2]
    assert held not in (last, other)
    plan = item_acts.items_first(round=row, items=named(row, last), agreed=1, actor=None)
    assert (plan.tasks, plan.places) == (1, 2)
    assert next_item(row, new) == last
    assert set(row.slots.filter(task__item__external_id=last).values_list("pos", flat=True)).__len__() == 1
    seat = seat_for(round=row, user=here)
    Slot.objects.filter(holder__in=seat.assignments.values("pk")).update(state=2)
    seat.assignments.update(state=1, closed_at=row.opened_at)
    assert next_item(row, here) == last


def test_where_nothing_can_go_first_it_says_why() -> None:
    random = round_factory(items=2, strategy="random")
    items = random.project.items.all()
    with pytest.raises(ServiceError, match="drawn by chance"):
        item_acts.items_first(round=random, items=items, agreed=4, actor=None)
    uncertain = round_factory(random.project, items=2, strategy="uncertain")
    assert "most uncertain first" in item_acts.priority(uncertain, items).why_not
    draft = round_factory(random.project, items=1, opened=False)
    assert "open or paused" in item_acts.priority(draft, items).why_not


# --- The page -------------------------------------------------------------------------------------------------
def test_each_act_is_asked_about_with_its_number_and_done_as_asked() -> None:
    project = project_factory()
    client = Client()
    client.force_login(member(project, "lead"))
    row = round_factory(project, items=3, systems=1, overlap=2, strategy="in_order")
    add_item(row, "new")
    url = reverse("annotation:items_act", args=[project.slug])

    def send(act: str, **fields: Any) -> Any:
        return client.post(url, {"act": act, "all": "on", **fields}, follow=True)

    def words(answer: Any) -> str:
        return " ".join(answer.content.decode().split())

    assert "Choose at least one item." in words(client.post(url, {"act": "add", "items": "x"}, follow=True))
    assert row.name in words(send("add"))
    assert "Add 1 item to" in words(send("add", round=row.slug))
    assert "1 item was added" in words(send("add", round=row.slug, sure="on", agreed="1"))
    assert "Put 4 tasks first in" in words(send("first", round=row.slug))
    assert "4 tasks go first" in words(send("first", round=row.slug, sure="on", agreed="4"))
    page = words(send("exclude", q="new"))
    assert "Leave 1 item out of new rounds?" in page
    assert "1 item, 2 judgments still wanted" in page
    refused = send("exclude", q="new", sure="on", agreed="1")
    assert (refused.status_code, "Say why" in words(refused)) == (422, True)
    page = words(send("exclude", q="new", sure="on", agreed="1", reason="Broken."))
    assert "1 item is left out" in page
    listed = client.get(reverse("projects:items", args=[project.slug]), {"work": "out"})
    assert [item.external_id for item, _ in listed.context["listed"]] == ["new"]
    assert "Left out" in words(client.get(reverse("projects:item", args=[project.slug, named(row, "new").get().pk])))
    assert "Bring 1 item back?" in words(send("include"))
    assert "1 item is back." in words(send("include", sure="on"))
