"""How often 95 % intervals of agreement and of raters hold the truth, in simulation.

`python -m tests.analytics.stats.coverage_agreement [runs] [part of a design's name]` prints the table of
docs/algorithms/coverage-agreement.md. The slow tests run the same with fewer runs.

Ratings are on five levels. Outputs of a prompt share its difficulty, and some prompts are judged with three times the
noise of others, so that agreement, too, belongs to the prompt.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from analytics.stats import agreement, concordance, icc, kappas, rater_quality, raters, span_agreement, specific
from analytics.stats._estimation import Population
from analytics.stats.agreement_differences import agreement_difference
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.item_bootstrap import item_bootstrap
from analytics.stats.results import Estimate

LEVELS = (1, 2, 3, 4, 5)
SEVERITY = 0.5

Named = Iterator[tuple[str, Estimate]]


class Design(NamedTuple):
    """`overlap` of `raters` judge each of `systems` outputs of each prompt; `severity` is the sd of raters."""

    prompts: int
    systems: int
    raters: int
    overlap: int
    severity: float = SEVERITY
    skew: float = 0.0

    @property
    def crossed(self) -> bool:
        return self.overlap == self.raters

    def __str__(self) -> str:
        who = f"all {self.raters}" if self.crossed else f"{self.overlap} of {self.raters}"
        outputs = "one output" if self.systems == 1 else f"{self.systems} outputs"
        skew = ", skewed" if self.skew else ""
        alike = ", raters alike" if not self.severity else ""
        return f"{self.prompts} prompts of {outputs}, {who} raters{alike}{skew}"


@dataclass(frozen=True)
class Row:
    figure: str
    covered: float
    width: float
    runs: int

    @property
    def error(self) -> float:
        """Binomial standard error of the coverage if it were 95 %."""
        return float(np.sqrt(0.95 * 0.05 / self.runs))


def ratings(rng: np.random.Generator, design: Design, noise: tuple[float, float] = (0.4, 1.2)) -> CodedRatings:
    units = design.prompts * design.systems
    unit = np.repeat(np.arange(units), design.overlap)
    prompt = unit // design.systems
    chosen = np.argsort(rng.random((units, design.raters)), axis=1)[:, : design.overlap].ravel()
    quality = rng.normal(0, 0.9, design.prompts)[prompt] + rng.normal(0, 0.5, units)[unit]
    lean = rng.normal(0, design.severity, design.raters)[chosen] if design.severity else 0.0
    spread = rng.choice(noise, design.prompts)[prompt]
    value = 3 + design.skew + quality + lean + spread * rng.normal(size=len(unit))
    return code_ratings(unit, prompt, chosen, np.clip(np.round(value), 1, 5), LEVELS)


def coefficients(data: CodedRatings, population: Population, crossed: bool) -> Named:
    yield "percent agreement", agreement.percent_agreement(data, population=population)
    for level in ("nominal", "ordinal", "interval"):
        yield f"alpha, {level}", agreement.krippendorff_alpha(data, level, population=population)
    yield "AC1", agreement.gwet_ac1(data, population=population)
    yield "AC2, ordinal weights", agreement.gwet_ac2(data, "ordinal", population=population)
    yield "Fleiss", kappas.fleiss_kappa(data, population=population)
    yield "Brennan-Prediger, quadratic", kappas.brennan_prediger(data, "quadratic", population=population)
    if crossed:
        yield "Conger", kappas.conger_kappa(data, population=population)
    for value, found in zip(LEVELS, specific.specific_agreement(data, population=population).agreement, strict=True):
        yield f"specific agreement on {value}", found


def bootstraps(data: CodedRatings) -> Named:
    yield "alpha, ordinal, item bootstrap", item_bootstrap(data, "ordinal", resamples=500)
    yield "AC1, item bootstrap", item_bootstrap(data, "nominal", statistic="gwet_ac1", resamples=500)


def intraclass(data: CodedRatings) -> Named:
    for form, found in icc.icc_of(data, "interval").items():
        yield f"ICC({form})", found


def cohen(data: CodedRatings) -> Named:
    yield "Cohen", kappas.cohen_kappa(data)
    yield "Cohen, quadratic weights", kappas.cohen_kappa(data, "quadratic")


def covered(simulate: Callable[[np.random.Generator], Named], truth: dict[str, float], runs: int) -> list[Row]:
    hits: dict[str, list[bool]] = defaultdict(list)
    widths: dict[str, list[float]] = defaultdict(list)
    for run in range(runs):
        for name, estimate in simulate(np.random.default_rng([1, run])):
            if estimate.low is not None and estimate.high is not None:
                hits[name].append(estimate.low <= truth[name] <= estimate.high)
                widths[name].append(estimate.high - estimate.low)
    return [Row(name, float(np.mean(hits[name])), float(np.mean(widths[name])), len(hits[name])) for name in hits]


@lru_cache
def truth(read: Callable[[CodedRatings], Named], design: Design, prompts: int, many: int) -> dict[str, float]:
    """The figures of very many prompts and raters."""
    data = ratings(np.random.default_rng(99), design._replace(prompts=prompts, raters=many))
    return {name: float(estimate.value or 0.0) for name, estimate in read(data)}


def of_coefficients(design: Design, runs: int, population: Population = "raters_like_these") -> list[Row]:
    """The truth of raters like these is that of 400 raters who judge as many of each output."""
    known = truth(_fixed, design._replace(overlap=min(design.overlap, 3)), 20_000, 400 if design.severity else 20)
    if design.crossed:
        known = known | truth(_crossed, design._replace(overlap=40), 2000, 40)
    rows = covered(lambda rng: coefficients(ratings(rng, design), population, design.crossed), known, runs)
    single = [row for row in rows if row.figure.startswith("specific")]
    return [*(row for row in rows if row not in single), _together("specific agreement, each level", single)]


def _fixed(data: CodedRatings) -> Named:
    yield from coefficients(data, "these_raters", crossed=False)


def _crossed(data: CodedRatings) -> Named:
    yield "Conger", kappas.conger_kappa(data, population="these_raters")


def of_bootstraps(design: Design, runs: int) -> list[Row]:
    return covered(lambda rng: bootstraps(ratings(rng, design)), truth(bootstraps, design, 20_000, 20), runs)


def of_intraclass(design: Design, runs: int) -> list[Row]:
    """The truth is that of the components of 100 raters."""
    wide = design._replace(systems=5, overlap=6)
    known = truth(_components, wide, 8000, 100)
    single = {"2": known["ICC(2,1)"], "3": known["ICC(3,1)"]}
    k = design.overlap
    steps = {f"ICC({form},k)": k * x / (1 + (k - 1) * x) for form, x in single.items()}
    return covered(lambda rng: intraclass(ratings(rng, design)), known | steps, runs)


def _components(data: CodedRatings) -> Named:
    """The point values alone; the single rating has no interval to wait for."""
    yield from ((f"ICC({form})", found) for form, found in icc.icc_of(data, "interval", ("2,1", "3,1")).items())


def of_cohen(prompts: int, systems: int, runs: int) -> list[Row]:
    design = Design(prompts, systems, 2, 2, 0.0)
    return covered(lambda rng: cohen(ratings(rng, design)), truth(cohen, design, 40_000, 2), runs)


def of_differences(design: Design, runs: int, population: Population) -> list[Row]:
    """The same raters under two guidelines, one of which is followed with more noise; and two crowds apart."""
    quieter, noisier = (0.4, 0.8), (0.6, 1.4)

    def figures(first: CodedRatings, second: CodedRatings) -> Named:
        yield (
            "difference of two alphas, paired",
            agreement_difference(first, second, "ordinal", population=population),
        )
        yield (
            "difference of two alphas, unpaired",
            agreement_difference(first, second, "ordinal", pairing="none", population=population),
        )

    def simulate(rng: np.random.Generator, design: Design = design) -> Named:
        seed = int(rng.integers(2**32))
        first = ratings(np.random.default_rng(seed), design, quieter)
        # The same draws of prompts, raters and outputs, with another noise: paired.
        second = ratings(np.random.default_rng(seed), design, noisier)
        apart = ratings(np.random.default_rng(seed + 1), design, noisier)
        paired, unpaired = next(figures(first, second)), list(figures(first, apart))[1]
        yield from (paired, unpaired)

    large = design._replace(prompts=20_000, raters=400 if design.severity else 20)
    alphas = [
        agreement.krippendorff_alpha(ratings(np.random.default_rng(7), large, noise), "ordinal").value or 0.0
        for noise in (quieter, noisier)
    ]
    gap = alphas[0] - alphas[1]
    known = {"difference of two alphas, paired": gap, "difference of two alphas, unpaired": gap}
    return covered(simulate, known, runs)


def of_severity(prompts: int, systems: int, count: int, runs: int) -> list[Row]:
    """Severity of each rater, planted; the truth is known exactly."""
    planted = np.linspace(-0.6, 0.6, count)

    def simulate(rng: np.random.Generator) -> Named:
        units = prompts * systems
        unit = np.repeat(np.arange(units), 3)
        chosen = np.argsort(rng.random((units, count)), axis=1)[:, :3].ravel()
        prompt = unit // systems
        noise = rng.choice([0.3, 1.0], prompts)[prompt] * rng.normal(size=len(unit))
        value = rng.normal(0, 1, units)[unit] + planted[chosen] + noise
        data = code_ratings(unit, prompt, [f"r{i:02}" for i in chosen], value)
        for figure in raters.severity(data, "interval").figures:
            yield figure.rater, figure.estimate

    known = {f"r{i:02}": float(x) for i, x in enumerate(planted)}
    return [_together("severity of a rater", covered(simulate, known, runs))]


def of_each_rater(design: Design, runs: int) -> list[Row]:
    """Alpha without a rater, agreement and distance to the others: these raters, on other prompts."""

    def read(data: CodedRatings) -> Named:
        for figure in raters.leave_one_out_alpha(data, "ordinal").figures:
            yield f"alpha without a rater {figure.rater}", figure.estimate
        for figure in raters.consensus_agreement(data).figures:
            yield f"agreement with the others {figure.rater}", figure.estimate
        for figure in raters.consensus_distance(data, "interval").figures:
            yield f"distance to the others {figure.rater}", figure.estimate

    lean = np.linspace(-0.8, 0.8, design.raters)

    def simulate(rng: np.random.Generator, design: Design = design) -> CodedRatings:
        units = design.prompts * design.systems
        unit = np.repeat(np.arange(units), design.overlap)
        prompt = unit // design.systems
        chosen = np.argsort(rng.random((units, design.raters)), axis=1)[:, : design.overlap].ravel()
        quality = rng.normal(0, 0.9, design.prompts)[prompt] + rng.normal(0, 0.5, units)[unit]
        noise = rng.choice([0.4, 1.2], design.prompts)[prompt] * rng.normal(size=len(unit))
        value = np.clip(np.round(3 + quality + lean[chosen] + noise), 1, 5)
        return code_ratings(unit, prompt, [f"r{i}" for i in chosen], value, LEVELS)

    known = {
        name: float(estimate.value or 0.0)
        for name, estimate in read(simulate(np.random.default_rng(5), design._replace(prompts=40_000)))
    }
    rows = covered(lambda rng: read(simulate(rng)), known, runs)
    names = ("alpha without a rater", "agreement with the others", "distance to the others")
    return [_together(name, [row for row in rows if row.figure.startswith(name)]) for name in names]


def of_rankings(prompts: int, raters: int, runs: int) -> list[Row]:
    """All raters rank four outputs of each prompt; some prompts are judged with more noise than others."""

    def concord(rng: np.random.Generator, n: int) -> Estimate:
        quality = np.repeat(rng.normal(0, 1, (n, 1, 4)), raters, axis=1)
        noise = rng.choice([0.4, 1.2], n)[:, None, None] * rng.normal(size=(n, raters, 4))
        rank = np.argsort(np.argsort(-(quality + noise), axis=2), axis=2) + 1.0
        prompt, rater, output = (axis.ravel() for axis in np.indices(rank.shape))
        return concordance.kendall_w(prompt, prompt, prompt * raters + rater, output, rank.ravel())

    truth = concord(np.random.default_rng(98), 20_000).value
    assert truth is not None

    def simulate(rng: np.random.Generator) -> Named:
        yield "Kendall's W", concord(rng, prompts)

    return covered(simulate, {"Kendall's W": truth}, runs)


def of_marks(prompts: int, raters: int, runs: int) -> list[Row]:
    """Each output has some mistakes; each rater sees some of them, and marks them a little longer or shorter."""

    def agree(rng: np.random.Generator, n: int) -> Estimate:
        seen = rng.beta(2, 2, n)
        unit, rater = (axis.ravel() for axis in np.indices((n, raters)))
        mistakes = rng.poisson(2, n)
        marks = [
            [
                (40 * m, 40 * m + 10 + int(rng.integers(0, 9)), "error")
                for m in range(mistakes[u])
                if rng.random() < seen[u]
            ]
            for u in unit
        ]
        return span_agreement.span_f1(unit, unit, rater, marks)

    truth = agree(np.random.default_rng(97), 8_000).value
    assert truth is not None

    def simulate(rng: np.random.Generator) -> Named:
        yield "F1 of marks", agree(rng, prompts)

    return covered(simulate, {"F1 of marks": truth}, runs)


def of_gold(items: int, right: float, runs: int) -> list[Row]:
    def simulate(rng: np.random.Generator) -> Named:
        value = np.where(rng.random(items) < right, 1, 2)
        data = code_ratings(np.arange(items), None, ["r"] * items, value, [1, 2])
        found = rater_quality.gold_accuracy(data, dict.fromkeys(range(items), 1))
        yield "accuracy on gold", found.accuracy.of("r").estimate

    return covered(simulate, {"accuracy on gold": right}, runs)


def _together(name: str, rows: list[Row]) -> Row:
    """Figures of several raters averaged."""
    covers, widths = np.mean([row.covered for row in rows]), np.mean([row.width for row in rows])
    return Row(name, float(covers), float(widths), min(row.runs for row in rows))


def designs(runs: int) -> list[tuple[str, Callable[[], list[Row]]]]:
    def coefficient_rows(design: Design, population: Population) -> tuple[str, Callable[[], list[Row]]]:
        who = "these raters" if population == "these_raters" else "raters like these"
        return f"{design}; {who}", lambda: of_coefficients(design, runs, population)

    alike = [Design(g, s, 5, 3, 0.0) for g, s in ((30, 1), (100, 1), (30, 5), (100, 5))]
    differ = [Design(60, s, r, min(3, r)) for r in (3, 5, 10) for s in (1, 5)]
    mixed = [Design(60, s, r, o) for r, o in ((3, 2), (5, 3), (10, 3), (5, 5)) for s in (1, 5)]
    chance = [Design(g, 1, 5, 3, 0.0) for g in (30, 100)]
    pair, crowd = Design(60, 5, 5, 3, 0.0), Design(60, 5, 8, 3)
    lone = ((40, 1, 3), (60, 5, 5), (60, 5, 10))
    return [
        *(coefficient_rows(design, "these_raters") for design in (*alike, Design(100, 5, 5, 3, 0.0, skew=1.2))),
        *(coefficient_rows(design, "raters_like_these") for design in (*differ, Design(60, 5, 5, 5))),
        *((f"{d}; bootstrap", lambda d=d: of_bootstraps(d, runs)) for d in chance),
        *((f"40 prompts of {s} outputs, a pair of raters", lambda s=s: of_cohen(40, s, runs)) for s in (1, 5)),
        *((f"{d}; intraclass", lambda d=d: of_intraclass(d, runs)) for d in mixed),
        (f"{pair}; differences", lambda: of_differences(pair, runs, "these_raters")),
        (f"{crowd}; differences", lambda: of_differences(crowd, runs, "raters_like_these")),
        *(
            (
                f"{g} prompts of {s} outputs, 3 of {r} raters; each rater",
                lambda g=g, s=s, r=r: of_severity(g, s, r, runs),
            )
            for g, s, r in lone
        ),
        ("60 prompts of 5 outputs, 3 of 6 raters; each rater", lambda: of_each_rater(Design(60, 5, 6, 3), runs)),
        *(
            (f"{g} prompts of 4 outputs, {r} raters rank them", lambda g=g, r=r: of_rankings(g, r, runs))
            for g, r in ((20, 3), (60, 3), (60, 6))
        ),
        *((f"{g} prompts, 3 raters mark passages", lambda g=g: of_marks(g, 3, runs)) for g in (20, 60)),
        *((f"{n} gold items, {p:.0%} right", lambda n=n, p=p: of_gold(n, p, runs)) for n, p in ((10, 0.8), (20, 0.95))),
    ]


def table(runs: int, chosen: str = "") -> Iterator[str]:
    yield f"| design | figure | covers ({runs} runs) | mean width |"
    yield "|---|---|---|---|"
    for design, rows in designs(runs):
        if chosen in design:
            for row in rows():
                yield f"| {design} | {row.figure} | {row.covered:.3f} | {row.width:.3f} |"


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for line in table(runs, sys.argv[2] if len(sys.argv) > 2 else ""):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
