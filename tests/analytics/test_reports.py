"""Published figures through the whole path: file, import, frames, statistics, report."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analytics import reports
from analytics.services import report_build
from annotation.models import RaterExclusion, Round, Seat
from projects.models import AutomatedScore, Item, Metric, Output
from rubrics.specs import CriterionSpec
from tests.analytics.helpers import SHARED, add_rows, filled_round, scale, shared_rows
from tests.factories import OVERALL

pytestmark = pytest.mark.django_db
SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "report.schema.json").read_text())

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability: four observers, twelve units, "." is missing.
KRIPPENDORFF = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}
LEVELS = ("nominal", "ordinal", "interval", "ratio")
QUALITY = CriterionSpec("good", "yes_no", "Is it good?", "nominal")


def body_of(round_: Round, **options: Any) -> dict[str, Any]:
    body = reports.build(round_, reports.ReportOptions(**options)).body
    jsonschema.validate(body, SCHEMA)
    return body


def krippendorff_rows() -> list[dict[str, Any]]:
    return [
        {"item": f"u{n}", "system": "s", "rater": rater, "criterion": level, "value": value}
        for rater, values in KRIPPENDORFF.items()
        for n, value in enumerate(values.split(), start=1)
        if value != "."
        for level in LEVELS
    ]


def test_krippendorffs_table_gives_his_four_alphas() -> None:
    body = body_of(filled_round([scale(level, level) for level in LEVELS], krippendorff_rows()))
    found = {level: body["agreement"][level]["krippendorff_alpha"] for level in LEVELS}
    published = {"nominal": 0.743421, "ordinal": 0.815388, "interval": 0.849107, "ratio": 0.797403}
    assert {level: e["value"] for level, e in found.items()} == pytest.approx(published, abs=1e-6)
    assert {(e["n_units"], e["n_judgments"], e["n_raters"]) for e in found.values()} == {(11, 40, 4)}
    assert len(body["raters"]) == 4


@pytest.mark.skipif(not (SHARED / "judgebench_newsroom").exists(), reason="the reference data are not here")
def test_newsroom_gives_its_published_alphas() -> None:
    """Lists of ratings without rater identity."""
    rows = [
        {"item": r["item"], "system": "s", "rater": "", "criterion": r["criterion"], "value": r["value"]}
        for r in shared_rows("judgebench_newsroom", "ratings.csv")
    ]
    keys = list(dict.fromkeys(row["criterion"] for row in rows))
    body = body_of(filled_round([scale(key, "ordinal") for key in keys], rows))
    expected = json.loads((SHARED / "judgebench_newsroom" / "expected.json").read_text())["alpha"]
    assert {k: body["agreement"][k]["krippendorff_alpha"]["value"] for k in keys} == pytest.approx(
        {k: expected[k]["published_alpha"] for k in keys}, abs=1e-6
    )
    assert body["raters"] == {}
    assert body["round"]["n_unknown"] == body["round"]["n_judgments"] > 0


@pytest.mark.skipif(not (SHARED / "alttest_summeval").exists(), reason="the reference data are not here")
def test_summeval_gives_its_interval_alpha_on_all_units() -> None:
    rows = [
        {"item": r["item"], "system": "s", "rater": r["rater"], "criterion": "score", "value": r["value"]}
        for r in shared_rows("alttest_summeval", "human.csv")
    ]
    found = body_of(filled_round([scale("score", "interval")], rows))["agreement"]["score"]["krippendorff_alpha"]
    assert found["value"] == pytest.approx(0.718697, abs=1e-6)
    assert found["n_units"] == 6400


def compared(n: int = 24) -> list[dict[str, Any]]:
    """Prompts on which `new` wins four times in six, with either side first, and two raters a prompt."""
    rows = []
    for item in range(n):
        for rater in ("ann", "ben"):
            value = ["b", "b", "b", "tie", "b", "a"][(item + (rater == "ben")) % 6]
            position = ["a_first", "b_first"][item % 2]
            row = {"item": f"q{item}", "system": "old", "system_b": "new", "rater": rater, "criterion": "overall"}
            rows.append({**row, "value": value, "position": position})
    return rows


def test_win_rates_ties_and_sides() -> None:
    body = body_of(filled_round([OVERALL], compared(), "compare"))
    section = body["preference"]["overall"]
    rate, other = section["win_rate"]["new"]["old"], section["win_rate"]["old"]["new"]
    assert rate["value"] == pytest.approx((4 + 0.5) / 6)
    assert other["value"] == pytest.approx(1 - rate["value"])
    assert (rate["n_clusters"], rate["n_judgments"], rate["n_raters"]) == (24, 48, 2)
    assert section["ties"]["value"] == pytest.approx(1 / 6)
    assert section["ties"]["counts"] == {"tie": 8, "both_good": 0, "both_bad": 0}
    assert section["position_bias"]["n_judgments"] == 40
    assert body["answer"]["headline"].startswith("new is preferred to old")


def test_agreement_about_a_pair_does_not_depend_on_the_side_shown() -> None:
    rows = compared()
    turned = [{**row, "position": "b_first" if row["rater"] == "ben" else "a_first"} for row in rows]
    first, second = (body_of(filled_round([OVERALL], r, "compare")) for r in (rows, turned))
    for part in (lambda body: body["agreement"], lambda body: body["preference"]["overall"]["win_rate"]):
        # To the last digits but three: in which order sums are taken follows the numbers of rows.
        expected = {
            place: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            for place, value in leaves(part(second))
        }
        assert dict(leaves(part(first))) == expected


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure and word of a part of a report, by where it stands."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{place}/{key}")
    else:
        yield place, value


def test_an_unknown_order_stays_out_of_position_figures_only() -> None:
    rows = [{**row, "position": ""} for row in compared()]
    section = body_of(filled_round([OVERALL], rows, "compare"))["preference"]["overall"]
    assert section["position_bias"]["status"] == "not_estimable"
    assert section["win_rate"]["new"]["old"]["status"] == "ok"


def test_both_orders_of_one_rater_are_one_judgment() -> None:
    rows = []
    for item in range(12):
        for occasion, position in enumerate(("a_first", "b_first")):
            row = {"item": f"q{item}", "system": "old", "system_b": "new", "rater": "ann", "criterion": "overall"}
            rows.append({**row, "value": "b", "position": position, "occasion": occasion})
    section = body_of(filled_round([OVERALL], rows, "compare"))["preference"]["overall"]
    assert section["win_rate"]["new"]["old"]["n_judgments"] == 12
    assert section["position_bias"]["n_judgments"] == 24
    assert section["position_bias"]["value"] == pytest.approx(0.5)


def scored(difference: int = 0, n: int = 24) -> list[dict[str, Any]]:
    rows = []
    for item in range(n):
        for system in ("new", "old"):
            for rater in ("ann", "ben", "cem"):
                value = 1 + (item * 7 + len(rater) + (rater == "ben")) % 4
                value = min(5, value + (difference if system == "new" else 0))
                row = {"item": f"q{item}", "system": system, "rater": rater, "criterion": "helpful"}
                rows.append({**row, "value": value})
    return rows


def test_scores_and_a_difference_that_is_there() -> None:
    body = body_of(filled_round([scale("helpful", "interval")], scored(1)))
    new, old = (body["scores"][s]["helpful"] for s in ("new", "old"))
    assert new["mean"]["value"] == pytest.approx(old["mean"]["value"] + 1)
    assert [row["level"] for row in new["distribution"]["levels"]] == [1, 2, 3, 4, 5]
    assert sum(row["count"] for row in new["distribution"]["levels"]) == 72
    assert sum(row["share"]["value"] for row in new["distribution"]["levels"]) == pytest.approx(1)
    assert body["answer"]["headline"] == "new scores higher than old on “helpful”."


def test_no_difference_is_claimed_where_there_is_none() -> None:
    body = body_of(filled_round([scale("helpful", "ordinal")], scored(0)))
    assert body["scores"]["new"]["helpful"]["mean"]["status"] == "not_estimable"
    assert body["scores"]["new"]["helpful"]["median"]["status"] == "ok"
    assert body["answer"]["headline"].startswith("The data cannot yet say")


def test_cannot_judge_is_counted_apart() -> None:
    rows = [*scored(), {"item": "q0", "system": "new", "rater": "dan", "criterion": "helpful", "cannot_judge": "yes"}]
    body = body_of(filled_round([scale("helpful", "ordinal")], rows))
    assert body["scores"]["new"]["helpful"]["n_cannot_judge"] == 1
    assert body["agreement"]["helpful"]["n_ratings"] == len(rows) - 1
    assert body["agreement"]["helpful"]["krippendorff_alpha"]["n_judgments"] == len(rows) - 1


def test_excluded_raters_are_left_out_and_shown_both_ways() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored())
    before = body_of(round_)
    seat = Seat.objects.get(round=round_, rater__external_id="cem")
    RaterExclusion.objects.create(seat=seat, reason="Answers at random.")
    body = body_of(round_)
    assert body["round"]["n_excluded"] == 48
    alpha = body["agreement"]["helpful"]
    assert alpha["krippendorff_alpha"]["n_judgments"] == 96
    assert alpha["krippendorff_alpha_with_excluded"] == before["agreement"]["helpful"]["krippendorff_alpha"]
    assert body["provenance"]["data_digest"] != before["provenance"]["data_digest"]


def test_gold_and_repeats_do_not_count() -> None:
    rows = [*scored(), {"item": "q0", "system": "new", "rater": "ann", "criterion": "helpful", "value": 5,
                        "purpose": "repeat", "occasion": 1}]  # fmt: skip
    body = body_of(filled_round([scale("helpful", "ordinal")], rows))
    assert body["round"]["n_other"] == 1
    assert body["agreement"]["helpful"]["n_ratings"] == len(rows) - 1


def test_a_revision_replaces_what_counts() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored())
    before = body_of(round_)
    add_rows(round_, [{**row, "value": 3} for row in scored() if row["rater"] == "cem"])
    body = body_of(round_)
    assert body["round"]["n_ratings"] == before["round"]["n_ratings"]
    assert body["agreement"] != before["agreement"]


def metric_scores(round_: Round, key: str, kind: str, value: Any, **extra: Any) -> Metric:
    """`value(item number, system)` for each output: a number or a label."""
    metric = Metric.objects.create(project=round_.project, key=key, kind=kind, **extra)
    for output in Output.objects.filter(item__project=round_.project).select_related("item", "system"):
        said = value(int(output.item.external_id[1:]), output.system.name)
        number, label = (said, "") if isinstance(said, int | float) else (None, said)
        AutomatedScore.objects.create(metric=metric, key=f"{output.pk}", output=output, number=number, label=label)
    return metric


def test_a_metric_that_says_what_humans_say() -> None:
    round_ = filled_round([scale("helpful", "ordinal"), QUALITY], scored(1))
    metric_scores(round_, "judge", "number", lambda n, s: 1.0 + (n * 7 + 3) % 4 + (s == "new"), criterion_key="helpful")
    metric_scores(round_, "constant", "number", lambda n, s: 1)
    found = body_of(round_)["automated"]
    tau = found["judge"]["helpful"]["kendall_tau_b"]
    assert tau["status"] == "ok"
    assert 0.5 < tau["value"] <= 1
    assert tau["seed"] == 0
    assert found["judge"]["helpful"]["agreement"]["value"] > 0.5
    assert found["constant"]["helpful"]["kendall_tau_b"]["reason"] == "The metric has the same value on every output."
    assert found["constant"]["helpful"]["agreement"]["status"] == "not_estimable"
    assert "good" not in found["judge"]


def test_what_people_answered_in_a_tool_is_no_metric() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored(1))
    metric_scores(round_, "rating (human)", "number", lambda n, s: 1.0 + n % 4, source="human", criterion_key="helpful")
    metric_scores(round_, "length", "number", lambda n, s: n % 5)
    assert set(body_of(round_)["automated"]) == {"length"}


def test_a_metric_on_another_scale_is_not_said_to_disagree() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored(1))
    metric_scores(round_, "judge", "number", lambda n, s: (n % 10) / 10, criterion_key="helpful")
    found = body_of(round_)["automated"]["judge"]["helpful"]["agreement"]
    assert (found["value"], found["status"]) == (None, "not_estimable")
    assert "not levels of the criterion" in found["reason"]


def test_a_yes_no_metric_against_a_yes_no_criterion() -> None:
    rows = [
        {"item": f"q{n}", "system": "s", "rater": rater, "criterion": "good", "value": "yes" if n % 3 else "no"}
        for n in range(24)
        for rater in ("ann", "ben")
    ]
    round_ = filled_round([QUALITY], rows)
    metric_scores(round_, "exact", "bool", lambda n, s: "true" if n % 3 else "false", criterion_key="good")
    found = body_of(round_)["automated"]["exact"]["good"]
    assert found["agreement"]["value"] == 1
    assert found["kendall_tau_b"]["status"] == "not_estimable"  # labels only


def test_output_metrics_against_a_preference() -> None:
    round_ = filled_round([OVERALL], compared(), "compare")
    metric_scores(round_, "length", "number", lambda n, s: n * (1 if s == "new" else -1) % 6)
    found = body_of(round_)["automated"]["length"]["overall"]
    assert found["kendall_tau_b"]["n_units"] == 24
    assert found["agreement"]["status"] == "not_estimable"


def test_a_preference_metric_against_the_preference() -> None:
    round_ = filled_round([OVERALL], compared(), "compare")
    metric = Metric.objects.create(
        project=round_.project, key="judge", kind="preference", source="llm", criterion_key="overall"
    )
    for item in Item.objects.filter(project=round_.project):
        old, new = (item.outputs.get(system__name=name) for name in ("old", "new"))
        # Half of the pairs stand the other way round in the judge's file.
        a, b, label = (old, new, "b") if item.pk % 2 else (new, old, "a")
        AutomatedScore.objects.create(metric=metric, key=str(item.pk), output=a, output_b=b, label=label)
    found = body_of(round_)["automated"]["judge"]["overall"]
    assert found["agreement"]["value"] == pytest.approx(0.75, abs=0.2)
    assert found["kendall_tau_b"]["reason"] == "The metric has the same value on every output."


def pair_metric(round_: Round, said: Any, **extra: Any) -> dict[str, Any]:
    """What the report says of a judge: `said(item number)` gives the fields of each of its scores, a is old."""
    metric = Metric.objects.create(
        project=round_.project, key="judge", kind="preference", source="llm", criterion_key="overall", **extra
    )
    for item in Item.objects.filter(project=round_.project):
        old, new = (item.outputs.get(system__name=name) for name in ("old", "new"))
        for n, fields in enumerate(said(int(item.external_id[1:]))):
            AutomatedScore.objects.create(metric=metric, key=f"{item.pk}-{n}", output=old, output_b=new, **fields)
    found: dict[str, Any] = body_of(round_)["automated"]["judge"]["overall"]
    return found


def agreed(n: int) -> list[dict[str, Any]]:
    """Every prompt has one answer of all raters: b, b, tie, a, and so on."""
    value = ["b", "b", "tie", "a"]
    row = {"system": "old", "system_b": "new", "criterion": "overall"}
    return [
        {**row, "item": f"q{i}", "rater": rater, "value": value[i % 4]} for i in range(n) for rater in ("ann", "ben")
    ]


def test_a_probability_leans_to_b_above_the_middle_of_its_scale() -> None:
    wins = [0.9999, 0.51, 0.5, 0.000063]
    round_ = filled_round([OVERALL], agreed(24), "compare")
    found = pair_metric(round_, lambda n: [{"number": wins[n % 4]}], scale_min=0, scale_max=1)
    assert found["agreement"]["value"] == 1
    assert found["kendall_tau_b"]["value"] == pytest.approx(0.9, abs=0.1)


def test_both_orders_of_one_judge_are_one_unit_and_a_side_must_win_in_both() -> None:
    def said(n: int) -> list[dict[str, Any]]:
        # For b in both orders; for b in both; each time for the side shown first; for a once and a tie.
        first, second = [("b", "b"), ("b", "b"), ("a", "b"), ("a", "tie")][n % 4]
        return [{"position": "a_first", "label": first, "judge": "j", "turn": 1},
                {"position": "b_first", "label": second, "judge": "j", "turn": 1}]  # fmt: skip

    found = pair_metric(filled_round([OVERALL], agreed(24), "compare"), said)
    assert found["kendall_tau_b"]["n_units"] == 24
    assert found["agreement"]["n_units"] == 24
    assert found["agreement"]["value"] == 0.75  # a once and a tie is a tie, where the people say a


def test_a_judge_that_read_both_orders_weighs_no_more_than_one_that_read_one() -> None:
    def said(n: int) -> list[dict[str, Any]]:
        # Two judges who differ are two answers; one judge's two orders weigh as one: a and b make a tie.
        one, other = [("b", "tie"), ("b", "b"), ("a", "b"), ("a", "a")][n % 4]
        both = [{"position": order, "label": one, "judge": "i"} for order in ("a_first", "b_first")]
        return [*both, {"position": "a_first", "label": other, "judge": "j"}]

    assert pair_metric(filled_round([OVERALL], agreed(24), "compare"), said)["agreement"]["value"] == 1


def test_a_missing_order_leaves_the_other() -> None:
    def said(n: int) -> list[dict[str, Any]]:
        return [{"position": "a_first", "label": ["b", "b", "tie", "a"][n % 4], "judge": "j"},
                {"position": "b_first", "missing_reason": "No winner.", "judge": "j"}]  # fmt: skip

    assert pair_metric(filled_round([OVERALL], agreed(24), "compare"), said)["agreement"]["value"] == 1


def test_an_empty_round_has_a_report_without_figures() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored()[:1])
    Round.objects.filter(pk=round_.pk).update(slug="other")
    empty = Round.objects.create(
        project=round_.project, slug="empty", name="E", title="E", mode="score", rubric_version=round_.rubric_version
    )
    body = body_of(empty)
    assert body["answer"]["headline"].startswith("There are no judgments yet")
    alpha = body["agreement"]["helpful"]["krippendorff_alpha"]
    assert (alpha["value"], alpha["status"]) == (None, "not_estimable")


def test_no_number_is_nan_and_every_missing_one_has_a_reason() -> None:
    body = body_of(filled_round([scale("helpful", "ordinal"), QUALITY, OVERALL], scored()[:3]))
    for estimate in estimates(body):
        assert estimate["value"] is None or math.isfinite(estimate["value"])
        assert estimate["status"] == "ok" or estimate["reason"]


def estimates(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if "n_clusters" in value else []
        return own + [e for each in value.values() for e in estimates(each)]
    return [e for each in value for e in estimates(each)] if isinstance(value, list) else []


def test_the_same_data_and_seed_give_the_same_bytes() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored(1))
    metric_scores(round_, "judge", "number", lambda n, s: (n * 5) % 7)
    first, second = (reports.build(round_, reports.ReportOptions(seed=3)) for _ in range(2))
    assert first.to_json() == second.to_json()
    other = reports.build(round_, reports.ReportOptions(seed=4))
    assert other.to_json() != first.to_json()
    assert other.data_digest == first.data_digest


def test_a_report_is_numbered_and_stored_once() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], scored())
    first = report_build(round=round_, seed=1)
    assert report_build(round=round_, seed=1).pk == first.pk
    second = report_build(round=round_, seed=2)
    assert (first.number, second.number) == (1, 2)
    assert reports.body_json(second.body) == reports.build(round_, reports.ReportOptions(seed=2)).to_json()


def test_statements_do_not_grow_with_the_data(django_assert_max_num_queries: Any) -> None:
    rounds = [filled_round([scale("helpful", "ordinal")], scored(n=n)) for n in (4, 40)]
    for round_ in rounds:
        with django_assert_max_num_queries(16):
            reports.build(round_)
