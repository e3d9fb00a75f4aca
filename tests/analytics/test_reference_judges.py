"""The published alternative annotator tests, through the whole path: people's judgments imported, judges' scores beside
them, and the figures read from the report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from annotation.models import Round
from projects.models import AutomatedScore, Metric, Output
from rubrics.specs import CriterionSpec, LevelSpec
from tests.analytics.helpers import SHARED, filled_round, scale, shared_rows
from tests.analytics.test_reports import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not (SHARED / "alttest_wax").exists(), reason="the reference data are not here"),
]


def judged(name: str, scoring: str) -> Round:
    people, judges = shared_rows(name, "human.csv"), shared_rows(name, "judges.csv")
    numbers = scoring == "neg_rmse"
    criterion = scale("answer", "interval") if numbers else labelled({row["value"] for row in (*people, *judges)})
    rows = [{"system": "s", "criterion": "answer", **row} for row in people]
    round_ = filled_round([criterion], rows)
    outputs = dict(Output.objects.filter(item__project=round_.project).values_list("item__external_id", "pk"))
    kind = "number" if numbers else "label"
    for judge in sorted({row["judge"] for row in judges}):
        metric = Metric.objects.create(
            project=round_.project, key=judge, source="llm", kind=kind, criterion_key="answer"
        )
        AutomatedScore.objects.bulk_create(
            AutomatedScore(
                metric=metric,
                key=f"{judge}:{row['item']}",
                output_id=outputs[row["item"]],
                number=float(row["value"]) if numbers else None,
                label="" if numbers else row["value"],
            )
            for row in judges
            if row["judge"] == judge and row["item"] in outputs
        )
    return round_


def labelled(labels: set[str]) -> CriterionSpec:
    levels = tuple(LevelSpec(label, label, None) for label in sorted(labels))
    return CriterionSpec("answer", "one_of", "Which one is it?", "nominal", levels=levels)


@pytest.mark.parametrize("name", ["mtbench", "wax", pytest.param("cebab_stars", marks=pytest.mark.slow),
                                  pytest.param("summeval", marks=pytest.mark.slow)])  # fmt: skip
def test_every_winning_rate_and_advantage_probability_is_the_published_one(name: str) -> None:
    asked: dict[str, Any] = json.loads((SHARED / f"alttest_{name}" / "expected.json").read_text())["alt_test"]
    body = json.loads(json.dumps(body_of(judged(f"alttest_{name}", asked["scoring"]))))
    assert set(body["automated"]) == set(asked["rows"])
    for judge, row in asked["rows"].items():
        found = body["automated"][judge]["answer"]["alt_test"]
        assert (found["scoring"], found["q"]) == (asked["scoring"], asked["fdr_q"])
        [rate] = [each["winning_rate"] for each in found["curve"] if each["epsilon"] == asked["epsilon"]]
        again = row["recomputed"]
        assert rate == pytest.approx(again["winning_rate"], abs=1e-9), judge
        assert found["advantage_probability"]["value"] == pytest.approx(again["advantage_probability"], abs=1e-9)
