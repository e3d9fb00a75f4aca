"""How often 95 % intervals of consensus and rankings hold the truth, in simulation.

`python -m tests.analytics.stats.coverage_preference [runs [design]]` prints the table of
docs/algorithms/coverage-preference.md, or of the designs with these words. The slow tests run the same with
fewer runs.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analytics.stats.battles import Battles, code_battles
from analytics.stats.bradley_terry import SHOWN_FIRST, bradley_terry, davidson
from analytics.stats.coding import code_ratings
from analytics.stats.dawid_skene import dawid_skene
from analytics.stats.position import first_choice, order_consistency
from analytics.stats.ranks import rank_table
from analytics.stats.rater_adjusted import rater_adjusted_mean
from analytics.stats.results import Estimate
from analytics.stats.strengths import difference, win_probabilities
from analytics.stats.win_rates import win_rate_over_opponents, win_rate_over_prompts, win_rate_pooled
from tests.analytics.stats.battle_tables import simulated

STRENGTHS = np.array([0.8, 0.4, 0.0, -0.4, -0.8])
CLOSE = np.linspace(0.1, -0.1, 20)
PAIRS_A_PROMPT = 5
LARGE = 40_000  # prompts from which the true value of a figure is taken

Named = Iterator[tuple[str, Estimate]]


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


def rankings(data: Battles) -> Named:
    """Every figure of one table of judgments, by name."""
    fit = bradley_terry(data, position=True, features=["length"])
    plain, naive, ties = bradley_terry(data), bradley_terry(data, clusters="model"), davidson(data)
    yield from (("Bradley-Terry strength", estimate) for estimate in plain.strengths)
    yield from (("the same, judgments as independent", estimate) for estimate in naive.strengths)
    yield "difference of two strengths", difference(plain, "0", "1").estimate
    yield from (("Davidson strength", estimate) for estimate in ties.strengths)
    if ties.tie_parameter is not None:
        yield "Davidson's nu", ties.tie_parameter
    yield from (("chance against an average system", estimate) for estimate in win_probabilities(ties).items)
    yield "advantage of the side shown first", fit.effects[SHOWN_FIRST].estimate
    yield "coefficient of length", fit.effects["length"].estimate
    yield from (("win rate over prompts", estimate) for estimate in win_rate_over_prompts(data).items)
    yield from (("win rate pooled", estimate) for estimate in win_rate_pooled(data).items)
    yield from (("win rate over opponents", estimate) for estimate in win_rate_over_opponents(data).items)
    yield "share for the side shown first", first_choice(data).estimate


def battles(rng: np.random.Generator, prompts: int, pairs: int = PAIRS_A_PROMPT) -> Battles:
    """Several pairs on each prompt; a prompt suits some systems better than others."""
    return simulated(rng, STRENGTHS, prompts, pairs, prompt_sd=1.0, first=0.3, log_nu=-1.0, length=0.5)


def by_taste(rng: np.random.Generator, prompts: int, raters: int) -> Battles:
    """Raters differ in what they like; the truth is that of all raters there could be."""
    return simulated(rng, STRENGTHS, prompts, PAIRS_A_PROMPT, prompt_sd=0.5, raters=raters, rater_sd=0.7)


def with_raters(data: Battles) -> Named:
    yield from (("Bradley-Terry, by prompt", e) for e in bradley_terry(data).strengths)
    both = bradley_terry(data, clusters="prompts_and_raters")
    yield from (("Bradley-Terry, by prompt and rater", e) for e in both.strengths)
    yield "share for the side shown first, by prompt and rater", first_choice(data, by_rater=True).estimate


def swapped(rng: np.random.Generator, prompts: int) -> Battles:
    """Three pairs a prompt in both orders; whether the answer turns with the order belongs to the prompt."""
    pairs = prompts * 3
    turns = rng.random(pairs) < rng.choice([0.1, 0.5], prompts)[np.arange(pairs) // 3]
    first = rng.random(pairs) < 0.6
    second = np.where(turns, ~first, first)
    outcome = np.column_stack([first, second]).ravel().astype(float)
    unit = np.repeat(np.arange(pairs), 2)
    size = 2 * pairs
    return code_battles(
        unit // 3, ["judge"] * size, ["a"] * size, ["b"] * size, outcome, [True, False] * pairs, unit=unit
    )


def consistency(data: Battles) -> Named:
    yield "answers alike in both orders", order_consistency(data)


def covered(
    simulate: Callable[[np.random.Generator], object],
    read: Callable[[object], Named],
    truth: dict[str, list[float]],
    runs: int,
    seed: int = 1,
) -> list[Row]:
    """Coverage of every figure that `read` names; figures of several systems are averaged."""
    hits: dict[str, list[bool]] = defaultdict(list)
    widths: dict[str, list[float]] = defaultdict(list)
    for run in range(runs):
        found: dict[str, list[Estimate]] = defaultdict(list)
        for name, estimate in read(simulate(np.random.default_rng([seed, run]))):
            found[name].append(estimate)
        for name, estimates in found.items():
            for estimate, value in zip(estimates, truth[name], strict=True):
                if estimate.low is not None and estimate.high is not None:
                    hits[name].append(estimate.low <= value <= estimate.high)
                    widths[name].append(estimate.high - estimate.low)
    return [Row(name, float(np.mean(hits[name])), float(np.mean(widths[name])), runs) for name in hits]


def values(named: Named) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for name, estimate in named:
        assert estimate.value is not None
        found[name].append(estimate.value)
    return found


@lru_cache
def truth_of_rankings() -> dict[str, list[float]]:
    return values(rankings(battles(np.random.default_rng(99), LARGE)))


@lru_cache
def truth_with_raters() -> dict[str, list[float]]:
    return values(with_raters(by_taste(np.random.default_rng(98), LARGE, raters=4000)))


def of_rankings(prompts: int, runs: int, pairs: int = PAIRS_A_PROMPT) -> list[Row]:
    return covered(lambda rng: battles(rng, prompts, pairs), rankings, truth_of_rankings(), runs)


def of_raters(raters: int, runs: int, prompts: int = 200) -> list[Row]:
    return covered(lambda rng: by_taste(rng, prompts, raters), with_raters, truth_with_raters(), runs)


def of_consistency(prompts: int, runs: int) -> list[Row]:
    return covered(lambda rng: swapped(rng, prompts), consistency, {"answers alike in both orders": [0.7]}, runs)


def of_ranks(strengths: np.ndarray, prompts: int, runs: int) -> list[Row]:
    """Percentile intervals of each rank, and the simultaneous sets, which must all hold at once."""
    true = 1 + (strengths[None, :] > strengths[:, None]).sum(axis=1)
    single, at_once, widths = [], [], np.zeros(2)
    for run in range(runs):
        data = simulated(np.random.default_rng([3, run]), strengths, prompts, PAIRS_A_PROMPT)
        table = rank_table(bradley_terry(data), seed=run)
        inside = [
            [e.low <= rank <= e.high for e, rank in zip(part, true, strict=True)]
            for part in (table.ranks, table.simultaneous)
        ]
        single += inside[0]
        at_once.append(all(inside[1]))
        widths += [np.mean([e.high - e.low for e in part]) for part in (table.ranks, table.simultaneous)]
    widths /= runs
    return [
        Row("rank, percentiles", float(np.mean(single)), float(widths[0]), runs),
        Row("ranks, simultaneous sets, all at once", float(np.mean(at_once)), float(widths[1]), runs),
    ]


def of_adjusted_means(spread: float, runs: int) -> list[Row]:
    """Three of eight raters on each of 40 outputs; with `spread` some outputs are judged more noisily."""
    hits, widths = [], []
    for run in range(runs):
        rng = np.random.default_rng([4, run])
        quality, severity = rng.normal(0, 1, 40), rng.normal(0, 0.7, 8)
        severity -= severity.mean()
        rater = np.argsort(rng.random((40, 8)), axis=1)[:, :3].ravel()
        unit = np.repeat(np.arange(40), 3)
        noise = np.exp(rng.choice([-spread, spread], 40))[unit]
        value = quality[unit] + severity[rater] + noise * rng.normal(0, 0.5, 120)
        found = rater_adjusted_mean(code_ratings(unit, None, [f"r{i}" for i in rater], value), "interval")
        inside = [e.low <= q <= e.high for e, q in zip(found.estimates(), quality, strict=True)]
        hits += inside
        widths += [e.high - e.low for e in found.estimates()]
    name = "mean corrected for severity" + (", unequal noise" if spread else "")
    return [Row(name, float(np.mean(hits)), float(np.mean(widths)), runs)]


def of_latent_shares(raters: int, runs: int, prompts: int = 60) -> list[Row]:
    """Four outputs a prompt, whose true labels go together; raters of accuracy .65 to .9 judge all."""
    hits, widths = [], []
    accuracy = np.linspace(0.65, 0.9, raters)
    for run in range(runs):
        rng = np.random.default_rng([5, run])
        units = prompts * 4
        lean = rng.choice([0.2, 0.8], prompts, p=[0.5, 0.5])[np.arange(units) // 4]
        truth = (rng.random(units) < lean).astype(int)
        right = rng.random((units, raters)) < accuracy
        said = np.where(right, truth[:, None], 1 - truth[:, None]).ravel()
        unit = np.repeat(np.arange(units), raters)
        data = code_ratings(unit, unit // 4, np.tile(np.arange(raters), units), said, [0, 1])
        share = dawid_skene(data).shares.shares[1]
        hits.append(share.low <= 0.5 <= share.high)
        widths.append(share.high - share.low)
    return [Row("share of a true label (Dawid-Skene)", float(np.mean(hits)), float(np.mean(widths)), runs)]


def table(runs: int) -> Iterator[str]:
    yield "| design | figure | covers | mean width | runs |"
    yield "|---|---|---|---|---|"
    designs: list[tuple[str, Callable[[], list[Row]]]] = [
        *((f"{g} prompts, {PAIRS_A_PROMPT} pairs each", lambda g=g: of_rankings(g, runs)) for g in (10, 20, 30, 100)),
        ("30 prompts, 20 pairs each", lambda: of_rankings(30, runs, 20)),
        *((f"200 prompts, {r} raters with tastes", lambda r=r: of_raters(r, runs)) for r in (3, 5, 10, 30)),
        *((f"{g} prompts, 3 pairs in both orders", lambda g=g: of_consistency(g, runs)) for g in (20, 100)),
        ("100 prompts, strengths .4 apart", lambda: of_ranks(STRENGTHS, 100, runs)),
        ("100 prompts, 20 strengths .01 apart", lambda: of_ranks(CLOSE, 100, runs)),
        ("40 outputs, 3 of 8 raters each", lambda: of_adjusted_means(0.0, runs)),
        ("40 outputs, 3 of 8 raters each", lambda: of_adjusted_means(0.7, runs)),
        *((f"60 prompts of 4 outputs, {r} raters", lambda r=r: of_latent_shares(r, runs)) for r in (3, 5, 10)),
    ]
    chosen = sys.argv[2] if len(sys.argv) > 2 else ""
    for design, rows in designs:
        if chosen not in design:
            continue
        for row in rows():
            yield f"| {design} | {row.figure} | {row.covered:.3f} | {row.width:.3f} | {row.runs} |"


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for line in table(runs):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
