"""What tests of the lead's pages of a round share. Alice leads the project."""

from __future__ import annotations

import secrets
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from annotation import claims
from annotation.claims import Outcome
from annotation.models import Round, Seat
from annotation.services import judging
from projects.models import Project, System
from tests.factories import (
    CORRECT,
    OVERALL,
    item_factory,
    output_factory,
    project_factory,
    rubric_factory,
    system_factory,
    user_factory,
)


@pytest.fixture
def alice(db: None) -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Desk", lead=alice)


@pytest.fixture
def lead(alice: User) -> Client:
    return as_(alice)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(round: Round, name: str = "round", *more: Any) -> str:
    return reverse(f"annotation:{name}", args=[round.project.slug, round.slug, *more])


def text(answer: Any) -> str:
    return " ".join(unescape(answer.content.decode()).split())


def main(answer: Any) -> str:
    return text(answer).split("<main", 1)[1]


def stocked(project: Project, items: int = 3) -> list[System]:
    systems = [system_factory(project, name) for name in ("Parrot", "Heron")]
    for _ in range(items):
        item = item_factory(project)
        for system in systems:
            output_factory(item, system)
    return systems


def fields(project: Project, **changes: Any) -> dict[str, Any]:
    """A filled-in form for a new round."""
    systems = list(project.systems.all()) or stocked(project)
    given = {
        "name": "Final round",
        "title": "",
        "mode": "score",
        "systems": [s.pk for s in systems],
        "tag": "",
        "size": "",
        "overlap": "2",
        "strategy": "balanced",
        "guideline": "",
        "lease_minutes": "30",
        "cap_per_rater": "",
        "planned_seconds": "45",
        **changes,
    }
    if "rubric_version" not in given:
        given["rubric_version"] = rubric_factory(project, (OVERALL,) if given["mode"] == "compare" else (CORRECT,)).pk
    return given


def plan(client: Client, project: Project, **changes: Any) -> Any:
    return client.post(reverse("annotation:round_new", args=[project.slug]), fields(project, **changes))


def judge(seat: Seat, n: int, **answers: str) -> Outcome:
    outcome = claims.claim(seat.pk)
    for _ in range(n):
        assert outcome.presentation is not None
        outcome = judging.judgment_submit(
            seat=seat,
            round=seat.round,
            data={name.replace("_", "-", 1): value for name, value in answers.items()},
            public_id=outcome.presentation.public_id,
            key=secrets.token_hex(8),
        )
    return outcome
