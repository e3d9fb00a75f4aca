"""Whatever is missing, a whole report in every form: it says what cannot be known, and never a number in its place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from analytics.report_forms import FORMS
from analytics.report_table import estimates
from analytics.sections.advice import advice_words, prompts_to_settle
from analytics.services import report_build
from annotation.models import Round
from projects.models import AutomatedScore, Metric, Output
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_report_pages import client_of, text_of, url
from tests.analytics.test_reports import QUALITY, SCHEMA, compared, scored
from tests.factories import OVERALL, round_factory

pytestmark = pytest.mark.django_db
HELPFUL = scale("helpful", "ordinal")
Rows = list[dict[str, Any]]


def score(rows: Rows, *criteria: Any) -> Round:
    return filled_round([HELPFUL, *criteria], rows)


def one_rater() -> Round:
    return score([row for row in scored() if row["rater"] == "ann"])


def one_item() -> Round:
    return score([row for row in scored() if row["item"] == "q0"])


def no_overlap() -> Round:
    raters = ("ann", "ben", "cem")
    return score([row for n, row in enumerate(scored()) if row["rater"] == raters[(n // 3) % 3]])


def all_ties() -> Round:
    return filled_round([OVERALL], [{**row, "value": "tie"} for row in compared()], "compare")


def a_system_without_judgments() -> Round:
    round_ = score([row for row in scored() if row["system"] == "new"])
    round_.project.systems.create(name="silent")
    return round_


def a_criterion_nobody_answered() -> Round:
    return score(scored(), QUALITY)


def nobody_could_judge() -> Round:
    return score([{**row, "value": "", "cannot_judge": "true"} for row in scored()])


def systems_that_never_met() -> Round:
    apart = [{**row, "system": "left", "system_b": "right", "item": f"x{row['item']}"} for row in compared()]
    return filled_round([OVERALL], [*compared(), *apart], "compare")


def a_judge_without_scores() -> Round:
    round_ = score(scored())
    Metric.objects.create(project=round_.project, key="judge", source="llm", kind="number", criterion_key="helpful")
    return round_


def nothing_at_all() -> Round:
    return score([])


def everybody_agrees() -> Round:
    return score([{**row, "value": 3} for row in scored()])


# What a reader finds on the page, so that he knows what would make it known.
CASES: dict[Callable[[], Round], str] = {
    one_rater: "two ratings of the same output",
    one_item: "not estimable",
    no_overlap: "two ratings of the same output",
    all_ties: "cannot yet say whether",
    a_system_without_judgments: "agree",
    a_criterion_nobody_answered: "not estimable",
    nobody_could_judge: "not estimable",
    systems_that_never_met: "groups that never met",
    a_judge_without_scores: "scores higher",
    nothing_at_all: "There are no judgments yet",
    everybody_agrees: "not estimable",
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_whole_report_in_every_form(make: Callable[[], Round]) -> None:
    report = report_build(round=make())
    body = json.loads(FORMS["json"].make(report))
    jsonschema.validate(body, SCHEMA)
    for place, estimate in estimates(body):
        complete = None not in (estimate["value"], estimate["low"], estimate["high"])
        assert complete if estimate["status"] == "ok" else estimate["reason"].endswith((".", "?")), place
    page = text_of(client_of(report.round, "lead").get(url("report", report)))
    assert CASES[make] in page
    for form in ("html", "pdf", "xlsx", "csv", "parquet"):
        assert FORMS[form].make(report), form


def estimate(value: float, half: float, prompts: int) -> dict[str, Any]:
    limits = {"low": value - half, "high": value + half, "level": 0.95}
    return {"status": "ok", "value": value, "n_clusters": prompts, **limits}


def test_how_many_more_prompts_follows_the_formula() -> None:
    found = prompts_to_settle(estimate(0.55, 0.06, 200), 0.5)
    assert found is not None
    error = 0.06 / 1.971957  # t(199)
    wanted = 200 * ((1.959964 + 0.841621) * error / 0.05) ** 2
    assert found["more"] == math.ceil(wanted) - 200
    assert found["low"] < found["more"] < found["high"]
    assert "more prompts (" in advice_words(found, "it")


def test_near_no_difference_only_the_least_is_said_and_a_settled_one_says_nothing() -> None:
    found = prompts_to_settle(estimate(0.505, 0.06, 200), 0.5)
    assert found is not None
    assert (found["more"], found["high"]) == (None, None)
    assert advice_words(found, "it").startswith("More than ")
    assert prompts_to_settle(estimate(0.7, 0.06, 200), 0.5) is None


def test_what_is_worth_reading_is_what_was_planted() -> None:
    rows = [{**row, "value": 3} for row in scored()]
    rows = [{**row, "value": 5} if row["system"] == "new" and row["item"] != "q7" else row for row in rows]
    for row in rows:
        if row["item"] == "q5" and row["system"] == "old":
            row["value"] = 1 if row["rater"] == "ann" else 5
        if row["item"] == "q7" and row["system"] == "new":
            row["value"] = 1
    report = report_build(round=score(rows))
    found = report.body["reading"]
    first = found["disagreement"][0]
    assert (first["item"], first["system"], first["answers"]) == ("q5", "old", ["1", "5", "5"])
    upsets = [(row["prompt"], row["ahead"], row["share"], row["n_judgments"]) for row in found["upsets"]]
    assert upsets == [("q7", "new", 0.0, 6)]
    page = text_of(client_of(report.round, "viewer").get(url("report", report)))
    item = report.round.project.items.get(external_id="q5")
    assert f'/items/{item.pk}/">q5</a>' in page
    assert f"/items/{item.pk}/" not in FORMS["html"].make(report).decode()


def test_a_round_without_a_judgment_beside_a_metric_gives_a_whole_report() -> None:
    """Of the metric the report says what it gave, and of people that nothing is known."""
    round_ = round_factory(items=2)
    metric = Metric.objects.create(project=round_.project, key="judge", kind="number", criterion_key="correct")
    for output in Output.objects.filter(item__project=round_.project):
        AutomatedScore.objects.create(metric=metric, key=str(output.pk), output=output, number=1)
    report = report_build(round=round_)
    jsonschema.validate(json.loads(FORMS["json"].make(report)), SCHEMA)
    assert "no judgment" in text_of(client_of(round_, "lead").get(url("report", report))).lower()
    for form in ("html", "pdf", "xlsx", "csv", "parquet"):
        assert FORMS[form].make(report), form
