"""Where the formulas behind the figures of a report come from, and the commands that make it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics.sections.base import ReportData, RoundInfo
from analytics.stats.methods import title
from analytics.stats.registry import METRICS


def references_section(body: dict[str, Any]) -> list[dict[str, str]]:
    """`figure` and `source`, of the statistics that this report has."""
    names = dict.fromkeys(_used(body))
    return [{"figure": title(name, METRICS[name]), "source": METRICS[name].source} for name in names]


def commands(round: RoundInfo, data: ReportData) -> list[str]:
    """In the order in which they are given: ratings out, the report from the database, the report from the files."""
    name = f"{round.project}/{round.slug}"
    finals = " --final-answers" if data.final_answers else ""
    return [
        f"python manage.py export {name} --format csv --out export",
        f"python manage.py report {name} --seed {data.seed}{finals} --out report",
        "python manage.py verify_report report/report.json --ratings export",
    ]


def _used(body: dict[str, Any]) -> Iterator[str]:
    if any(body["scores"].values()):
        yield from _of_scores(body)
    if any(found.get("win_rate") for found in body["preference"].values()):
        yield from (
            "win_rate",
            "outcome_shares",
            "position_bias",
            "win_rate_over_opponents",
            "bradley_terry",
            "davidson",
        )
        yield from ("win_probabilities", "rank_table", "goodness_of_fit", "circular_triads")
    if body["orders"]:
        yield "kendall_w"
    if body["marks"]:
        yield from ("mqm_score", "span_f1")
    if body["agreement"]:
        yield from ("percent_agreement", "krippendorff_alpha", "gwet_ac1", "gwet_ac2", "specific_agreement")
    if body["raters"]:
        yield from ("leave_one_out_alpha", "severity", "consensus_agreement", "gold_accuracy", "repeat_consistency")
        yield from ("pace", "straight_lining", "benjamini_hochberg")
    if body["powered"]["scores"] or body["powered"]["win_rates"]:
        stratified = body["powered"]["design"] == "stratified"
        yield "stratified_prediction_powered_mean" if stratified else "prediction_powered_mean"
    if body["automated"]:
        yield from ("kendall_tau_b", "spearman", "kendall_tau_b_within_prompts", "pairwise_accuracy_within_prompts")
        yield from ("human_ceiling", "alternative_annotator_test", "judge_errors_by_level")
        if any("sides" in row for found in body["automated"].values() for row in found.values()):
            yield from ("first_choice", "order_consistency", "order_test", "feature_choice")
    if any(about["comparisons"] for about in body["slices"].values()):
        yield from ("slice_interaction", "benjamini_yekutieli")
    if body["picture"]:
        yield from ("prompt_mean", "prompt_quantile", "prompt_difference")


def _of_scores(body: dict[str, Any]) -> Iterator[str]:
    levels = {c["level_of_measurement"] for c in body["criteria"]}
    if levels & {"interval", "ratio"}:
        yield from ("mean_score", "difference")
    if levels & {"ordinal", "interval", "ratio"}:
        yield "median_score"
    yield from ("level_shares", "superiority")
    if body["totals"].get("systems"):
        yield from ("weighted_total", "weighted_total_difference")
