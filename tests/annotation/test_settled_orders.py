"""Orders and marked passages as final answers and as known ones: page, record, comparison, export and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from analytics import reports
from analytics.assembly import ReportOptions
from analytics.digests import body_json
from analytics.verification import differences
from annotation.adjudication_cases import Place, cases, page_order
from annotation.adjudication_page import summary
from annotation.exporters.files import export_round
from annotation.exporters.finals import FINAL_COLUMNS, final_rows
from annotation.exporters.reading import read_export
from annotation.gold import gold_results
from annotation.models import Adjudication, Assignment, GoldAnswer, Round
from annotation.services.adjudication import Ruling, adjudicate
from annotation.services.rounds import round_open
from projects.models import Item
from rubrics.criteria import CRITERIA
from rubrics.specs import Answer
from tests.analytics.helpers import add_rows, filled_round
from tests.annotation.round_pages import as_, url
from tests.annotation.test_ranking import ENDS, NAMES, ORDER, submit
from tests.annotation.test_several_and_slider import Rater
from tests.annotation.test_spans import marking_round, quote
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db
FINAL = ReportOptions(seed=3, final_answers=True)


def mark(start: int, end: int, category: str = "accuracy", severity: str = "major") -> dict[str, Any]:
    return {"start": start, "end": end, "category": category, "severity": severity}


def off(kind: str, known: Any, given: Any) -> tuple[float, float]:
    """(how far off a known answer, in what its tolerance counts; how far two answers are apart, 0 to 1)."""
    found = CRITERIA[kind].off(Answer(data=known), Answer(data=given)), CRITERIA[kind].distance(known, given)
    assert CRITERIA[kind].distance(given, known) == found[1], "neither of two raters comes first"
    return found


@pytest.mark.parametrize(
    ("kind", "known", "given", "wanted"),
    [
        ("ranking", [[0], [1], [2]], [[0], [1], [2]], (0, 0)),
        ("ranking", [[0], [1], [2]], [[2], [1], [0]], (3, 1)),
        ("ranking", [[0], [1], [2]], [[0], [1, 2]], (0.5, 0.5 / 3)),
        ("best_worst", {"best": 0, "worst": 2}, {"best": 0, "worst": 1}, (1, 0.5)),
        ("spans", [], [], (0, 0)),
        ("spans", [mark(0, 10)], [], (1, 1)),
        ("spans", [mark(0, 10)], [mark(5, 10)], (0, 0)),
        ("spans", [mark(0, 10)], [mark(6, 10)], (2, 1)),
        ("spans", [mark(0, 10)], [mark(0, 10, severity="minor")], (2, 1)),
        ("spans", [mark(0, 10), mark(20, 30)], [mark(0, 10), mark(0, 9)], (2, 0.5)),
    ],
)
def test_how_far_orders_and_marks_are_apart(kind: str, known: Any, given: Any, wanted: tuple[float, float]) -> None:
    assert off(kind, known, given) == pytest.approx(wanted)


def ranked(n: int = 3, state: str = Round.State.CLOSED) -> Round:
    """Two raters who rank four answers the other way round in the first prompt, and alike in the others."""
    orders = [" > ".join(NAMES), " > ".join(NAMES[::-1])]
    rows = [
        {"item": f"q{i}", "system": "|".join(NAMES), "rater": rater, "criterion": "order",
         "value": orders[i == 0 and rater == "ben"]}
        for i in range(n) for rater in ("ann", "ben")
    ]  # fmt: skip
    return filled_round([ORDER], rows, "rank", state=state)


def ruled(round: Round, place: Place, value: str, **more: Any) -> Adjudication:
    ruling = Ruling(value=value, reason="Read again.", revision=0, **more)
    return adjudicate(round=round, place=place, ruling=ruling, actor=None)


def test_a_reviewer_settles_an_order_seen_in_another_one() -> None:
    round = ranked()
    [case] = cases(round)
    assert (case.distance, case.outputs) == (1.0, 4)
    order = page_order(round, case.place.task, 4)
    assert sorted(order) == list("0123")
    client = as_(member(round.project, "reviewer"))
    address = reverse("annotation:case", args=[round.project.slug, round.slug, case.place.task, "order"])
    assert client.get(address).content.decode().count('name="value~A"') == 4
    assert " · " in client.get(url(round, "adjudication")).content.decode()
    short = client.post(address, {"revision": "0", "reason": "So.", "value~A": "A:1"})
    assert (short.status_code, "each answer one place" in short.content.decode()) == (422, True)
    places = {
        f"value~{letter}": f"{letter}:{int(canonical) + 1}" for letter, canonical in zip("ABCD", order, strict=True)
    }
    assert client.post(address, {"revision": "0", "reason": "So.", **places}).status_code == 302
    [final] = final_rows(round)
    told = dict(zip([column.name for column in FINAL_COLUMNS], final, strict=True))
    assert json.loads(told["final_data"]) == [[0], [1], [2], [3]], "canonical, whatever was shown where"
    shown = " &gt; ".join("ABCD"[order.index(str(n))] for n in range(4))
    assert shown in client.get(address).content.decode()
    assert summary(case, ORDER, "0123") == "A > B > C > D · D > C > B > A"


def test_reports_take_a_final_order_in_place_of_raters_own() -> None:
    round = ranked()
    own = reports.build(round, ReportOptions(seed=3)).body
    [case] = cases(round)
    ruled(round, case.place, "A:4|B:2|C:3|D:1")
    body = reports.build(round, FINAL).body
    assert body["final_answers"] == {"used": True, "n": 1, "n_unsettled": 0}
    rates = [each["preference"]["order"]["win_rate"]["amber"]["dolomite"]["value"] for each in (own, body)]
    assert rates == pytest.approx([(0.5 + 1 + 1) / 3, 2 / 3])
    ranks = [each["orders"]["order"]["systems"]["amber"]["mean"]["value"] for each in (own, body)]
    assert ranks == pytest.approx([(2.5 + 1 + 1) / 3, (4 + 1 + 1) / 3])
    assert body["orders"]["order"]["kendall_w"] == own["orders"]["order"]["kendall_w"], "agreement is of raters alone"


def test_best_and_worst_replace_all_that_raters_said_of_the_task() -> None:
    rows = [
        {"item": f"q{i}", "system": "|".join(NAMES), "rater": rater, "criterion": "ends", "value": value}
        for i in range(2) for rater, value in (("ann", "amber > dolomite"), ("ben", "amber > cobalt"))
    ]  # fmt: skip
    round = filled_round([ENDS], rows, "rank", state=Round.State.CLOSED)
    for case in cases(round):
        ruled(round, case.place, "best:B|worst:A")
    body = reports.build(round, FINAL).body
    assert body["preference"]["ends"]["win_rate"]["basalt"]["amber"]["value"] == 1
    systems = body["orders"]["ends"]["systems"]
    assert [systems[name]["n_worst"] for name in NAMES] == [2, 0, 0, 0]


def test_a_final_answer_by_marks_quotes_the_text_and_counts_in_the_report() -> None:
    round = marking_round(overlap=2, items=1)
    for fields in (quote(1, "says", 3), {"errors": "none"}):
        rater = Rater(round)
        rater.page()
        assert rater.send(**fields).status_code == 302
    [case] = cases(round)
    assert case.distance == 1.0
    client = as_(member(round.project, "reviewer"))
    address = reverse("annotation:case", args=[round.project.slug, round.slug, case.place.task, "errors.o0"])
    page = client.get(address).content.decode()
    assert "“says” (accuracy, major)" in page
    assert "😀 The policy" in page
    fields = {name.replace("errors", "value"): value for name, value in quote(1, "policy", severity="minor").items()}
    assert client.post(address, {"revision": "0", "reason": "A slip.", **fields}).status_code == 302
    made = Adjudication.objects.get()
    assert (made.number, [m["severity"] for m in made.data]) == (1.0, ["minor"])
    errors = reports.build(round, FINAL).body["marks"]["errors"]["systems"]
    [system] = errors.values()
    assert (system["n"], system["counts"]["accuracy"]) == (1, {"minor": 1, "major": 0})


def test_known_orders_come_by_the_form_and_are_right_within_their_tolerance() -> None:
    round = round_factory(mode="rank", items=4, systems=3, overlap=1, criteria=(ORDER,), opened=False, gold_rate=0.5)
    client = as_(member(round.project, "lead"))
    kind = {"project": round.project.slug, "round": round.slug}
    for item in Item.objects.filter(project=round.project).order_by("pk")[:2]:
        found = client.get(reverse("annotation:gold", kwargs=kind), {"q": item.external_id}).content.decode()
        outputs = "-".join(str(o.pk) for o in item.outputs.order_by("pk"))
        assert f"outputs={outputs}" in found
        address = reverse("annotation:gold_task", kwargs=kind) + f"?outputs={outputs}"
        assert "in the other order" in client.get(address).content.decode()
        given = {"c-order~A": "A:1", "c-order~B": "B:2", "c-order~C": "C:3", "tolerance-c-order": "1"}
        assert client.post(address, given).status_code == 302
    assert [a.data for a in GoldAnswer.objects.all()] == [[[0], [1], [2]]] * 2
    assert "A &gt; B &gt; C ± 1" in client.get(reverse("annotation:gold", kwargs=kind)).content.decode()
    round_open(round=round, actor=None)
    rater, nth = Rater(round), 0
    for n in range(4):
        rater.page()
        live = Assignment.objects.get(state=Assignment.State.LIVE)
        # The first of them with one pair the wrong way round, the second with two.
        places = [{"0": 2, "1": 1, "2": 3}, {"0": 3, "1": 1, "2": 2}][min(nth, 1)]
        nth += live.purpose == Assignment.Purpose.GOLD
        order = "|".join(f"{letter}:{places[p]}" for letter, p in zip("ABC", live.shown_order, strict=True))
        submit(rater, live.public_id, f"key-{n:08}", order)
    [results] = gold_results(list(round.seats.values_list("pk", flat=True))).values()
    assert [each.passed for each in results] == [True, False]


def test_known_marks_are_quoted_on_the_form() -> None:
    round = marking_round(opened=False)
    client = as_(member(round.project, "lead"))
    item = Item.objects.filter(project=round.project).order_by("pk")[0]
    kind = {"project": round.project.slug, "round": round.slug}
    address = reverse("annotation:gold_task", kwargs=kind) + f"?outputs={item.outputs.get().pk}"
    fields = {f"c-{name}": value for name, value in quote(1, "policy").items()}
    assert client.post(address, fields).status_code == 302
    known = GoldAnswer.objects.get()
    assert [{k: v for k, v in m.items() if k != "revision"} for m in known.data] == [mark(8, 14)]
    assert "8 to 14 (accuracy, major)" in client.get(reverse("annotation:gold", kwargs=kind)).content.decode()
    assert "<q dir" in client.get(address).content.decode(), "what is known already stands in the form"


def test_a_report_of_settled_orders_follows_from_its_export(tmp_path: Path) -> None:
    """With an order that is known too: one right and one wrong."""
    rows = [
        {
            "item": "g",
            "system": "|".join(NAMES),
            "rater": rater,
            "criterion": "order",
            "purpose": "gold",
            "value": value,
        }
        for rater, value in (("ann", " > ".join(NAMES)), ("ben", " > ".join(NAMES[::-1])))
    ]
    round = ranked(state=Round.State.OPEN)
    add_rows(round, rows)
    task = round.tasks.get(item__external_id="g")
    known = round.rubric_version.criteria.get(key="order")
    GoldAnswer.objects.create(task=task, criterion=known, data=[[0], [1], [3], [2]], tolerance=1)
    ruled(round, cases(round)[0].place, "A:4|B:2|C:3|D:1")
    body = json.loads(body_json(reports.build(round, FINAL).body))
    export_round(round=round, formats=["csv"], out=tmp_path)
    assert not differences(body, read_export(tmp_path), lambda *_: None)
    assert sorted(reports.data_of(round, FINAL).gold["right"]) == [False, True]
