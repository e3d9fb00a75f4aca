"""A NUL in an address or a form is a bad request on both databases: PostgreSQL cannot even look one up."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def test_a_nul_is_refused_wherever_it_stands(client: Client) -> None:
    round = round_factory()
    client.force_login(member(round.project, "rater"))
    place = reverse("annotation:rate", args=[round.public_id])
    assert client.get(place).status_code == 200
    assert client.get(f"{place}?said=a%00b").status_code == 400
    assert client.get("/rate/%00/").status_code == 400
    submit = reverse("annotation:submit", args=[round.public_id])
    assert client.post(submit, {"task": "\0", "key": "k" * 12}).status_code == 400
    assert client.post(submit, {"task": "none", "key": "k" * 12}).status_code == 409
