"""Does 95 % mean 95 %? Simulated studies with five systems a prompt, for every interval of this area.

`python -m tests.analytics.stats.simulations_automated [runs [words]]` prints the table of
docs/algorithms/coverage-automated.md, or the rows with these words; test_coverage_automated.py holds the code to it
with other draws.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from analytics.stats import (
    alternative_annotator,
    association,
    association_levels,
    attenuation,
    ceiling,
    gates,
    judge_errors,
    measures,
    misclassification,
    mqm,
    pairwise_accuracy,
    pooling,
    prediction_powered,
    scores,
    slices,
    weighted_totals,
)
from analytics.stats._influences import MANY_PROMPTS
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.results import Estimate, TestedEstimate

SYSTEMS = 5
WORTH = np.linspace(-0.5, 0.5, SYSTEMS)  # how good the systems are
CLOSE = WORTH / 5
# What a metric makes of the systems: its correlation with their worth is .72.
MISTAKEN = np.array([-0.3, -0.5, 0.4, -0.1, 0.5]) - WORTH
LARGE = 4000  # prompts of the study that stands for the truth
RATERS = 3
MORE_RATERS = (5, 10)


class Study(NamedTuple):
    """Outputs of five systems to each prompt; three raters judge each, and two metrics score it."""

    prompt: np.ndarray
    system: np.ndarray
    value: np.ndarray  # (outputs, raters), 1 to 5
    metric: np.ndarray
    other: np.ndarray

    @property
    def human(self) -> np.ndarray:
        return self.value.mean(axis=1)

    @property
    def judge(self) -> np.ndarray:
        """The metric as a rating of the same scale."""
        return np.clip(np.round(3 + self.metric), 1, 5)

    def coded(self) -> CodedRatings:
        outputs, raters = self.value.shape
        unit, rater = np.repeat(np.arange(outputs), raters), np.tile(np.arange(raters), outputs)
        return code_ratings(unit, self.prompt[unit], rater, self.value.ravel(), [1, 2, 3, 4, 5])


def study(rng: np.random.Generator, prompts: int, worth: np.ndarray = WORTH, raters: int = RATERS) -> Study:
    outputs = prompts * SYSTEMS
    prompt, system = np.repeat(np.arange(prompts), SYSTEMS), np.tile(np.arange(SYSTEMS), prompts)
    quality = rng.normal(0, 0.7, prompts)[prompt] + worth[system] + rng.normal(0, 0.6, outputs)
    # Prompts differ in how noisy people and metrics are on them: clusters are not only shifted.
    noise = rng.choice([0.5, 1.1], prompts)[prompt]
    value = np.clip(np.round(3 + quality[:, None] + noise[:, None] * rng.normal(size=(outputs, raters))), 1, 5)
    shared = rng.normal(0, 0.4, prompts)[prompt]
    metric = np.round(quality + shared + noise * rng.normal(0, 0.7, outputs), 1)
    other = np.round(quality + shared + noise * rng.normal(0, 1.0, outputs), 1)
    return Study(prompt, system, value, metric, other)


@dataclass(frozen=True)
class Simulation:
    """`estimate` makes one simulated study's estimate; `truth` what it is about. `expected` is False where the
    interval is known to fall short, which docstring and page then say."""

    name: str
    setting: str
    estimate: Callable[[np.random.Generator], Any]
    truth: Callable[[], float]
    nominal: float = 0.95
    expected: bool = True


class Outcome(NamedTuple):
    covered: float
    width: float
    claimed: int


def run(simulation: Simulation, runs: int, seed: int = 1) -> Outcome:
    """Share of the claimed intervals that cover the truth, their median width, and how many were claimed."""
    # Draws of its own: rows of the table must not share their luck.
    rng = np.random.default_rng([seed, crc32(f"{simulation.name}: {simulation.setting}".encode())])
    truth = simulation.truth()
    hits, widths = 0.0, []
    for _ in range(runs):
        result = simulation.estimate(rng)
        estimates = result if isinstance(result, list) else [(result, truth)]
        for estimate, true in estimates:
            plain: Estimate = estimate.estimate if isinstance(estimate, TestedEstimate) else estimate
            if plain.low is None or plain.high is None:
                continue
            widths.append(plain.high - plain.low)
            hits += plain.low <= true <= plain.high
    return Outcome(hits / max(len(widths), 1), float(np.median(widths)) if widths else float("nan"), len(widths))


def shortfall(simulation: Simulation, outcome: Outcome, held: float | None = None) -> bool:
    """More than three binomial standard errors below nominal, or below what a warning says that is held."""
    wanted = held or simulation.nominal
    return bool(outcome.covered < wanted - 3 * np.sqrt(wanted * (1 - wanted) / max(outcome.claimed, 1)))


# --- Associations -------------------------------------------------------------------------------------------


def pooled(function: Callable[..., Estimate], data: Study, *, clustered: bool = True) -> Estimate:
    # Ratings of the metric on the scale of people: few distinct values, as judges give them.
    return function(data.judge, data.human, data.prompt if clustered else range(len(data.prompt)))


def within(coefficient: str, data: Study) -> Estimate:
    return association_levels.within_prompts(coefficient, data.metric, data.human, data.prompt)


def between(coefficient: str, data: Study, mistake: np.ndarray = MISTAKEN) -> TestedEstimate:
    metric = data.metric + mistake[data.system]
    return association_levels.between_systems(coefficient, metric, data.human, data.system, data.prompt)


def accuracy(function: Callable[..., Any], data: Study) -> Estimate:
    return function(data.metric, data.human, data.prompt).estimate


def difference(at: str, data: Study) -> Estimate:
    return association_levels.metric_difference(
        "spearman", data.metric, data.other, data.human, data.prompt, at=at, system=data.system
    )


def accuracy_difference(data: Study) -> Estimate:
    return pairwise_accuracy.difference(data.metric, data.other, data.human, data.prompt)


def against_people(measure: str, data: Study) -> Estimate:
    return ceiling.human_ceiling(range(len(data.judge)), data.judge, data.coded(), measure).difference


def corrected_of(prompts: int, raters: int, rng: np.random.Generator) -> Estimate:
    data = study(rng, prompts, raters=raters)
    return attenuation.disattenuated(range(len(data.metric)), data.metric, data.coded()).corrected


def advantage(data: Study) -> Estimate:
    test = alternative_annotator.alternative_annotator_test(
        range(len(data.judge)), data.judge, data.coded(), epsilon=0.2, scoring="neg_rmse"
    )
    return test.advantage_probability


def of_study(
    name: str,
    statistic: Callable[[Study], Any],
    prompts: int,
    worth: np.ndarray = WORTH,
    *,
    truth_prompts: int = LARGE,
    setting: str = "",
    raters: int = RATERS,
    expected: bool = True,
) -> Simulation:
    def truth() -> float:
        """Of many prompts; once for all rows that differ in their number only."""
        if (name, setting, raters) not in _TRUTHS:
            rng = np.random.default_rng(77)
            values = []
            for _ in range(max(1, 4 * LARGE // truth_prompts)):
                found = statistic(study(rng, truth_prompts, worth, raters))
                values.append(found.estimate.value if isinstance(found, TestedEstimate) else found.value)
            _TRUTHS[name, setting, raters] = float(np.mean(values))
        return _TRUTHS[name, setting, raters]

    def simulated(rng: np.random.Generator) -> Any:
        return statistic(study(rng, prompts, worth, raters))

    people = "" if raters == RATERS else f", {raters} raters"
    return Simulation(name, f"{prompts} prompts, 5 systems{people}{setting}", simulated, truth, expected=expected)


_TRUTHS: dict[tuple[str, str, int], float] = {}


@cache
def true_correlation() -> float:
    """The metric with what an endless number of raters would say of each output."""
    studies = (study(np.random.default_rng([78, n]), LARGE, raters=60) for n in range(10))
    return float(np.mean([np.corrcoef(data.metric, data.human)[0, 1] for data in studies]))


# --- A judge with errors, few human ratings -------------------------------------------------------------------


def yes_no(rng: np.random.Generator, prompts: int, se: float, sp: float) -> tuple[np.ndarray, ...]:
    """Truth and a judge's answers, alike within a prompt; the prevalence is .4."""
    prompt = np.repeat(np.arange(prompts), SYSTEMS)
    latent = rng.normal(size=prompts)[prompt] + rng.normal(size=len(prompt))
    truth = latent < -0.25334710313579972 * np.sqrt(2)
    ease = rng.normal(0, 0.5, prompts)[prompt]
    hit = 1 / (1 + np.exp(-ease - np.where(truth, np.log(se / (1 - se)), np.log(sp / (1 - sp)))))
    right = rng.random(len(prompt)) < hit
    return prompt, truth, np.where(right, truth, ~truth)


