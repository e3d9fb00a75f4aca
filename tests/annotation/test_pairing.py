"""Which pairs a round compares: equally often, connected, and the same however often it is asked."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.models import Round
from annotation.pairing import PAIRINGS, Group, Pairs, circle, parts
from annotation.services import rounds
from annotation.services.round_plans import round_plan
from annotation.services.study import study_apply
from projects.errors import ServiceError
from projects.located import load
from projects.models import Project
from tests.annotation.round_pages import alice, lead, main, plan, project, stocked, url
from tests.factories import item_factory, output_factory, round_factory, system_factory

__all__ = ["alice", "lead", "project"]  # fixtures


def groups(items: int, systems: int) -> list[Group]:
    return [Group(f"i{n}", tuple((n * 100 + s, s) for s in range(1, systems + 1))) for n in range(items)]


def systems_of(found: list[list[Any]]) -> list[tuple[int, int]]:
    return [(min(a[1], b[1]), max(a[1], b[1])) for each in found for a, b in each]


@given(st.integers(2, 9), st.integers(1, 12), st.integers(1, 6), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_pairs_and_systems_come_equally_often_and_are_connected(k: int, items: int, per_item: int, seed: int) -> None:
    found = PAIRINGS["balanced"](groups(items, k), Pairs("balanced", per_item), None, seed)
    per_item = min(per_item, k * (k - 1) // 2)
    assert [len(set(each)) for each in found] == [per_item] * items
    pairs = Counter(systems_of(found))
    times = [pairs[pair] for pair in combinations(range(1, k + 1), 2)]
    systems = Counter(system for pair in systems_of(found) for system in pair)
    if per_item == 1:
        assert max(times) - min(times) <= 1
    assert max(times) - min(times) <= 2
    assert max(systems.values()) - min(systems[s] for s in range(1, k + 1)) <= 2
    if items * per_item >= k - 1 and per_item == 1:
        assert len(parts(pairs, range(1, k + 1))) == 1
    assert found == PAIRINGS["balanced"](groups(items, k)[::-1], Pairs("balanced", per_item), None, seed)[::-1]


def test_the_example_of_the_docs() -> None:
    """Six systems, 30 items, the default of 3 pairs an item: 90 of the 450 pairs, each pair in 6 items."""
    found = PAIRINGS["balanced"](groups(30, 6), Pairs("balanced"), None, 7)
    assert set(Counter(systems_of(found)).values()) == {6}
    assert set(Counter(s for pair in systems_of(found) for s in pair).values()) == {30}


def test_missing_answers_are_made_up_for_elsewhere() -> None:
    some = groups(40, 4)
    some = [Group(g.key, g.outputs[1:] if n % 4 == 0 else g.outputs) for n, g in enumerate(some)]
    found = PAIRINGS["balanced"](some, Pairs("balanced", 2), None, 1)
    pairs = Counter(systems_of(found))
    assert len(pairs) == 6
    assert max(pairs.values()) - min(pairs.values()) <= 2


def test_few_pairs_connect_all_systems_although_answers_are_missing() -> None:
    """Six pairs for seven systems: each must join what nothing connected before."""
    there = ["1346", "14567", "123467", "12467", "12356", "123467"]
    some = [Group(f"i{n}", tuple((n * 100 + int(s), int(s)) for s in each)) for n, each in enumerate(there)]
    found = PAIRINGS["balanced"](some, Pairs("balanced", 1), None, 0)
    assert len(parts(systems_of(found), range(1, 8))) == 1


def test_a_round_that_grows_keeps_its_pairs() -> None:
    before = groups(8, 5)
    first = PAIRINGS["balanced"](before, Pairs("balanced", 1), None, 3)
    kept = [Group(g.key, g.outputs, tuple(pairs)) for g, pairs in zip(before, first, strict=True)]
    more = PAIRINGS["balanced"](kept + groups(14, 5)[8:], Pairs("balanced", 1), None, 3)
    assert more[:8] == first
    pairs = Counter(systems_of(more))
    assert max(pairs.values()) - min(pairs[pair] for pair in combinations(range(1, 6), 2)) <= 1


@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_the_circle_has_every_pair_once(k: int) -> None:
    assert sorted(circle(range(k))) == list(combinations(range(k), 2))


def test_parts_are_what_pairs_connect() -> None:
    assert parts([(1, 2), (3, 4), (4, 5)], range(1, 7)) == [[1, 2], [3, 4, 5], [6]]


# --- Through the doors ----------------------------------------------------------------------------------------


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", main(answer)).split())


@pytest.mark.django_db
def test_a_balanced_round_makes_few_pairs_and_says_how_often_each_comes(lead: Client, project: Project) -> None:
    round = round_factory(project, mode="compare", items=12, systems=4, overlap=1, pairs=Pairs("balanced"), seed=5)
    assert round.tasks.count() == 24
    assert set(Counter(round.tasks.values_list("pair", flat=True)).values()) == {4}
    page = words(lead.get(url(round)))
    assert "6 pairs of systems, each in 4 items; each system in 12 pairs." in page
    told = lead.get(f"/api/v1/projects/{project.slug}/rounds/{round.slug}/").json()
    assert told["pairs"] == {"design": "balanced", "per_item": None, "baseline": None}
    assert told["order"] is None
    kept = set(round.tasks.values_list("key", flat=True))
    systems = [rs.system for rs in round.round_systems.select_related("system")]
    for n in range(6):
        item = item_factory(project, f"new-{n}")
        for system in systems:
            output_factory(item, system)
    rounds.round_extend(round=round, actor=None, add_items=True)
    assert round.tasks.count() == 36
    assert kept < set(round.tasks.values_list("key", flat=True))
    assert round_plan(round).tasks == 36
    assert set(Counter(round.tasks.values_list("pair", flat=True)).values()) == {6}


@pytest.mark.django_db
def test_systems_that_nothing_connects_are_named(project: Project) -> None:
    names = [system_factory(project, name) for name in ("A", "B", "C", "D")]
    items = [item_factory(project), item_factory(project)]
    for n, pair in enumerate((names[:2], names[2:])):
        for system in pair:
            output_factory(items[n], system)
    row = round_factory(project, mode="compare", items=0, systems=2, opened=False)
    row.round_systems.all().delete()
    (warning,) = [w for w in round_plan(row).warnings if "nothing connects" in w]
    assert "A and B with C and D" in warning


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pairs": Pairs("some")}, "Accepted: all, baseline, balanced, adaptive"),
        ({"pairs": Pairs("baseline")}, "which system is the baseline"),
        ({"pairs": Pairs("all", 2)}, "belongs to the balanced design"),
        ({"pairs": Pairs("balanced", 0)}, "at least one pair"),
        ({"pairs": Pairs("adaptive")}, "Most uncertain first"),
        ({"pairs": Pairs("balanced"), "mode": "score"}, "compares two outputs"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError, match=said) as refused:
        round_factory(**{"mode": "compare", **settings})
    assert refused.value.field == "pairs"
    assert not Round.objects.exists()


@pytest.mark.django_db
def test_the_page_plans_pairs(lead: Client, project: Project) -> None:
    stocked(project)
    heron = project.systems.get(name="Heron").pk
    assert plan(lead, project, mode="compare", pairs="balanced", pairs_per_item="1").status_code == 302
    assert plan(lead, project, mode="compare", name="Two", pairs="baseline", baseline=heron).status_code == 302
    assert plan(lead, project, mode="compare", name="Three", pairs="adaptive", strategy="uncertain").status_code == 302
    kept = [(r.options["pairs"], r.options.get("narrow"), r.baseline_id) for r in Round.objects.order_by("pk")]
    assert kept == [
        ({"design": "balanced", "per_item": 1}, None, None),
        ({"design": "baseline", "per_item": None}, None, heron),
        ({"design": "adaptive", "per_item": None}, {"criterion": "", "interval": "strength"}, None),
    ]
    assert "which system is the baseline" in words(plan(lead, project, mode="compare", pairs="baseline"))
    assert "Adaptive pairs need the order" in words(plan(lead, project, mode="compare", pairs="adaptive"))


STUDY = """
project: Desk
rubric: {name: R, criteria: [{key: better, question: "Better?", type: preference},
  {key: worse, question: "Worse?", type: preference}]}
