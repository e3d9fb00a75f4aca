"""Rating again what a new rubric version changed: the same tasks, the changed questions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from annotation import claims
from annotation.models import Round, RoundItem
from annotation.pairing import Pairs
from annotation.sampling import Sample
from annotation.services.judging import judgment_submit
from annotation.services.rounds import round_extend, round_open
from annotation.services.seats import seat_for
from annotation.services.successors import round_succeed, successor_offer
from projects.errors import ServiceError
from projects.models import Project, Role
from rubrics.models import RubricVersion
from rubrics.services import draft_open, draft_save, version_publish
from rubrics.specs import CriterionSpec, RubricSpec
from tests.factories import (
    CORRECT,
    OVERALL,
    item_factory,
    member,
    output_factory,
    project_factory,
    round_factory,
    user_factory,
)

pytestmark = pytest.mark.django_db
POLITE = CriterionSpec("polite", "yes_no", "Is it polite?", "nominal")
WHY = CriterionSpec("why", "text", "Why not?", "text", required=False, shown_if={"criterion": "polite", "is": "no"})


@pytest.fixture
def project() -> Project:
    return project_factory("Desk", lead=user_factory("Alice"))


def revised(round: Round, *criteria: CriterionSpec) -> RubricVersion:
    draft = draft_open(rubric=round.rubric_version.rubric, actor=None)
    draft = draft_save(version=draft, spec=RubricSpec(name="Quality", criteria=criteria), edit=draft.edit, actor=None)
    return version_publish(version=draft, actor=None)


NEW = replace(CORRECT, question="Is any claim false?")


def test_a_successor_judges_the_same_tasks_and_asks_what_changed(project: Project) -> None:
    first = round_factory(project, criteria=(CORRECT, POLITE), overlap=2)
    version = revised(first, NEW, POLITE)
    late = item_factory(project)
    output_factory(late, first.round_systems.first().system)  # type: ignore[union-attr]
    offer = successor_offer(first)
    assert offer is not None
    assert (offer.version, offer.to_rate) == (version, ["correct"])
    second = round_succeed(round=first, version=version, criteria=offer.to_rate, name="Again", actor=None)
    assert (second.predecessor, second.only_criteria, second.overlap, second.title) == (
        first,
        ["correct"],
        2,
        first.title,
    )
    second = round_open(round=second, actor=None)
    keys = set(first.tasks.values_list("key", flat=True))
    assert set(second.tasks.values_list("key", flat=True)) == keys
    assert len(keys) == 6
    assert second.slots.count() == 12

    rater = member(project, Role.RATER)
    seat = seat_for(round=second, user=rater)
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    done = judgment_submit(seat=seat, round=second, data={"c-correct": "2"}, public_id=shown.public_id, key="k" * 8)
    assert done.problem == ""
    assert first.tasks.count() == 6


def test_the_chance_of_each_item_is_the_one_of_the_draw_before(project: Project) -> None:
    first = round_factory(project, items=6, criteria=(CORRECT,), sample=Sample(size=3))
    version = revised(first, NEW)
    second = round_open(
        round=round_succeed(round=first, version=version, criteria=["correct"], name="Again", actor=None), actor=None
    )
    assert (second.design, second.frame_size, second.frame_digest) == ("random", 6, first.frame_digest)
    drawn = [
        set(RoundItem.objects.filter(round=r).values_list("item_id", "inclusion_probability")) for r in (first, second)
    ]
    assert drawn[0] == drawn[1]
    assert {chance for _, chance in drawn[1]} == {0.5}


def test_pairs_of_a_design_are_the_pairs_of_the_round_before(project: Project) -> None:
    settings = {"mode": "compare", "items": 4, "systems": 4, "pairs": Pairs(design="balanced", per_item=2)}
    first = round_factory(project, criteria=(OVERALL,), **settings)
    version = revised(first, replace(OVERALL, question="Which one is better?"))
    second = round_succeed(round=first, version=version, criteria=["overall"], name="Again", actor=None)
    second = round_open(round=second, actor=None)
    keys = [set(round.tasks.values_list("key", flat=True)) for round in (first, second)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 8
    with pytest.raises(ServiceError, match="rates again the tasks of an earlier one"):
        round_extend(round=second, actor=None, add_items=True)


def test_a_question_that_waits_for_another_brings_it_along(project: Project) -> None:
    first = round_factory(project, criteria=(CORRECT, POLITE, WHY))
    version = revised(first, CORRECT, POLITE, replace(WHY, question="Why is it rude?"))
    offer = successor_offer(first)
    assert offer is not None
    assert offer.to_rate == ["polite", "why"]
    second = round_succeed(round=first, version=version, criteria=["why"], name="Again", actor=None)
    assert second.only_criteria == ["polite", "why"]
    whole = round_succeed(round=first, version=version, criteria=["correct", "polite", "why"], name="All", actor=None)
    assert whole.only_criteria == []


def test_what_cannot_be_rated_again_is_refused(project: Project) -> None:
    first = round_factory(project, criteria=(CORRECT,))
    planned = round_factory(project, criteria=(CORRECT,), opened=False)
    assert successor_offer(first) is None
    version = revised(first, NEW)
    assert successor_offer(planned) is None
    refusals = [
        (planned, version, ["correct"], "never opened"),
        (first, planned.rubric_version, ["correct"], "must be one of the rubric"),
        (first, first.rubric_version, ["correct"], "Version 1 is not newer than version 1"),
        (first, version, ["tone"], "“tone” is not a criterion of version 2. Accepted: correct."),
        (first, version, [], "at least one criterion"),
    ]
    for round, chosen, criteria, words in refusals:
        with pytest.raises(ServiceError, match=words):
            round_succeed(round=round, version=chosen, criteria=criteria, name="Again", actor=None)
    assert Round.objects.count() == 2


def test_the_lead_plans_it_from_the_page_of_the_round(project: Project) -> None:
    first = round_factory(project, criteria=(CORRECT, POLITE))
    client = Client()
    client.force_login(project.memberships.get().user)
    page = reverse("annotation:round", args=[project.slug, first.slug])
    assert "Rate again" not in client.get(page).content.decode()
    revised(first, NEW, POLITE)
    assert "Version 2 of the rubric is published" in client.get(page).content.decode()
    address = reverse("annotation:round_succeed", args=[project.slug, first.slug])
    form = client.get(address)
    assert form.context["form"]["criteria"].initial == ["correct"]
    assert "Raters read other words" in form.content.decode()
    wrong = client.post(address, {"name": "Again", "overlap": "2"})
    assert "Choose at least one criterion" in wrong.content.decode()
    made = client.post(address, {"name": "Again", "overlap": "3", "criteria": ["correct"]})
    second = Round.objects.get(predecessor=first)
    assert made["Location"] == reverse("annotation:round", args=[project.slug, second.slug])
    assert (second.overlap, second.only_criteria, second.state) == (3, ["correct"], "draft")
    assert "on the same tasks" in client.get(made["Location"]).content.decode()
