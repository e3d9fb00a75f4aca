"""Agreement and rater statistics at a hundred thousand and a million judgments, beside the package for alpha."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from analytics.stats import _package_alpha, agreement, raters
from analytics.stats.coding import CodedRatings, Measurement, code_ratings
from analytics.stats.full_agreement import full_agreement
from analytics.stats.icc import icc_of
from analytics.stats.item_bootstrap import item_bootstrap
from bench import figures
from tools.console import say

REPEATS = 5
RATERS, OVERLAP, LEVELS, SYSTEMS = 10, 3, 5, 5
SMALL, LARGE = 100_000, 1_000_000
# What a percentile interval by the package takes, and how many of these are timed.
RESAMPLES, TIMED = 1000, 5
PROMISED_RATIO = 500
CRITERIA: tuple[Measurement, ...] = ("nominal", "ordinal", "ordinal", "interval", "interval")
HEADER = ("work", "s", "of the promise", "CPU s", "beside it", "s", "times the CPU", "promised")


class Cost(NamedTuple):
    """Medians: elapsed and processor time."""

    seconds: float
    cpu: float


def measure() -> str:
    rows = [_alpha(SMALL, 0.15), _alpha(LARGE, 2.0)]
    columns, one_each = _columns(SMALL), _coded(_columns(LARGE), by_prompt=False)
    everything = _cost(lambda: _all(columns))
    rows.append(_row(f"all agreement statistics, five criteria, {SMALL:,} judgments", everything, 1.5))
    data, large = _coded(columns), _coded(_columns(LARGE))
    for name, work in _others(data, large, one_each).items():
        rows.append(_row(name, _cost(work), math.nan))
    text = figures.table(HEADER, rows)
    say(text)
    return text


def _others(data: CodedRatings, large: CodedRatings, one_each: CodedRatings) -> dict[str, Callable[[], Any]]:
    """Work without a promise; of ratings that are coded already."""
    return {
        f"item bootstrap by patterns, 1,000 resamples, {LARGE:,}": lambda: item_bootstrap(one_each, "ordinal"),
        f"four intraclass correlations, REML, {SMALL:,}": lambda: icc_of(data, "interval"),
        f"four intraclass correlations, REML, {LARGE:,}": lambda: icc_of(large, "interval"),
        f"alpha without each of ten raters, {SMALL:,}": lambda: raters.leave_one_out_alpha(data, "ordinal"),
        f"severity of ten raters, {SMALL:,}": lambda: raters.severity(data, "interval"),
        f"agreement with the other raters, {SMALL:,}": lambda: raters.consensus_agreement(data),
    }


def _alpha(judgments: int, promise: float) -> list[str]:
    """From columns; the ratio is of ratings coded and counted already, on both sides."""
    columns = _columns(judgments)
    data = _coded(columns)
    ours = _cost(lambda: agreement.krippendorff_alpha(_coded(columns), "ordinal"))
    without_coding = _cost(lambda: agreement.krippendorff_alpha(data, "ordinal"))
    theirs = _package_loop(data)
    name = f"ordinal alpha and its default interval, {judgments:,} judgments"
    row = _row(name, ours, promise, f"krippendorff, {RESAMPLES:,} resamples", theirs.seconds)
    times = figures.number(figures.ratio(theirs.cpu, without_coding.cpu))
    return [*row[:-2], times, str(PROMISED_RATIO)]


def _package_loop(data: CodedRatings) -> Cost:
    """What a bootstrap of outputs with the package takes, from a few of its resamples.

    It gets the counts of each output ready-made, which is the fastest way to call it.
    """
    package = _package_alpha._load()
    counts = data.counts().astype(np.int64)
    domain = data.values()
    rng = np.random.default_rng(0)

    def resample() -> None:
        drawn = counts[rng.integers(0, len(counts), len(counts))]
        package.alpha(value_counts=drawn, value_domain=domain, level_of_measurement="ordinal")

    resample()
    seconds, cpu = _cost(resample, TIMED)
    return Cost(seconds * RESAMPLES, cpu * RESAMPLES)


def _all(columns: tuple[np.ndarray, ...]) -> None:
    for measurement in CRITERIA:
        full_agreement(_coded(columns), measurement)


def _coded(columns: tuple[np.ndarray, ...], *, by_prompt: bool = True) -> CodedRatings:
    unit, rater, value = columns
    return code_ratings(unit, unit // SYSTEMS if by_prompt else None, rater, value, range(1, LEVELS + 1))


def _columns(judgments: int) -> tuple[np.ndarray, ...]:
    """Three of ten raters judge each of five outputs of a prompt; raters differ in severity."""
    rng = np.random.default_rng(1)
    outputs = judgments // OVERLAP
    unit = np.repeat(np.arange(outputs), OVERLAP)
    rater = np.argsort(rng.random((outputs, RATERS)), axis=1)[:, :OVERLAP].ravel()
    quality = rng.normal(0, 0.8, outputs // SYSTEMS + 1)[unit // SYSTEMS] + rng.normal(0, 0.6, outputs)[unit]
    value = 3 + quality + rng.normal(0, 0.5, RATERS)[rater] + rng.normal(0, 0.8, len(unit))
    return unit, rater, np.clip(np.round(value), 1, LEVELS)


def _row(work: str, ours: Cost, promise: float, library: str = "–", theirs: float = math.nan) -> list[str]:
    return [
        work,
        figures.number(ours.seconds),
        figures.number(ours.seconds / promise),
        figures.number(ours.cpu),
        library,
        figures.number(theirs),
        "–",
        "–",
    ]


def _cost(work: Callable[[], Any], repeats: int = REPEATS) -> Cost:
    work()
    elapsed, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        work()
        elapsed.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return Cost(statistics.median(elapsed), statistics.median(processor))
