"""Where a rater's request lands: one statement, and the same instances as Django's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.http import Http404
from django.test import Client
from django.urls import reverse

from annotation import claims
from annotation.models import Assignment, Round, Seat
from annotation.places import place_of
from annotation.services.rounds import round_open
from annotation.services.seats import seat_for
from rubrics.models import Guideline
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def values(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_the_instances_are_those_django_would_have_made(django_assert_num_queries: Any) -> None:
    round = round_factory(opened=False)
    guideline = Guideline.objects.create(project=round.project, number=1, text="Read.", digest="d")
    Round.objects.filter(pk=round.pk).update(guideline=guideline, options={"alt_test": {"epsilon": 0.2}})
    round_open(round=Round.objects.get(), actor=None)
    rater = member(round.project, "rater")
    seat = seat_for(round=round, user=rater)
    Seat.objects.filter(pk=seat.pk).update(eligibility={"languages": ["fr"]}, cap=7)
    outcome = claims.claim(seat.pk)
    assert outcome.presentation is not None
    with django_assert_num_queries(1):
        place = place_of(rater, round.public_id, outcome.presentation.public_id)
        found = [place.round, place.seat, place.assignment]
        found += [place.round.project, place.round.rubric_version, place.round.rubric_version.rubric]
        found += [place.round.guideline, place.seat.round]
    wanted = [Round.objects.get(), Seat.objects.get(), Assignment.objects.get()]
    wanted += [wanted[0].project, wanted[0].rubric_version, wanted[0].rubric_version.rubric]
    wanted += [guideline, wanted[0]]
    guideline.refresh_from_db()
    for ours, djangos in zip(found, wanted, strict=True):
        assert ours == djangos
        assert ours is not None
        assert values(ours) == values(djangos)


def test_the_first_visit_makes_the_seat_and_a_draft_round_has_no_place() -> None:
    round = round_factory()
    rater = member(round.project, "rater")
    place = place_of(rater, round.public_id)
    assert (place.seat.rater.user, place.assignment) == (rater, None)
    assert place_of(rater, round.public_id).seat == place.seat
    Round.objects.filter(pk=round.pk).update(state="draft")
    with pytest.raises(Http404):
        place_of(rater, round.public_id)


def test_another_raters_task_is_not_found_from_ones_own_place() -> None:
    round = round_factory()
    ann, ben = member(round.project, "rater"), member(round.project, "rater")
    task = claims.claim(seat_for(round=round, user=ann).pk).presentation
    assert task is not None
    assert place_of(ann, round.public_id, task.public_id).assignment is not None
    assert place_of(ben, round.public_id, task.public_id).assignment is None


def test_an_answer_stays_with_its_task(client: Client) -> None:
    """Questions without an answer are drawn once for all: an answer must not get among them."""
    round = round_factory(items=3)
    ann, ben = member(round.project, "rater"), member(round.project, "rater")
    address = reverse("annotation:rate", args=[round.public_id])
    client.force_login(ann)
    assert " checked" not in client.get(address).content.decode()
    Assignment.objects.update(draft={"c-correct": "2"})
    assert client.get(address).content.decode().count(" checked") == 1
    client.force_login(ben)
    assert " checked" not in client.get(address).content.decode()
