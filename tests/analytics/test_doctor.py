"""The rubric doctor's page and its suggestions; its statistics have tests of their own, the demo study another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Round
from projects.errors import ServiceError
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.services import draft_save
from rubrics.suggestions import Change, draft_suggest, merged
from tests.analytics.helpers import filled_round, scale
from tests.factories import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def pilot() -> Round:
    """“mixed” is answered by chance between its two middle levels; “sound” is not."""
    rows: list[dict[str, Any]] = []
    for n in range(40):
        for place, rater in enumerate(("a", "b", "c")):
            row = {"item": f"i{n}", "system": "s", "rater": rater}
            rows.append(row | {"criterion": "mixed", "value": (n + (place if n % 4 else 0)) % 2 + 2})
            rows.append(row | {"criterion": "sound", "value": n % 4 + 1})
    return filled_round([scale("mixed", "ordinal", 4), scale("sound", "ordinal", 4)], rows)


def test_the_page_says_which_criterion_why_where_and_what_to_do(client: Client, pilot: Round) -> None:
    client.force_login(member(pilot.project, "lead"))
    address = reverse("analytics:doctor", args=[pilot.project.slug, pilot.slug])
    answer = client.get(address)
    text = answer.content.decode()
    first = answer.context["doctor"].criteria[0]
    assert (first.key, first.verdict, first.findings[0].cause) == ("mixed", "does_not_work", "levels_confused")
    assert len(first.findings[0].items) == 3
    for shown in first.findings[0].items:
        assert reverse("projects:item", args=[pilot.project.slug, shown.pk]) in text
        assert set(shown.answers) == {"Level 2", "Level 3"}
    assert answer.context["doctor"].criteria[1].verdict == "works"
    # Its button joins the two levels in a draft, and opens it.
    post = {"kind": "merge", "criterion": "mixed", "level": ["2", "3"]}
    made = client.post(reverse("analytics:doctor_suggest", args=[pilot.project.slug, pilot.slug]), post)
    rubric = pilot.rubric_version.rubric
    assert made.url == reverse("rubrics:edit", args=[pilot.project.slug, rubric.slug]) + "?criterion=mixed"
    draft = rubric.versions.get(status=RubricVersion.Status.DRAFT)
    levels = [(x.code, x.label) for x in spec_of(draft).criterion("mixed").levels]
    assert levels == [("1", "Level 1"), ("2", "Level 2 / Level 3"), ("3", "Level 4")]
    assert len(spec_of(pilot.rubric_version).criterion("mixed").levels) == 4  # published: as it was
    assert client.get(made.url).status_code == 200
    # A viewer reads and is offered no change.
    client.force_login(member(pilot.project, "viewer"))
    assert "in a draft</button>" not in client.get(address).content.decode()


def test_what_the_draft_asks_otherwise_is_left_alone(pilot: Round) -> None:
    version = pilot.rubric_version
    opened = draft_suggest(version=version, change=Change("open", "mixed"), actor=None)
    spec = spec_of(opened.draft)
    own = replace(spec, criteria=(replace(spec.criteria[0], question="Mine?"), spec.criteria[1]))
    draft_save(version=opened.draft, spec=own, edit=opened.draft.edit, actor=None)
    said = draft_suggest(version=version, change=Change("merge", "mixed", ("2", "3")), actor=None)
    assert "asks it otherwise" in said.words
    assert spec_of(said.draft).criterion("mixed").question == "Mine?"
    gone = draft_suggest(version=version, change=Change("drop", "sound"), actor=None)
    assert [c.key for c in spec_of(gone.draft).criteria] == ["mixed"]
    assert "any more" in draft_suggest(version=version, change=Change("open", "sound"), actor=None).words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change("shred", "mixed"), "“shred” is not a change"),
        (Change("merge", "mixed", ("2", "2")), "not two levels"),
        (Change("merge", "mixed", ("2", "9")), "not two levels"),
    ],
)
def test_what_is_no_change_is_refused_and_makes_no_draft(pilot: Round, change: Change, words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        draft_suggest(version=pilot.rubric_version, change=change, actor=None)
    assert not RubricVersion.objects.filter(status=RubricVersion.Status.DRAFT).exists()


def test_levels_are_joined_in_their_place() -> None:
    spec = scale("q", "interval", 4)
    assert [level.number for level in merged(spec, "1", "2").levels] == [1, 2, 3]
