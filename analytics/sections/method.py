"""How the figures were made, in words, and what anyone needs to make them again."""

from __future__ import annotations

import platform
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from analytics.sections.base import ReportData, RoundInfo, is_of_pairs
from analytics.sections.sources import commands
from analytics.shapes import data_digest
from projects.templatetags.numbers import times

PACKAGES = ("numpy", "pandas", "scipy", "krippendorff")
_DESIGNS = {
    "census": "The round was set over all items; nothing was sampled.",
    "random": "The items are a random sample.",
    "stratified": "The items are a stratified sample: a random sample of each stratum.",
    "weighted": "The items are a sample with chances in proportion to a weight.",
    "unknown": "How the items were chosen is not known.",
}


def provenance_section(round: RoundInfo, data: ReportData) -> dict[str, Any]:
    frames = data.frames
    last = frames.judgments["submitted_at"].max() if len(frames.judgments) else None
    return {
        "data_digest": data_digest(frames, finals=data.final_answers),
        "seed": data.seed,
        "level": data.level,
        "rubric": dict(zip(("name", "version", "digest"), round.rubric, strict=True)),
        "design": {"kind": round.design, "frame_size": round.frame_size, "frame_digest": round.frame_digest},
        # krippendorff may be left out for its licence.
        "packages": {name: version(name) for name in PACKAGES if find_spec(name)},
        "python": platform.python_version(),
        "last_judgment_at": last.isoformat() if last is not None else None,
        "commands": commands(round, data),
    }


def method_section(round: RoundInfo, data: ReportData, counts: dict[str, Any]) -> list[str]:
    mode = {"score": "one output at a time", "compare": "two outputs side by side"}.get(
        round.mode, "several outputs at a time"
    )
    items, tasks = times(counts["n_items"], "item,items"), times(counts["n_tasks"], "task,tasks")
    judged = times(counts["n_judgments"], "judgment,judgments")
    ratings = times(counts["n_ratings"], "rating,ratings")
    first = f"{_DESIGNS[round.design]} {items}, {tasks}, judged {mode}: {judged} with {ratings}."
    raters = f"{times(counts['n_raters'], 'rater,raters')} of known identity."
    if counts["n_unknown"]:
        raters += f" {counts['n_unknown']:,} judgments come from raters of unknown identity: they count for "
        raters += "agreement and never for rater statistics."
    if counts["n_excluded"]:
        raters += f" {counts['n_excluded']:,} judgments of excluded raters are left out; agreement is shown both ways."
    if counts["n_other"]:
        raters += f" {counts['n_other']:,} gold, training and repeat judgments are left out."
    return [f"{first} {raters}", *_final_words(data), *_intervals(data), *_comparisons(data), *_people(data)]


def _intervals(data: ReportData) -> list[str]:
    return [
        "Every prompt has equal weight: ratings are averaged within an output, outputs within a prompt. "
        f"Intervals are {100 * data.level:.0f} %, clustered by prompt. How many more prompts would settle a comparison "
        "is what it takes to show the difference seen with a chance of 80 %; its range is from the 50 % interval.",
        "Agreement: a unit is one task or one output of it. Krippendorff’s α takes the level of measurement that "
        "the criterion declares; Gwet’s AC1 and AC2 count all declared levels. With three raters or more of known "
        "identity who share outputs the variance of leaving out one rater at a time is added, and the interval is for "
        "raters like these; otherwise for these raters, as the estimate says.",
    ]


def _comparisons(data: ReportData) -> list[str]:
    found = []
    if any(is_of_pairs(c) for c in data.measured):
        found.append(
            "Win rates count ties, both good and both bad as half, and are for these raters. Position figures leave "
            "out judgments whose order is not known. Strengths are those of Bradley and Terry’s model, ties as half "
            "wins, clustered by prompt and, with three known raters or more, by rater; sets of ranks hold for all "
            "systems at "
            f"once, from 1,000 draws with seed {data.seed}."
        )
    if len(data.tags):
        found.append(
            "Slices: the lead on prompts with a tag less the lead on all others, Welch’s t by prompt, with Benjamini-"
            "Yekutieli’s adjustment over all comparisons. Tags with fewer than 10 prompts on a side are not shown."
        )
    if len(data.scores):
        found.append(
            "Metrics against humans: the mean human rating of each output (or pair) with the metric’s value; intervals "
            f"by a bootstrap of prompts with seed {data.seed}. The metric with one rater is held against another rater "
            "with that rater, on the same outputs."
        )
    if len(data.sample.undrawn):
        found.append(
            "People and judge together: PPI++, the mean of the human ratings of drawn outputs plus the judge’s mean "
            "over the others less that over the rated ones, times the weight that makes the variance smallest; by "
            "strata or by the inverse of the chances where the sample has them. An output’s rating is the mean of its "
            "raters."
        )
    return found


def _people(data: ReportData) -> list[str]:
    said = "“Cannot judge” is counted apart and is never a value."
    if data.counted["rater_known"].astype(bool).any():
        said += (
            " Figures of raters are for these people on other prompts, with Benjamini-Hochberg’s adjustment over "
            "raters and criteria; below 20 judged shared answers nothing is said of a rater."
        )
    return [said]


def _final_words(data: ReportData) -> list[str]:
    """Said whenever there are final answers, whether they are used or not."""
    n = int((~data.finals["unsettled"].astype(bool)).sum())
    if not n:
        return []
    given = times(n, "final answer,final answers")
    if data.final_answers:
        return [
            f"With {given} of reviewers in place of the raters’ own, in scores, preference and metrics against humans. "
            "Agreement, sides and raters are of the raters’ own answers alone."
        ]
    return [f"Without the {given} of reviewers: all figures are of the raters’ own answers."]
