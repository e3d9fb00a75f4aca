"""Tallies kept by position before they were kept by system are counted again."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection

from annotation import claims
from annotation.models import SideTally
from annotation.services.seats import seat_for
from tests.annotation.test_blindness_numbers import judge
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def test_tallies_are_those_of_the_systems_after_it() -> None:
    round = round_factory(mode="compare", items=5, systems=3, overlap=1, turned=2)
    seat = seat_for(round=round, user=member(round.project, "rater"))
    judge(seat, 6)
    task = claims.claim(seat.pk).presentation
    assert task is not None
    right = dict(SideTally.objects.values_list("pair", "d"))
    assert any(right.values())
    for tally in SideTally.objects.all():
        SideTally.objects.filter(pk=tally.pk).update(d=-tally.d or 1)
    migration = import_module("annotation.migrations.0009_tallies_of_systems")
    migration.count_again(None, SimpleNamespace(connection=connection))
    assert dict(SideTally.objects.values_list("pair", "d")) == right
    claims.skip(seat.pk, task.public_id, "unsure")