round: {name: pilot, mode: compare, %s}
"""


@pytest.mark.django_db
def test_a_study_file_says_which_pairs(project: Project) -> None:
    stocked(project)

    def apply(more: str) -> list[str]:
        return study_apply(source=load(STUDY % more, "study.yaml")).changes

    assert "round pilot: made" in apply("pairs: balanced, pairs_per_item: 1")
    assert apply("pairs: balanced, pairs_per_item: 1") == []
    assert apply("pairs: adaptive, strategy: uncertain") == ["round pilot: options, strategy set"]
    row = Round.objects.get(slug="pilot")
    assert row.options["narrow"] == {"criterion": "", "interval": "strength"}
    assert apply("narrow: {criterion: worse}, pairs: all") == ["round pilot: options set"]
    rounds.round_open(round=row, actor=None)
    assert apply("narrow: {criterion: worse}, pairs: all") == []
    for more, said in (
        ("pairs: balanced", "its pairs cannot change"),
        ("narrow: {criterion: better}", "its interval to narrow cannot change"),
        ("narrow: {criterion: none}", "Accepted in a round that compares: better, worse"),
        ("narrow: {interval: wide}", "Accepted: mean, strength"),
        ("pairs: some", "Accepted: all, baseline"),
        ("pairs_per_item: 2", "belongs to “pairs: balanced”"),
        ("pairs: adaptive, narrow: {interval: mean}", "narrow the interval of strengths"),
    ):
        with pytest.raises(ServiceError, match=said):
            apply(more)
