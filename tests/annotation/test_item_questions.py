"""The list of items asked about their judging."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from annotation import claims
from annotation.models import Judgment, Seat
from annotation.services import judging
from annotation.services.seats import seat_for
from projects.models import Item, Project
from tests.annotation.round_pages import alice, lead, project
from tests.factories import member, round_factory

__all__ = ["alice", "lead", "project"]  # fixtures

pytestmark = pytest.mark.django_db


def found(client: Client, project: Project, work: str) -> set[str]:
    answer = client.get(reverse("projects:items", args=[project.slug]), {"work": work})
    return {item.external_id for item, _ in answer.context["listed"]}


def judge_next(seat: Seat, **answers: str) -> Item:
    """Answers say which output is better, as its place in the task; the side follows what is shown."""
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    assignment = seat.assignments.get(public_id=shown.public_id)
    sent = {"c-overall": answers[assignment.shown_order]}
    judging.judgment_submit(seat=seat, round=seat.round, data=sent, public_id=shown.public_id, key=shown.public_id)
    item: Item = assignment.task.item
    return item


def test_items_are_found_by_how_their_judging_stands(lead: Client, project: Project) -> None:
    row = round_factory(project, mode="compare", items=3, systems=2, overlap=2, strategy="in_order")
    one, two = (seat_for(round=row, user=member(project, "rater")) for _ in range(2))
    first_better, second_better = {"01": "-2", "10": "2"}, {"01": "2", "10": "-2"}
    same = judge_next(one, **first_better)
    assert judge_next(two, **first_better) == same
    apart = judge_next(one, **first_better)
    assert judge_next(two, **second_better) == apart
    flagged = claims.claim(one.pk).presentation
    assert flagged is not None
    judging.flag_raise(seat=one, public_id=flagged.public_id, reason="broken", note="")
    last = Item.objects.exclude(pk__in=[same.pk, apart.pk]).get()
    orders = set(Judgment.objects.values_list("assignment__shown_order", flat=True))
    assert orders == {"01", "10"}, "both orders are shown, or the sides are not tried"
    assert found(lead, project, "judged") == {same.external_id, apart.external_id}
    assert found(lead, project, "none") == {last.external_id}
    assert found(lead, project, "apart") == {apart.external_id}
    assert found(lead, project, "flagged") == {last.external_id}
    assert found(lead, project, "unheard-of") == set()


def test_answers_about_the_same_output_are_compared_whichever_side_it_was_on(lead: Client, project: Project) -> None:
    row = round_factory(project, items=2, systems=1, overlap=2, strategy="in_order")
    one, two = (seat_for(round=row, user=member(project, "rater")) for _ in range(2))
    for seat, answers in ((one, ("2", "1")), (two, ("2", "2"))):
        for answer in answers:
            shown = claims.claim(seat.pk).presentation
            assert shown is not None
            judging.judgment_submit(
                seat=seat, round=row, data={"c-correct": answer}, public_id=shown.public_id, key=shown.public_id
            )
    assert len(found(lead, project, "judged")) == 2
    assert len(found(lead, project, "apart")) == 1