def screening(interval: str, prompts: int, validated: int, se: float, sp: float, rng: np.random.Generator) -> Estimate:
    prompt, truth, judge = yes_no(rng, prompts, se, sp)
    rows = rng.permutation(len(prompt))[:validated]
    return misclassification.rogan_gladen(
        judge,
        judge[rows],
        truth[rows],
        design="random",
        cluster=prompt,
        validated_cluster=prompt[rows],
        interval=interval,
    ).estimate


def powered(prompts: int, rated: int, rng: np.random.Generator, *, clustered: bool = True) -> Estimate:
    """Whole prompts are rated or not: five outputs each."""
    data = study(rng, prompts)
    chosen = np.isin(data.prompt, rng.permutation(prompts)[:rated])
    clusters = {"cluster": data.prompt[chosen], "cluster_rest": data.prompt[~chosen]} if clustered else {}
    return prediction_powered.prediction_powered_mean(
        data.human[chosen], data.metric[chosen], data.metric[~chosen], design="random", **clusters
    ).estimate


def powered_outputs(prompts: int, rated: int, rng: np.random.Generator) -> Estimate:
    """Single outputs are drawn, so that most prompts have both kinds."""
    data = study(rng, prompts)
    chosen = np.isin(np.arange(len(data.prompt)), rng.permutation(len(data.prompt))[:rated])
    return prediction_powered.prediction_powered_mean(
        data.human[chosen],
        data.metric[chosen],
        data.metric[~chosen],
        design="random",
        cluster=data.prompt[chosen],
        cluster_rest=data.prompt[~chosen],
    ).estimate


