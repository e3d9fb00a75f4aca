"""The whole picture: quality beside time, cost and metrics; and the items on which a judge and people part."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from analytics.report_page import page_of
from analytics.services import report_build
from annotation.models import Round
from projects.models import AutomatedScore, ItemTag, Metric, Output
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_reports import body_of
from tests.factories import member

pytestmark = pytest.mark.django_db
RATING = {"good": 4, "twin": 4, "weak": 2}
COST = {"good": 3.0, "twin": 5.0, "weak": 1.0}


def studied(items: int = 12) -> Round:
    """`good` and `twin` are rated alike, above `weak` but for one prompt in four; only their prices differ."""
    rows: list[dict[str, Any]] = [
        {
            **{"item": f"q{n}", "system": system, "rater": rater, "criterion": "helpful"},
            "value": 3 if n % 4 == 0 else rating,
        }
        for n in range(items)
        for system, rating in RATING.items()
        for rater in ("ann", "ben")
    ]
    round_ = filled_round([scale("helpful", "ordinal")], rows)
    for n, output in enumerate(Output.objects.filter(item__project=round_.project).select_related("system")):
        output.cost, output.currency = COST[output.system.name] + 0.01 * (n % 5), "EUR"
        output.latency_ms = 100.0 + n
        output.save(update_fields=["cost", "currency", "latency_ms"])
    return round_


def test_systems_stand_beside_each_other_with_what_they_take() -> None:
    body = body_of(studied())
    found = body["picture"]["systems"]
    quality = {name: row["quality"]["helpful"] for name, row in found.items()}
    assert quality["good"]["value"] == pytest.approx((0.5 + 0.875) / 2), "level with twin, above weak on 9 of 12"
    assert quality["weak"]["value"] == pytest.approx(0.125)
    cost = found["good"]["measures"]["cost"]["mean"]
    assert (cost["value"], cost["unit"], cost["n_clusters"]) == (pytest.approx(3.02, abs=0.01), "EUR", 12)
    slow = found["good"]["measures"]["latency_ms"]["p95"]
    assert (slow["status"], slow["low"]) == ("insufficient", None)
    assert "ttft_ms" not in found["good"]["measures"], "not recorded is not 0"


def test_better_and_cheaper_is_said_where_both_are_settled() -> None:
    body = body_of(studied())
    assert body["picture"]["front"]["helpful"]["cost"] == ["good", "weak"]
    part = page_of(body).picture
    said = " ".join(part.sentences)
    assert "good is better than weak on “helpful”, for more cost" in said
    assert "twin is better than good" not in said
    assert "good is better than twin" not in said
    assert [point.name for point in part.charts[0].drawn.points if point.on_front] == ["good", "weak"]


def test_costs_in_two_currencies_are_not_compared() -> None:
    round_ = studied()
    Output.objects.filter(item__project=round_.project, system__name="twin").update(currency="USD")
    found = body_of(round_)["picture"]
    assert {row["measures"]["cost"]["mean"]["status"] for row in found["systems"].values()} == {"not_estimable"}
    assert "cost" not in found["differences"]
    assert "cost" not in found["front"]["helpful"]


def test_metrics_are_means_over_the_judged_outputs_and_shares_stay_within_bounds() -> None:
    round_ = studied()
    metric = Metric.objects.create(project=round_.project, key="valid", source="code", kind="bool")
    for output in Output.objects.filter(item__project=round_.project):
        number = float(output.system.name != "weak" or output.item.external_id != "q1")
        AutomatedScore.objects.create(metric=metric, key=str(output.pk), output=output, number=number)
    found = body_of(round_)["picture"]["systems"]
    every, most = found["good"]["metrics"]["valid"], found["weak"]["metrics"]["valid"]
    assert (every["value"], every["high"]) == (1.0, 1.0)
    assert every["low"] < 1
    assert (most["value"], most["high"]) == (pytest.approx(11 / 12), 1.0)


def test_without_measures_and_metrics_there_is_no_such_section() -> None:
    round_ = studied()
    Output.objects.filter(item__project=round_.project).update(cost=None, latency_ms=None)
    body = body_of(round_)
    assert body["picture"] == {}
    assert not page_of(body).picture


def judged_by_a_metric() -> Round:
    """The judge gives what people give, but for two outputs of `weak`, which it finds perfect."""
    round_ = studied()
    metric = Metric.objects.create(
        project=round_.project, key="judge", source="llm", kind="number", criterion_key="helpful"
    )
    for output in Output.objects.filter(item__project=round_.project).select_related("item", "system"):
        name = output.item.external_id
        given = 3.0 if int(name[1:]) % 4 == 0 else float(RATING[output.system.name])
        number = 5.0 if output.system.name == "weak" and name in {"q1", "q5"} else given
        AutomatedScore.objects.create(metric=metric, key=str(output.pk), output=output, number=number)
    return round_


def test_the_report_names_what_a_judge_and_people_see_differently() -> None:
    found = body_of(judged_by_a_metric())["reading"]["judges"]
    assert [(row["item"], row["system"], row["judge"], row["people"], row["apart"]) for row in found] == [
        ("q1", "weak", 5.0, 2.0, 0.75),
        ("q5", "weak", 5.0, 2.0, 0.75),
    ]


def test_a_round_is_planned_on_these_items(client: Client) -> None:
    round_ = judged_by_a_metric()
    report = report_build(round=round_)
    lead = member(round_.project, "lead")
    client.force_login(lead)
    page = client.get(f"/p/{round_.project.slug}/reports/{report.pk}/")
    assert "Plan a round on these items" in page.content.decode()
    answer = client.post(f"/p/{round_.project.slug}/reports/{report.pk}/look/", follow=True)
    tag = f"look:{round_.slug}-{report.number}"
    assert set(ItemTag.objects.filter(tag=tag).values_list("item__external_id", flat=True)) == {"q1", "q5"}
    assert answer.context["form"]["tag"].value() == tag


def test_a_report_in_which_nobody_parts_says_so(client: Client) -> None:
    round_ = studied()
    report = report_build(round=round_)
    client.force_login(member(round_.project, "lead"))
    answer = client.post(f"/p/{round_.project.slug}/reports/{report.pk}/look/", follow=True)
    assert "names no items" in answer.content.decode()
    assert not ItemTag.objects.exists()
