"""How long the statistics of automated judges take: `python -m bench.stats_automated`, or with all of `make bench`."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.stats import (
    alternative_annotator,
    association_levels,
    ceiling,
    misclassification,
    pairwise_accuracy,
    prediction_powered,
)
from analytics.stats.coding import CodedRatings, code_ratings
from tools.console import say

JUDGMENTS = 100_000
RATERS, OVERLAP, LEVELS, SYSTEMS, JUDGES = 10, 3, 5, 5, 10
REPEATS = 5


@dataclass(frozen=True)
class _Study:
    """Outputs of five systems to each prompt, three of ten raters each, and ten judges."""

    prompt: np.ndarray
    human: CodedRatings
    means: np.ndarray
    judges: list[np.ndarray]


def measure(judgments: int = JUDGMENTS) -> None:
    study = _study(judgments)
    outputs = len(study.prompt)
    say(f"\nStatistics of automated judges, {judgments:,} judgments of {outputs:,} outputs, medians of {REPEATS} runs")
    system = np.arange(outputs) % SYSTEMS
    judge, other = study.judges[0], study.judges[1]
    rated = np.arange(outputs) < outputs // 10
    yes, truth = judge >= 4, study.means >= 3.5
    work: list[tuple[str, float | None, Callable[[], object]]] = [
        ("alternative annotator test, 10 judges, curve of 41 epsilons", 2.0, lambda: _alternative(study)),
        ("human ceiling, share equal", None, lambda: ceiling.human_ceiling(range(outputs), judge, study.human)),
        (
            "Kendall tau-b within prompts",
            None,
            lambda: association_levels.within_prompts("kendall_tau_b", judge, study.means, study.prompt),
        ),
        (
            "Spearman between systems, bootstrap and permutations",
            None,
            lambda: association_levels.between_systems("spearman", judge, study.means, system, study.prompt),
        ),
        (
            "pairwise accuracy within prompts, ties calibrated",
            None,
            lambda: pairwise_accuracy.within_prompts(judge, study.means, study.prompt),
        ),
        (
            "difference of two metrics, pooled Spearman, 500 resamples",
            None,
            lambda: association_levels.metric_difference("spearman", judge, other, study.means, study.prompt),
        ),
        (
            "PPI++ by prompt, a tenth rated",
            None,
            lambda: prediction_powered.prediction_powered_mean(
                study.means[rated],
                judge[rated],
                judge[~rated],
                design="random",
                cluster=study.prompt[rated],
                cluster_rest=study.prompt[~rated],
            ),
        ),
        (
            "Rogan-Gladen by prompt, a tenth validated",
            None,
            lambda: misclassification.rogan_gladen(
                yes,
                yes[rated],
                truth[rated],
                design="random",
                cluster=study.prompt,
                validated_cluster=study.prompt[rated],
            ),
        ),
    ]
    for name, target, run in work:
        seconds, cpu = _medians(run)
        beside = f" (target {target:g} s)" if target else ""
        say(f"  {seconds:7.3f} s, {cpu:7.3f} s of CPU  {name}{beside}")


def _alternative(study: _Study) -> list[object]:
    outputs = range(len(study.prompt))
    test = alternative_annotator.alternative_annotator_test
    return [test(outputs, judge, study.human, epsilon=0.2) for judge in study.judges]


def _medians(run: Callable[[], object]) -> tuple[float, float]:
    """Elapsed and CPU seconds; the second says more on a machine that has other things to do."""
    elapsed, cpu = [], []
    for _ in range(REPEATS):
        started, used = time.perf_counter(), time.process_time()
        run()
        elapsed.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return statistics.median(elapsed), statistics.median(cpu)


def _study(judgments: int) -> _Study:
    rng = np.random.default_rng(7)
    outputs = judgments // OVERLAP
    prompt = np.arange(outputs) // SYSTEMS
    quality = rng.normal(0, 0.7, int(prompt.max()) + 1)[prompt] + rng.normal(0, 0.7, outputs)
    unit = np.repeat(np.arange(outputs), OVERLAP)
    rater = np.argsort(rng.random((outputs, RATERS)), axis=1)[:, :OVERLAP].ravel()
    value = np.clip(np.round(3 + quality[unit] + rng.normal(0, 0.8, len(unit))), 1, LEVELS)
    human = code_ratings(unit, prompt[unit], rater, value, list(range(1, LEVELS + 1)))
    means = value.reshape(outputs, OVERLAP).mean(axis=1)
    judges = [np.clip(np.round(3 + quality + rng.normal(0, 0.9, outputs)), 1, LEVELS) for _ in range(JUDGES)]
    return _Study(prompt, human, means, judges)


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else JUDGMENTS)
