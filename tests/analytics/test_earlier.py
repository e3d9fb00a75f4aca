"""A round that rates again what an earlier one rated: a difference stands only where it is one of the answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.urls import reverse

from analytics import reports
from analytics.services import report_build
from annotation.comparability import require_comparable, rounds_comparable
from annotation.models import Round
from projects.errors import ServiceError
from rubrics.changes import Meaning
from rubrics.specs import LevelSpec
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_reports import SCHEMA
from tests.factories import member, project_factory

pytestmark = pytest.mark.django_db


def rows(**values: int) -> list[dict[str, Any]]:
    return [
        {"item": f"i{n}", "system": "s", "rater": rater, "criterion": key, "value": value + n % 2}
        for key, value in values.items()
        for n in range(6)
        for rater in ("a", "b")
    ]


@pytest.fixture
def rounds() -> tuple[Round, Round]:
    project = project_factory("Desk")
    old = [scale("clear", "ordinal"), scale("true", "ordinal"), scale("gone", "ordinal")]
    first = filled_round(old, rows(clear=2, true=2, gone=2), project=project)
    shorter = replace(old[1], levels=tuple(LevelSpec(str(n), f"Level {n}", float(n)) for n in range(1, 5)))
    new = [replace(old[0], guidance="Look twice."), shorter, scale("fresh", "ordinal")]
    second = filled_round(
        new, rows(clear=4, true=3, fresh=2), project=project, slug="again", predecessor=first, only_criteria=[]
    )
    return first, second


def test_each_criterion_says_whether_it_may_be_compared_and_why(rounds: tuple[Round, Round]) -> None:
    found = rounds_comparable(*rounds)
    assert {key: v.meaning for key, v in found.items()} == {
        "clear": Meaning.WITH_CARE, "true": Meaning.NOT_COMPARABLE, "fresh": Meaning.NOT_COMPARABLE,
        "gone": Meaning.NOT_COMPARABLE,
    }  # fmt: skip
    assert require_comparable(found["clear"]).reasons
    with pytest.raises(ServiceError, match="“true” is not comparable: The answers that can be given differ"):
        require_comparable(found["true"])


def test_what_was_shown_and_asked_beside_it_counts_as_well(rounds: tuple[Round, Round]) -> None:
    first, second = rounds
    second.rubric_version = first.rubric_version
    assert {v.meaning for v in rounds_comparable(first, second).values()} == {Meaning.COMPARABLE}
    second.only_criteria = ["clear"]
    found = rounds_comparable(first, second)
    assert (found["clear"].meaning, found["gone"].meaning) == (Meaning.WITH_CARE, Meaning.NOT_COMPARABLE)
    second.mode = "compare"
    assert rounds_comparable(first, second)["clear"].meaning == Meaning.NOT_COMPARABLE


def test_the_report_prints_a_difference_only_where_it_is_one(client: Client, rounds: tuple[Round, Round]) -> None:
    first, second = rounds
    body = reports.build(second).body
    jsonschema.validate(body, SCHEMA)
    assert "earlier" not in reports.build(first).body
    found = body["earlier"]["criteria"]
    assert found["clear"]["systems"]["s"]["superiority"]["value"] == pytest.approx(1)
    assert found["clear"]["systems"]["s"]["superiority"]["n_clusters"] == 6
    assert (found["true"]["systems"], found["fresh"]["systems"]) == ({}, {})
    client.force_login(member(second.project, "lead"))
    page = client.get(reverse("analytics:report", args=[second.project.slug, report_build(round=second).pk]))
    text = page.content.decode()
    assert "Against the round before" in text
    assert "No difference is shown" in text
