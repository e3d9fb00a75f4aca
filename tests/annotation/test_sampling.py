"""Every design gives each item of the frame a chance above 0, keeps it exactly, and draws the number asked for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import reports
from annotation.models import Round
from annotation.sampling import (
    CannotDraw,
    Sample,
    Unit,
    chances_by_weight,
    draw,
    stratum_of,
    stratum_sizes,
    systematic,
)
from annotation.services import rounds
from annotation.services.round_plans import round_plan
from annotation.services.rounds import round_create
from annotation.services.study import study_apply
from projects.errors import ServiceError
from projects.located import load
from projects.models import Item, ItemTag, Project, System
from tests.annotation.round_pages import alice, lead, main, plan, project, text, url
from tests.factories import item_factory, output_factory, rubric_factory, system_factory

__all__ = ["alice", "lead", "project"]  # fixtures

WEIGHTS = st.lists(st.floats(0.01, 1000), min_size=1, max_size=30)


# --- Pure -----------------------------------------------------------------------------------------------------


@given(WEIGHTS, st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_chances_by_weight_are_proportional_and_add_up_to_the_number_drawn(weights: list[float], size: int) -> None:
    size = min(size, len(weights))
    chances = chances_by_weight(weights, size)
    assert sum(chances) == pytest.approx(size)
    assert all(0 < chance <= 1 for chance in chances)
    ratios = {round(chance / weight, 9) for chance, weight in zip(chances, weights, strict=True) if chance < 1}
    assert max(ratios, default=0) == pytest.approx(min(ratios, default=0), rel=1e-5, abs=1e-8)


def test_a_systematic_draw_takes_each_place_with_its_own_chance() -> None:
    """All starts of a fine grid: the share of starts that take a place is its chance, and each takes 3."""
    chances = chances_by_weight([1, 2, 3, 4, 5, 6, 7, 2], 3)
    starts = 3000
    taken: Counter[int] = Counter()
    for n in range(starts):
        places = systematic(chances, (n + 0.5) / starts)
        assert len(set(places)) == 3
        taken.update(places)
    assert [taken[n] / starts for n in range(8)] == pytest.approx(chances, abs=2 / starts)


def test_a_weighted_draw_keeps_its_promise_over_seeds() -> None:
    units = [Unit(n, weight=w) for n, w in enumerate([1.0, 1.0, 2.0, 4.0, 50.0])]
    seen: Counter[int] = Counter()
    for seed in range(1000):
        drawn = draw(units, Sample("weighted", 3, weight="asked"), seed)
        assert len(drawn) == 3
        seen.update(each.item for each in drawn)
    kept = {each.item: each.chance for seed in range(20) for each in draw(units, Sample("weighted", 3), seed)}
    assert kept == pytest.approx({0: 0.25, 1: 0.25, 2: 0.5, 3: 1.0, 4: 1.0})  # the heaviest two are certain
    # Four standard errors of a share of 1,000.
    assert [seen[n] / 1000 for n in range(5)] == pytest.approx([kept[n] for n in range(5)], abs=0.055)


def test_any_two_items_can_be_drawn_together() -> None:
    """Neighbours too, which a systematic draw of a frame that is not shuffled never takes both of."""
    units = [Unit(n) for n in range(6)]
    pairs = {tuple(each.item for each in draw(units, Sample("weighted", 2), seed)) for seed in range(400)}
    assert len(pairs) == 15


def test_a_stratified_draw_keeps_n_over_n_of_each_stratum() -> None:
    units = [Unit(n, "a" if n < 30 else "b" if n < 40 else "c") for n in range(42)]
    drawn = draw(units, Sample("stratified", 12, strata="topic"), 5)
    counts = Counter(each.stratum for each in drawn)
    assert counts == {"a": 8, "b": 2, "c": 2}  # 12 · 30/42 = 8.6; two of each at least
    assert {(each.stratum, each.chance) for each in drawn} == {("a", 8 / 30), ("b", 2 / 10), ("c", 2 / 2)}
    assert drawn == draw(units, Sample("stratified", 12, strata="topic"), 5)
    assert drawn != draw(units, Sample("stratified", 12, strata="topic"), 6)


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(1, 50), min_size=1, max_size=8),
    st.integers(1, 200),
    st.sampled_from(["proportional", "equal"]),
)
@settings(max_examples=100, deadline=None)
def test_sizes_of_strata_add_up_within_what_each_has(counts: dict[str, int], size: int, how: str) -> None:
    sample = Sample("stratified", size, strata="topic", allocation=how)
    if size < len(counts):
        with pytest.raises(CannotDraw, match="cannot have an item of each"):
            stratum_sizes(counts, sample)
        return
    sizes = stratum_sizes(counts, sample)
    assert sum(sizes.values()) == min(size, sum(counts.values()))
    assert all(1 <= sizes[stratum] <= counts[stratum] for stratum in counts)


def test_named_sizes_are_taken_or_refused_in_words() -> None:
    units = [Unit(n, "a" if n < 3 else "b") for n in range(5)]
    drawn = draw(units, Sample("stratified", strata="topic", sizes={"a": 1, "b": 2}), 1)
    assert Counter(each.stratum for each in drawn) == {"a": 1, "b": 2}
    for sizes, words in (
        ({"a": 1}, "“b” has no size"),
        ({"a": 1, "b": 1, "c": 1}, "no stratum “c”"),
        ({"a": 4, "b": 1}, "“a” has 3 items, so 4 cannot be drawn"),
    ):
        with pytest.raises(CannotDraw, match=words):
            draw(units, Sample("stratified", strata="topic", sizes=sizes), 1)


@pytest.mark.parametrize(
    ("strata", "stratum"),
    [("", ""), ("language", "de"), ("topic", "topic:a"), ("level", "level:1"), ("other", "(none)"), ("top", "(none)")],
)
def test_an_item_is_in_one_stratum(strata: str, stratum: str) -> None:
    assert stratum_of(strata, "de", ["topic:b", "topic:a", "level:1"]) == stratum


# --- Through the doors ----------------------------------------------------------------------------------------


def stocked(project: Project, asked: Sequence[Any] = (10, 20, 30, 40, 100, 200)) -> System:
    """Six items: four of topic a, two of topic b."""
    system = system_factory(project)
    for n, weight in enumerate(asked):
        item = item_factory(project, f"q{n}")
        Item.objects.filter(pk=item.pk).update(metadata={"asked": weight})
        ItemTag.objects.create(item=item, tag="topic:a" if n < 4 else "topic:b")
        output_factory(item, system)
    return system


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", main(answer)).split())


def drawn_with(project: Project, sample: Sample, **settings: Any) -> Round:
    return round_create(
        project=project, name="R", mode="score", rubric_version=rubric_factory(project), systems=[], overlap=1,
        actor=None, sample=sample, seed=3, **settings,
    )  # fmt: skip


def test_a_weighted_round_keeps_its_chances_and_says_them_everywhere(
    project: Project, lead: Client, tmp_path: Path
) -> None:
    stocked(project)
    row = drawn_with(project, Sample("weighted", 3, weight="asked"))
    row = rounds.round_open(round=row, actor=None)
    kept = dict(row.round_items.values_list("item__external_id", "inclusion_probability"))
    exact = dict(zip([f"q{n}" for n in range(6)], [0.1, 0.2, 0.3, 0.4, 1.0, 1.0], strict=True))
    assert len(kept) == 3
    assert kept == pytest.approx({item: exact[item] for item in kept})
    assert (row.design, row.frame_size) == ("weighted", 6)

    page = words(lead.get(url(row)))
    assert "3 of 6 Weighted sample by asked, seed 3." in page
    assert "chance to be drawn was between" in page
    call_command("export", f"{project.slug}/{row.slug}", "--format", "jsonl", "--out", str(tmp_path))
    items = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert {i["item"]: i["inclusion_probability"] for i in items} == kept
    told = json.loads((tmp_path / "round.json").read_text())["round"]["sample"]
    assert (told["design"], told["size"], told["weight"], told["drawn"], told["frame_size"]) == (
        "weighted", 3, "asked", 3, 6,
    )  # fmt: skip
    assert any("unequal chances" in warning for warning in reports.build(row).body["warnings"])


def test_a_stratified_round_shows_its_strata_before_and_after_it_opens(project: Project, lead: Client) -> None:
    stocked(project)
    row = drawn_with(project, Sample("stratified", strata="topic", sizes={"topic:a": 1, "topic:b": 2}))
    shown = "topic:a 1 4 25 % topic:b 2 2 100 %"
    planned = round_plan(row).draw
    assert shown in words(lead.get(url(row)))
    row = rounds.round_open(round=row, actor=None)
    assert set(row.round_items.values_list("stratum", "inclusion_probability")) == {("topic:a", 0.25), ("topic:b", 1.0)}
    assert shown in words(lead.get(url(row)))
    assert tuple(row.round_items.order_by("item_id").values_list("item_id", flat=True)) == planned.items
    told = lead.get(f"/api/v1/projects/{project.slug}/rounds/{row.slug}/").json()["sample"]
    assert (told["drawn"], told["frame"], told["lowest"], told["highest"]) == (3, 6, 0.25, 1.0)
    assert told["strata"][0] == {"name": "topic:a", "size": 4, "drawn": 1, "chance": 0.25}


@pytest.mark.parametrize("bad", [None, "", "many", 0, -2, "inf"])
def test_an_item_without_a_weight_is_named_and_nothing_is_drawn(project: Project, lead: Client, bad: Any) -> None:
    stocked(project, asked=(1, 2, bad))
    row = drawn_with(project, Sample("weighted", 2, weight="asked"))
    (warning,) = round_plan(row).warnings
    assert "The item “q2” has" in warning
    assert "“q2”" in words(lead.get(url(row)))
    with pytest.raises(ServiceError, match="“q2”"):
        rounds.round_open(round=row, actor=None)
    row.refresh_from_db()
    assert row.state == "draft"
    assert not row.round_items.exists()


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (Sample("stratified", 3), "needs its strata"),
        (Sample("weighted", 3), "needs its weight"),
        (Sample("random", sizes={"a": 1}), "belong to a stratified"),
        (Sample("random", 2, weight="asked"), "belongs to a weighted"),
        (Sample("stratified", 2, strata="topic", sizes={"a": 1}), "but not both"),
        (Sample("stratified", 2, strata="topic", allocation="fair"), "Accepted: proportional, equal"),
        (Sample("weighted", 2, weight="asked", population=9), "simple random sample"),
    ],
)
def test_a_design_without_what_it_needs_is_refused(project: Project, sample: Sample, words: str) -> None:
    with pytest.raises(ServiceError, match=words) as refused:
        drawn_with(project, sample)
    assert refused.value.field == "sample"


STUDY = """
project: Desk
rubric: {name: R, criteria: [{key: good, question: "Good?", type: yes_no}]}
sample: %s
round: {name: pilot, mode: score}
"""


def test_a_study_file_draws_by_strata_and_by_weight(project: Project) -> None:
    stocked(project)

    def apply(sample: str) -> list[str]:
        return study_apply(source=load(STUDY % sample, "study.yaml")).changes

    by_topic = "{design: stratified, strata: topic, size: 4, allocation: equal}"
    assert "round pilot: made" in apply(by_topic)
    assert apply(by_topic) == []
    row = Round.objects.get(slug="pilot")
    assert [(s.name, s.drawn) for s in round_plan(row).draw.strata] == [("topic:a", 2), ("topic:b", 2)]
    assert apply("{design: weighted, weight: asked, size: 2}") == ["round pilot: options, design set"]
    rounds.round_open(round=row, actor=None)
    row.refresh_from_db()
    assert (row.design, row.round_items.count()) == ("weighted", 2)
    with pytest.raises(ServiceError, match="line 4, .*sample cannot change"):
        apply(by_topic)
    with pytest.raises(ServiceError, match="line 4, column 1: A weighted sample needs its weight"):
        apply("{design: weighted, size: 2}")


def test_the_page_plans_a_sample_and_refuses_half_of_one(project: Project, lead: Client) -> None:
    stocked(project)
    answer = plan(lead, project, design="stratified", strata="topic", size="3", allocation="equal")
    assert answer.status_code == 302
    row = Round.objects.get()
    assert (row.design, row.options["sample"]["strata"], row.options["sample"]["size"]) == ("stratified", "topic", 3)
    assert "Say how many items are drawn." in text(plan(lead, project, design="random", size=""))
    assert "leave this empty" in text(plan(lead, project, design="census", size="3"))
    assert "needs its weight" in text(plan(lead, project, design="weighted", size="3"))
