"""Several outputs at once: which are shown together, in which order, the answer and its record, export and report."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from analytics.report_page import page_of
from analytics.reports import build
from analytics.services import report_build
from annotation.exporters.files import export_round
from annotation.gold import gold_results
from annotation.models import Assignment, Rating, TaskOutput
from annotation.ranked_sets import Pool, Sets, balanced_sets
from annotation.selection import order_shown
from annotation.services.gold_sets import gold_import
from annotation.services.rounds import round_create, round_open
from projects.errors import ServiceError
from projects.models import Item
from rubrics.specs import CriterionSpec
from tests.analytics.helpers import add_rows, filled_round
from tests.annotation.test_several_and_slider import Rater
from tests.factories import CORRECT, project_factory, round_factory, rubric_factory, system_factory

ORDER = CriterionSpec("order", "ranking", "Rank the answers.", "ordinal", config={"allow_ties": True})
STRICT = CriterionSpec("strict", "ranking", "Rank them without ties.", "ordinal", config={"allow_ties": False})
NAMES = ["amber", "basalt", "cobalt", "dolomite"]


# --- which outputs, and in which order -------------------------------------------------------------------


def test_sets_are_all_outputs_where_they_fit_and_in_balance_where_not() -> None:
    few = [Pool(str(n), tuple((10 * n + s, s) for s in range(4))) for n in range(3)]
    assert [[len(chosen) for chosen in sets] for sets in balanced_sets(few, Sets(), 1)] == [[4]] * 3
    many = [Pool(str(n), tuple((10 * n + s, s) for s in range(8))) for n in range(28)]
    found = balanced_sets(many, Sets(size=4, per_item=2), 7)
    assert found == balanced_sets(many, Sets(size=4, per_item=2), 7) != balanced_sets(many, Sets(4, 2), 8)
    systems = Counter(s for sets in found for chosen in sets for _, s in chosen)
    together = Counter(
        pair for sets in found for chosen in sets for pair in combinations(sorted(s for _, s in chosen), 2)
    )
    assert max(systems.values()) - min(systems.values()) <= 1
    assert len(together) == 28
    assert max(together.values()) - min(together.values()) <= 4
    kept = [Pool(p.key, p.outputs, tuple(sets)) for p, sets in zip(many, found, strict=True)]
    assert balanced_sets(kept, Sets(size=4, per_item=2), 99) == found, "what stands is left as it is"


@pytest.mark.parametrize("width", [3, 4, 5, 6])
def test_orders_shown_are_balanced_within_a_rater(width: int) -> None:
    block = width if width % 2 == 0 else 2 * width
    orders = [order_shown(5, 9, n, width) for n in range(block, 2 * block)]
    places = Counter((system, place) for order in orders for place, system in enumerate(order))
    follows = Counter(pair for order in orders for pair in zip(order, order[1:], strict=False))
    assert set(places.values()) == {block // width}
    assert len(places) == width**2
    assert set(follows.values()) == {block // width}
    assert len(follows) == width * (width - 1)
    assert orders != [order_shown(5, 10, n, width) for n in range(block, 2 * block)]


@pytest.mark.django_db
def test_positions_are_balanced_over_systems_whatever_order_their_outputs_came_in() -> None:
    round_ = round_factory(mode="rank", items=8, systems=4, overlap=1, criteria=(ORDER,), turned=4)
    rater = Rater(round_)
    for n in range(8):
        rater.page()
        live = Assignment.objects.get(state=Assignment.State.LIVE)
        submit(rater, live.public_id, f"key-{n:08}", "A:1|B:2|C:3|D:4")
    seen: Counter[tuple[int, int]] = Counter()
    for assignment in Assignment.objects.filter(state=Assignment.State.JUDGED):
        outputs = list(TaskOutput.objects.filter(task=assignment.task_id).order_by("position"))
        seen.update((outputs[int(p)].output.system_id, place) for place, p in enumerate(assignment.shown_order))
    assert set(seen.values()) == {2}
    assert len(seen) == 16


@pytest.mark.django_db
def test_what_a_round_that_ranks_cannot_be() -> None:
    project = project_factory()
    systems = [system_factory(project) for _ in range(3)]
    given: dict[str, Any] = {"project": project, "name": "R", "overlap": 1, "actor": None, "systems": systems}
    version = rubric_factory(project, (ORDER,))
    with pytest.raises(ServiceError, match="needs several answers side by side, so the round's mode must be rank"):
        round_create(**given, mode="score", rubric_version=version)
    with pytest.raises(ServiceError, match="From 2 to 6 outputs"):
        round_create(**given, mode="rank", rubric_version=version, sets=Sets(size=7))
    with pytest.raises(ServiceError, match="belongs to a round that ranks"):
        round_create(**given, mode="score", rubric_version=rubric_factory(project), sets=Sets(size=3))
    with pytest.raises(ServiceError, match="no order that follows its judgments"):
        round_create(**given, mode="rank", rubric_version=version, strategy="uncertain")
    with pytest.raises(ServiceError, match="at least two systems to rank"):
        round_create(**given | {"systems": systems[:1]}, mode="rank", rubric_version=version)


# --- the page, the form, the record ----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_ranking_without_scripts_from_page_to_record() -> None:
    round_ = round_factory(mode="rank", items=2, systems=4, overlap=1, criteria=(CORRECT_EACH, ORDER, STRICT))
    rater = Rater(round_)
    page = rater.page()
    assert page.count('name="c-order~B"') == 4
    assert 'value="D:4"' in page
    assert 'name="c-correct-o3"' in page
    each = {f"correct-o{n}": "2" for n in range(4)}
    refused = rater.send(order="A:1|B:1|C:2", strict="A:1|B:1|C:2|D:3", **each)
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "does not give each answer one place" in text
    assert "takes no ties, and A and B have the same place" in text
    assert 'value="B:1" data-key="1" aria-label="B: place 1 of 4" checked' in text, "what was chosen stays"
    rows = {"order~A": "A:2", "order~B": "B:2", "order~C": "C:1", "order~D": "D:4", "strict": "D:1|C:2|B:3|A:4"}
    assert rater.send(**rows, **each).status_code == 302
    stored = dict(Rating.objects.filter(data__isnull=False).values_list("criterion__key", "data"))
    assert stored == {"order": [[2], [0, 1], [3]], "strict": [[3], [2], [1], [0]]}
    judged = Assignment.objects.get(state=Assignment.State.JUDGED)
    again = rater.client.get(reverse("annotation:again", args=[round_.public_id, judged.public_id])).content.decode()
    assert 'value="C:1" data-key="1" aria-label="C: place 1 of 4" checked' in again
    draft = {"task": Assignment.objects.get(state=Assignment.State.LIVE).public_id, "version": "0", "c-order~A": "A:3"}
    assert rater.client.post(reverse("annotation:draft", args=[round_.public_id]), draft).json() == {"version": 1}
    assert 'value="A:3" data-key="3" aria-label="A: place 3 of 4" checked' in rater.page()


CORRECT_EACH = CriterionSpec("correct", "scale", "Is it true?", "ordinal", scope="output", levels=CORRECT.levels)


# --- files and figures -----------------------------------------------------------------------------------


def rankings(best: str = "amber > basalt = cobalt > dolomite", n: int = 12) -> list[dict[str, Any]]:
    """Two raters of one mind; a third turns the last two round in every other item."""
    other = "amber > basalt = dolomite > cobalt"
    return [
        {
            "item": f"q{i}", "system": "|".join(NAMES), "rater": rater, "criterion": "order",
            "value": other if rater == "cleo" and i % 2 else best,
        }
        for i in range(n) for rater in ("ann", "ben", "cleo")
    ]  # fmt: skip


@pytest.mark.django_db
def test_rankings_of_a_file_give_win_rates_ranks_and_concordance() -> None:
    round_ = filled_round([ORDER], rankings(), "rank")
    body = build(round_).body
    rates = body["preference"]["order"]["win_rate"]
    assert rates["amber"]["dolomite"]["value"] == 1
    assert rates["basalt"]["cobalt"]["value"] == pytest.approx(7 / 12)
    assert rates["amber"]["basalt"]["n_clusters"] == 12
    assert [body["preference"]["order"]["bradley_terry"][name]["place"] for name in NAMES][0] == 1
    orders = body["orders"]["order"]
    assert (orders["n_orders"], orders["systems"]["amber"]["mean"]["value"]) == (36, 1.0)
    assert orders["systems"]["basalt"]["mean"]["value"] == 2.5
    assert orders["systems"]["amber"]["n_best"] == 36
    # Six prompts of one order, W = 1; six with rank sums 3, 7.5, 9, 10.5: W = 12·31.5 / (9·60 − 3·18).
    assert orders["kendall_w"]["value"] == pytest.approx((1 + 12 * 31.5 / 486) / 2)
    assert body["agreement"]["order"]["krippendorff_alpha"]["n_units"] == 12 * 6, "a unit is a pair of outputs"
    assert body["round"]["n_ratings"] == 36, "a ranking is one rating"
    other = filled_round([ORDER], rankings("basalt > amber = cobalt > dolomite"), "rank", slug="other")
    assert build(other).data_digest != build(round_).data_digest


@pytest.mark.django_db
def test_a_file_may_name_the_systems_in_any_order_and_nonsense_is_refused(tmp_path: Path) -> None:
    round_ = filled_round([ORDER], rankings(n=2), "rank")
    stored = list(Rating.objects.order_by("pk").values_list("data", flat=True))
    same = [{**row, "system": json.dumps(NAMES[::-1])} for row in rankings(n=2)]
    add_rows(round_, same)
    assert list(Rating.objects.order_by("pk").values_list("data", flat=True)) == stored, "it said nothing new"
    bad = {"value": "amber > basalt"}, {"value": "amber > quartz = cobalt > dolomite"}, {"system": "amber"}
    for wrong in bad:
        with pytest.raises(ServiceError, match="Accepted: a place for every answer|must name 2 to 6 different systems"):
            add_rows(round_, [{**rankings(n=1)[0], "rater": "new", **wrong}])
    export_round(round=round_, out=tmp_path, formats=["csv"])
    rows = list(csv.DictReader((tmp_path / "ratings.csv").read_text().splitlines()))
    assert json.loads(rows[0]["data"]) == [[0], [1, 2], [3]]
    assert json.loads(rows[0]["system"]) == NAMES


@pytest.mark.django_db
def test_the_page_of_the_report_shows_ranks_and_concordance() -> None:
    round_ = filled_round([ORDER], rankings(n=4), "rank")
    page = page_of(report_build(round=round_, actor=None).body)
    orders = page.preferences[0].orders
    assert orders is not None
    assert orders.concordance is not None
    assert [line.name for line in orders.lines] == NAMES
    assert orders.lines[0].cells == ("12", "0", "12")


@pytest.mark.django_db
def test_a_known_ranking_tests_raters_whatever_order_they_see() -> None:
    round_ = round_factory(mode="rank", items=6, systems=3, overlap=1, criteria=(ORDER,), opened=False, gold_rate=0.5)
    names = [each.system.name for each in round_.round_systems.order_by("system_id")]
    items = Item.objects.filter(project=round_.project).values_list("external_id", flat=True)
    rows = ["item,system,criterion,value"]
    rows += [f"{item},{'|'.join(names[::-1])},order,{names[2]} > {names[0]} = {names[1]}" for item in items]
    gold_import(round=round_, stream=io.BytesIO("\n".join(rows[:4]).encode()), name="gold.csv")
    round_open(round=round_, actor=None)
    rater = Rater(round_)
    seat = None
    for n in range(4):
        rater.page()
        live = Assignment.objects.select_related("seat").get(state=Assignment.State.LIVE)
        places = {"0": 2, "1": 2, "2": 1}  # outputs came in by system, so the canonical order is that of `names`
        order = "|".join(f"{letter}:{places[p]}" for letter, p in zip("ABC", live.shown_order, strict=True))
        seat = live.seat
        submit(rater, live.public_id, f"key-{n:08}", order)
    assert seat is not None
    results = gold_results([seat.pk])[seat.pk]
    judged = Assignment.objects.filter(purpose="gold", state=Assignment.State.JUDGED)
    assert len(results) == judged.count() > 0
    assert all(r.passed for r in results)


def submit(rater: Rater, task: str, key: str, order: str) -> None:
    address = reverse("annotation:submit", args=[rater.round.public_id])
    assert rater.client.post(address, {"task": task, "key": key, "version": "0", "c-order": order}).status_code == 302


# --- the best and the worst ------------------------------------------------------------------------------

ENDS = CriterionSpec("ends", "best_worst", "Which is best, which is worst?", "ordinal", allow_cannot_judge=True)


@pytest.mark.django_db
def test_the_best_and_the_worst_without_scripts() -> None:
    rater = Rater(round_factory(mode="rank", items=2, systems=3, overlap=1, criteria=(ENDS,)))
    page = rater.page()
    assert page.count('name="c-ends~best"') == page.count('name="c-ends~worst"') == 3
    both = rater.send(**{"ends~best": "best:A", "ends~worst": "worst:A"})
    assert both.status_code == 422
    assert "the best answer and another one as the worst" in both.content.decode()
    assert rater.send(**{"ends~best": "best:C", "ends~worst": "worst:A"}).status_code == 302
    assert Rating.objects.get().data == {"best": 2, "worst": 0}
    rater.page()
    submit_any(rater, "key-00000009", {"c-ends": "x"})
    assert Rating.objects.order_by("pk").last().cannot_judge  # type: ignore[union-attr]


def submit_any(rater: Rater, key: str, answers: dict[str, str]) -> None:
    task = Assignment.objects.get(state=Assignment.State.LIVE).public_id
    address = reverse("annotation:submit", args=[rater.round.public_id])
    assert rater.client.post(address, {"task": task, "key": key, "version": "0", **answers}).status_code == 302


@pytest.mark.django_db
def test_best_and_worst_give_counts_and_the_pairs_they_settle() -> None:
    values = ["amber > dolomite", "amber > dolomite", "basalt > dolomite"]
    rows = [
        {"item": f"q{n}", "system": "|".join(NAMES), "rater": rater, "criterion": "ends", "value": value}
        for n in range(12)
        for rater, value in zip(("ann", "ben", "cleo"), values[n % 2 :] + values[: n % 2], strict=True)
    ]
    body = build(filled_round([ENDS], rows, "rank")).body
    systems = body["orders"]["ends"]["systems"]
    assert [systems[name]["n_best"] for name in NAMES] == [24, 12, 0, 0]
    assert [systems[name]["n_worst"] for name in NAMES] == [0, 0, 0, 36]
    assert systems["amber"]["mean"]["value"] == pytest.approx(2 / 3)
    rates = body["preference"]["ends"]["win_rate"]
    assert rates["amber"]["basalt"]["value"] == pytest.approx(2 / 3)
    assert rates["cobalt"]["dolomite"]["value"] == 1
    assert rates["amber"]["basalt"]["n_judgments"] == 36
    # Of those between best and worst nothing is said: 12 times basalt and cobalt, 24 times the other two.
    assert rates["basalt"]["cobalt"]["n_judgments"] == 12
    assert "kendall_w" not in body["orders"]["ends"]