def powered_by_weight(prompts: int, rng: np.random.Generator) -> Estimate:
    """Outputs that the metric finds bad are rated five times as often."""
    data = study(rng, prompts)
    chance = np.where(data.metric < 0, 0.25, 0.05)
    chosen = rng.random(len(chance)) < chance
    return prediction_powered.prediction_powered_mean(
        data.human[chosen],
        data.metric[chosen],
        data.metric[~chosen],
        design="weighted",
        inclusion_probability=chance[chosen],
        cluster=data.prompt[chosen],
        cluster_rest=data.prompt[~chosen],
    ).estimate


def stratified(prompts: int, rated: int, rng: np.random.Generator) -> Estimate:
    """As many ratings from the lower half of the metric as from the upper half."""
    data = study(rng, prompts)
    stratum = np.where(data.metric < 0, "low", "high")
    chosen = np.zeros(len(stratum), dtype=bool)
    for name in ("low", "high"):
        chosen[rng.permutation(np.flatnonzero(stratum == name))[: rated // 2]] = True
    return prediction_powered.stratified_prediction_powered_mean(
        data.human[chosen],
        data.metric[chosen],
        stratum[chosen],
        data.metric[~chosen],
        stratum[~chosen],
        design="stratified",
        cluster=data.prompt[chosen],
        cluster_rest=data.prompt[~chosen],
    ).estimate


@cache
def mean_rating() -> float:
    return float(study(np.random.default_rng(79), 20 * LARGE).human.mean())


# --- Gates, slices, totals --------------------------------------------------------------------------------------


def gate(prompts: int, rng: np.random.Generator) -> Estimate:
    """Two systems on the same prompts, one of them worse by a quarter of a point on a five-point scale."""
    data = study(rng, prompts)
    of = [data.human[data.system == s].ravel() for s in (2, 1)]
    return gates.non_inferiority(of[1] - of[0], range(prompts), margin=0.25).estimate


@cache
def gap() -> float:
    data = study(np.random.default_rng(80), 20 * LARGE)
    return float(data.human[data.system == 1].mean() - data.human[data.system == 2].mean())


def false_pass(prompts: int, rng: np.random.Generator) -> Estimate:
    """The margin is exactly the loss: an interval of one point that covers when the gate rightly does not pass."""
    data = study(rng, prompts)
    difference = data.human[data.system == 1] - data.human[data.system == 2]
    passes = gates.non_inferiority(difference, range(prompts), margin=-gap()).verdict == "pass"
    return Estimate(0.0, 1.0 if passes else -1.0, 2.0)


def interaction(prompts: int, rng: np.random.Generator) -> Estimate:
    data = study(rng, prompts)
    inside = data.prompt % 4 == 0
    return slices.slice_interaction(data.human + 0.5 * inside, data.prompt, inside).estimate


def mix(prompts: int, rng: np.random.Generator) -> Estimate:
    """Each system answered its own mix of easy and hard prompts; both are equally good on each."""
    hard = rng.random(prompts) < 0.5
    prompt = np.repeat(np.arange(prompts), 4)
    is_a = rng.random(len(prompt)) < np.where(hard[prompt], 0.2, 0.8)
    value = np.where(hard[prompt], 2.0, 4.0) + rng.normal(0, 0.5, prompts)[prompt] + rng.normal(0, 0.7, len(prompt))
    return slices.mix_adjusted_difference(value, prompt, is_a, np.where(hard[prompt], "hard", "easy"))


def pooled_slices(count: int, spread: float, rng: np.random.Generator) -> list[tuple[Estimate, float]]:
    truth = rng.normal(3, spread, count)
    error = rng.choice([0.1, 0.3, 0.6], count)
    found = pooling.partial_pooling(truth + error * rng.normal(size=count), error)
    return list(zip(found.shrunk, truth.tolist(), strict=True))


def total(interval: str, prompts: int, rng: np.random.Generator) -> Estimate:
    data = study(rng, prompts)
    criteria = [
        weighted_totals.WeightedCriterion("first", data.coded(), "interval", 2.0),
        weighted_totals.WeightedCriterion("second", data.coded(), "interval", 1.0),
    ]
    return weighted_totals.weighted_total(criteria, missing="complete", interval=interval).estimate


def marked(documents: int, rng: np.random.Generator) -> Estimate:
    """Ten segments a document; most have no error, some have a major one, and documents differ."""
    document = np.repeat(np.arange(documents), 10)
    chance = 0.3 * rng.gamma(2, 0.5, documents)[document]
    severity = np.where(rng.random(len(document)) < chance, "major", "no-error")
    return mqm.mqm_score(range(len(document)), document, ["r"] * len(document), ["Accuracy"] * len(document), severity)


@cache
def marked_truth() -> float:
    # 5 points x the chance, which is cut at 1.
    chance = np.minimum(0.3 * np.random.default_rng(81).gamma(2, 0.5, 2_000_000), 1)
    return float(5 * chance.mean())


def at_most_three(prompts: int, rng: np.random.Generator) -> Estimate:
    return scores.cumulative_shares(study(rng, prompts).coded(), "ordinal").shares[2]


@cache
def at_most_three_truth() -> float:
    return float((study(np.random.default_rng(82), 10 * LARGE).value <= 3).mean())


def constant(value: float) -> Callable[[], float]:
    return lambda: value


def lean(prompts: int, rng: np.random.Generator) -> Estimate:
    """Of the judge, where a rater says 2."""
    drawn = study(rng, prompts)
    units = np.arange(len(drawn.prompt))
    return judge_errors.errors_by_level(units, drawn.judge, drawn.coded()).levels[1].lean


@cache
def lean_truth() -> float:
    return float(lean(LARGE, np.random.default_rng(3)).value or 0.0)


def took(share: float, prompts: int, rng: np.random.Generator) -> Estimate:
    """Times of five outputs a prompt, half of whose spread is the prompt's."""
    prompt = np.repeat(np.arange(prompts), SYSTEMS)
    log = rng.normal(0, np.sqrt(0.5), prompts)[prompt] + rng.normal(0, np.sqrt(0.5), len(prompt))
    return measures.prompt_quantile(np.exp(log), prompt.astype(object), share, unit="ms")


SIMULATIONS = [
    *(
        of_study(f"{name}, pooled", partial(pooled, function), prompts)
        for name, function in (("Pearson", association.pearson), ("Spearman", association.spearman))
        for prompts in (20, 40, 100)
    ),
    of_study("Kendall tau-b, pooled", partial(pooled, association.kendall_tau_b), 40),
    *(
        of_study(f"{name}, pooled, by derivatives", partial(pooled, function), MANY_PROMPTS, truth_prompts=100_000)
        for name, function in (
            ("Pearson", association.pearson),
            ("Spearman", association.spearman),
            ("Kendall tau-b", association.kendall_tau_b),
        )
    ),
    of_study(
        "Spearman, pooled, prompts ignored",
        partial(pooled, association.spearman, clustered=False),
        40,
        setting=", outputs taken as independent",
        expected=False,
    ),
    *(
        of_study(f"{name}, within prompts", partial(within, name), prompts)
        for name in association_levels.CORRELATIONS
        for prompts in (20, 100)
    ),
    *(
        of_study(f"{name}, between systems", partial(between, name), prompts)
        for name in ("pearson", "spearman", "pairwise_accuracy")
        for prompts in (40, 150)
    ),
    of_study("pearson, between systems", partial(between, "pearson"), 20, expected=False),
    of_study(
        "pearson, between systems",
        partial(between, "pearson", mistake=0 * WORTH),
        100,
        CLOSE,
        setting=" that differ little",
        truth_prompts=40_000,
    ),
    *(
        of_study("pairwise accuracy within prompts", partial(accuracy, pairwise_accuracy.within_prompts), prompts)
        for prompts in (20, 40, 100)
    ),
    *(
        of_study("pairwise accuracy pooled", partial(accuracy, pairwise_accuracy.pooled), prompts, truth_prompts=16_000)
        for prompts in (20, 60)
    ),
    of_study("difference of two metrics, pooled", partial(difference, "pooled"), 40),
    of_study("difference of two metrics, within prompts", partial(difference, "within_prompts"), 40),
    of_study("difference of pairwise accuracy", accuracy_difference, 40),
    *(of_study("human ceiling, share equal", partial(against_people, "agreement"), prompts) for prompts in (20, 60)),
    *(
        of_study("human ceiling, share equal", partial(against_people, "agreement"), 40, raters=raters)
        for raters in MORE_RATERS
    ),
    of_study("human ceiling, Spearman", partial(against_people, "spearman"), 40),
    Simulation(
        "correlation without people's noise",
        "40 prompts, 5 systems",
        partial(corrected_of, 40, RATERS),
        true_correlation,
    ),
    *(
        Simulation(
            "correlation without people's noise",
            f"40 prompts, 5 systems, {raters} raters",
            partial(corrected_of, 40, raters),
            true_correlation,
        )
        for raters in MORE_RATERS
    ),
    *(of_study("advantage probability", advantage, prompts) for prompts in (20, 60)),
    *(of_study("advantage probability", advantage, 40, raters=raters) for raters in MORE_RATERS),
    *(
        Simulation(
            f"Rogan-Gladen, {interval}",
            f"{prompts} prompts of 5, {validated} validated, se {se}, sp {sp}",
            partial(screening, interval, prompts, validated, se, sp),
            constant(0.4),
        )
        for interval in ("delta", "bootstrap")
        for prompts, validated, se, sp in ((100, 100, 0.9, 0.8), (100, 60, 0.97, 0.95), (200, 150, 0.65, 0.7))
    ),
    *(
        Simulation(
            "PPI++",
            f"{rated} of {prompts} prompts rated, 5 outputs each",
            partial(powered, prompts, rated),
            mean_rating,
        )
        for prompts, rated in ((100, 15), (200, 30), (400, 60))
    ),
    Simulation(
        "PPI++, prompts ignored",
        "60 of 400 prompts rated, outputs taken as independent",
        partial(powered, 400, 60, clustered=False),
        mean_rating,
        expected=False,
    ),
    Simulation("PPI++", "100 of 1,000 outputs rated", partial(powered_outputs, 200, 100), mean_rating),
    Simulation(
        "PPI++, weighted",
        "about 150 of 1,000 outputs, chances .05 and .25",
        partial(powered_by_weight, 200),
        mean_rating,
    ),
    *(
        Simulation(
            "stratified PPI++",
            f"{rated} of {5 * prompts:,} outputs, two strata",
            partial(stratified, prompts, rated),
            mean_rating,
        )
        for prompts, rated in ((100, 50), (200, 120))
    ),
    *(
        Simulation("non-inferiority, both limits", f"{prompts} prompts", partial(gate, prompts), gap, 0.9)
        for prompts in (12, 40)
    ),
    *(
        Simulation(
            "non-inferiority, no pass at the margin", f"{prompts} prompts", partial(false_pass, prompts), constant(0.0)
        )
        for prompts in (12, 40, 150)
    ),
    *(
        Simulation(
            "slice against the rest",
            f"{prompts} prompts, 5 systems, a quarter inside",
            partial(interaction, prompts),
            constant(0.5),
        )
        for prompts in (48, 120)
    ),
    Simulation("one mix of prompts", "60 prompts of 4", partial(mix, 60), constant(0.0)),
    *(
        Simulation(
            "partial pooling, average over slices",
            f"{count} slices, {word}",
            partial(pooled_slices, count, spread),
            constant(0.0),
        )
        for count, spread, word in ((6, 0.3, "true sd .3"), (20, 0.3, "true sd .3"), (20, 0.05, "true sd .05"))
    ),
    *(
        Simulation(
            f"weighted total, {interval}",
            f"{prompts} prompts, 5 systems",
            partial(total, interval, prompts),
            lambda: 3 * mean_rating(),
        )
        for interval in ("bootstrap", "t")
        for prompts in (12, 40)
    ),
    *(
        Simulation("MQM", f"{documents} documents of 10 segments", partial(marked, documents), marked_truth)
        for documents in (5, 20, 60)
    ),
    *(
        Simulation(
            "cumulative share", f"{prompts} prompts, 5 systems", partial(at_most_three, prompts), at_most_three_truth
        )
        for prompts in (12, 40)
    ),
    *(
        Simulation("a judge's lean at a level", f"{prompts} prompts, 5 systems", partial(lean, prompts), lean_truth)
        for prompts in (20, 60)
    ),
    *(
        Simulation(
            f"{share:.0%} quantile of a measure",
            f"{prompts} prompts, 5 outputs each",
            partial(took, share, prompts),
            partial(lambda z: float(np.exp(z)), z),
        )
        for share, z, sizes in ((0.5, 0.0, (12, 40)), (0.95, 1.6448536, (40, 200)))
        for prompts in sizes
    ),
]


def table(runs: int, words: str = "") -> str:
    lines = ["| interval | simulated | nominal | covered | claimed | median width |", "|---|---|---|---|---|---|"]
    for simulation in SIMULATIONS:
        if words not in f"{simulation.name}: {simulation.setting}":
            continue
        outcome = run(simulation, runs)
        covered = f"**{outcome.covered:.3f}**" if shortfall(simulation, outcome) else f"{outcome.covered:.3f}"
        name, setting = simulation.name, simulation.setting
        lines.append(
            f"| {name} | {setting} | {simulation.nominal:.2f} | {covered} | {outcome.claimed:,} | {outcome.width:.3f} |"
        )
        sys.stderr.write(lines[-1] + "\n")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, *sys.argv[2:3]))
