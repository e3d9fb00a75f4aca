"""People and a judge together: the published figure, the refusals, and that the exported files give it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string

from analytics import reports
from analytics.digests import body_json
from analytics.report_powered import powered_part
from analytics.sections.powered import powered_section
from analytics.verification import differences
from annotation.exporters.files import export_round
from annotation.exporters.reading import read_export
from annotation.models import Round
from projects.models import AutomatedScore, Item, Metric, Output, System
from tests.analytics.helpers import SHARED, filled_round, scale, shared_rows
from tests.analytics.test_reports import body_of
from tests.factories import OVERALL

pytestmark = pytest.mark.django_db
PEOPLE = ("ann", "ben")
DRAWN, ALL = 24, 96


def sampled(design: str = "random", level: str = "interval", **extra: Any) -> Round:
    """Items q0 to q23 rated by two people, of a frame of 96 of which a judge scored all: one level too low, mostly."""
    rows = [
        {"item": f"q{n}", "system": "s", "rater": rater, "criterion": "helpful", "value": truth(n) + (n % 5 == who)}
        for n in range(DRAWN)
        for who, rater in enumerate(PEOPLE)
    ]
    round_ = filled_round([scale("helpful", level)], rows, design=design, **{"frame_size": ALL, **extra})
    others(round_, "s", range(DRAWN, ALL))
    judge(round_, lambda n: truth(n) - (n % 7 > 1))
    return round_


def truth(n: int) -> float:
    return 2.0 + (n * 5) % 3


def others(round_: Round, system: str, numbers: range) -> None:
    """Outputs that nobody rated."""
    answers, _ = System.objects.get_or_create(project=round_.project, name=system)
    for n in numbers:
        item, _ = Item.objects.get_or_create(project=round_.project, external_id=f"q{n}", defaults={"cluster": f"q{n}"})
        Output.objects.create(item=item, system=answers)


def judge(round_: Round, value: Any) -> None:
    metric = Metric.objects.create(
        project=round_.project, key="judge", source="llm", kind="number", criterion_key="helpful"
    )
    for output in Output.objects.filter(item__project=round_.project).select_related("item").order_by("id"):
        said = value(int(output.item.external_id[1:]))
        AutomatedScore.objects.create(metric=metric, key=str(output.pk), output=output, number=said)


def pairs() -> Round:
    """Of 60 pairs 20 were drawn; the judge answers them all, in the order b and a where n is odd."""
    rows = [
        {"item": f"q{n}", "system": "new", "system_b": "old", "position": "a_first", "rater": rater,
         "criterion": "overall", "value": ("a", "a", "b", "tie")[(n + (n % 6 == who)) % 4]}
        for n in range(20)
        for who, rater in enumerate(PEOPLE)
    ]  # fmt: skip
    round_ = filled_round([OVERALL], rows, "compare", slug="pairs", design="random", frame_size=60)
    for system in ("new", "old"):
        others(round_, system, range(20, 60))
    metric = Metric.objects.create(
        project=round_.project, key="judge", source="llm", kind="preference", criterion_key="overall"
    )
    found = {(o.item.external_id, o.system.name): o for o in Output.objects.select_related("item", "system")}
    for n in range(60):
        one, two = ("new", "old") if n % 2 == 0 else ("old", "new")
        said = ("a", "a", "b", "tie")[n % 4]
        label = said if n % 2 == 0 else {"a": "b", "b": "a"}.get(said, said)
        AutomatedScore.objects.create(
            metric=metric, key=str(n), output=found[f"q{n}", one], output_b=found[f"q{n}", two], label=label
        )
    return round_


def powered(round_: Round) -> dict[str, Any]:
    return powered_section(reports.data_of(round_, reports.ReportOptions()))


def test_people_alone_the_judge_alone_and_both() -> None:
    found = powered(sampled())["scores"]["helpful"]["judge"]["s"]
    people = sum(truth(n) + (n % 5 in (0, 1)) / 2 for n in range(DRAWN)) / DRAWN
    alone = sum(truth(n) - (n % 7 > 1) for n in range(ALL)) / ALL
    assert (found["n_labelled"], found["n_unlabelled"]) == (DRAWN, ALL - DRAWN)
    assert found["classical"]["value"] == pytest.approx(people)
    assert found["judge_only"]["value"] == pytest.approx(alone)
    assert found["estimate"]["status"] == "ok"
    assert found["estimate"]["n_judgments"] == 2 * DRAWN
    assert found["estimate"]["n_raters"] == 2
    assert abs(found["estimate"]["value"] - people) < 0.3 < people - alone
    assert found["effective_n"] > DRAWN


def test_a_win_rate_is_the_same_whatever_order_the_judge_read() -> None:
    found = powered(pairs())["win_rates"]["overall"]["judge"]["new"]["old"]
    assert (found["n_labelled"], found["n_unlabelled"]) == (20, 40)
    assert found["judge_only"]["value"] == pytest.approx(2.5 / 4)
    assert found["estimate"]["unit"] == "share"
    assert found["effective_n"] > 20


def test_what_cannot_be_said_is_said_with_its_reason() -> None:
    assert "not known" in powered(sampled("unknown"))["reason"]
    assert "chances of some" in powered(sampled("weighted", slug="two"))["reason"]
    grown = powered(sampled(frame_size=90, slug="three"))
    assert "drawn from 90, and there are 96 now" in grown["reason"]
    [left] = powered(sampled(level="ordinal", slug="four"))["left_out"]
    assert "no mean" in left["reason"]
    whole = powered(sampled("census", slug="five"))
    assert (whole["reason"], whole["scores"]) == ("", {})
    few = powered(sampled(frame_size=200, slug="six"))["scores"]["helpful"]["judge"]["s"]["estimate"]
    assert "96 of the 200 items" in few["warnings"][-1]


def test_strata_and_chances_stand_where_the_sample_has_them() -> None:
    round_ = sampled("stratified")
    for n, drawn in enumerate(round_.round_items.order_by("id")):
        drawn.stratum, drawn.inclusion_probability = "en", 0.25 if n else 0.5
        drawn.save()
    found = powered(round_)["scores"]["helpful"]["judge"]["s"]
    assert found["estimate"]["value"] != pytest.approx(found["judge_only"]["value"])
    assert len(found["tuning"]) == 1


@pytest.mark.parametrize("make", [sampled, pairs])
def test_the_exported_files_give_it_again(make: Any, tmp_path: Path) -> None:
    round_ = make()
    export_round(round=round_, formats=["csv"], out=tmp_path)
    body = json.loads(body_json(body_of(round_)))
    [criterion] = powered_part(body).criteria
    [line] = criterion.lines
    shown = render_to_string("analytics/_report_powered.html", {"p": powered_part(body)})
    assert line.said.is_known
    assert all(text in shown for text in (line.name, *line.cells, line.said.interval))
    assert not differences(body, read_export(tmp_path), lambda *_: None)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "alttest_summeval").exists(), reason="the reference data are not here")
def test_the_published_mean_of_summeval() -> None:
    asked = json.loads((SHARED / "alttest_summeval" / "expected.json").read_text())["ppi_mean"]
    people = shared_rows("alttest_summeval", "human.csv")
    rated = [row for row in people if (int(row["item"]) * 2654435761) % 2**32 < 2**29]
    rows = [{"system": "s", "criterion": "answer", **row} for row in rated]
    round_ = filled_round([scale("answer", "interval")], rows, design="random", frame_size=6400)
    outputs = {o.item.external_id: o for o in Output.objects.select_related("item")}
    system = System.objects.get(name="s")
    judged = [row for row in shared_rows("alttest_summeval", "judges.csv") if row["judge"] == asked["judge"]]
    fresh = [row["item"] for row in judged if row["item"] not in outputs]
    Item.objects.bulk_create(Item(project=round_.project, external_id=x, cluster=x) for x in fresh)
    items = dict(Item.objects.values_list("external_id", "pk"))
    Output.objects.bulk_create(Output(item_id=items[x], system=system) for x in fresh)
    places = dict(Output.objects.values_list("item__external_id", "pk"))
    metric = Metric.objects.create(
        project=round_.project, key=asked["judge"], source="llm", kind="number", criterion_key="answer"
    )
    AutomatedScore.objects.bulk_create(
        AutomatedScore(metric=metric, key=row["item"], output_id=places[row["item"]], number=float(row["value"]))
        for row in judged
    )
    found = body_of(round_)["powered"]["scores"]["answer"][asked["judge"]]["s"]
    assert (found["n_labelled"], found["n_unlabelled"]) == (asked["n"], asked["N"])
    assert found["estimate"]["value"] == pytest.approx(4.105287, abs=1e-6)
    assert found["tuning"] == [pytest.approx(0.642949, abs=1e-6)]
    assert found["classical"]["value"] == pytest.approx(asked["classical_mean"], abs=1e-9)
    assert found["judge_only"]["value"] == pytest.approx(asked["judge_only_mean"], abs=1e-9)
