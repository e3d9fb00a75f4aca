"""Reference values of rankings and of the order shown: published where there are any, else worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from analytics.stats.battles import Battles, code_battles
from analytics.stats.bradley_terry import SHOWN_FIRST, bradley_terry, davidson
from analytics.stats.position import feature_choice, first_choice, judge_positions, order_consistency, order_test
from analytics.stats.ranks import rank_table
from analytics.stats.results import TestedEstimate
from analytics.stats.strengths import (
    StrengthFit,
    SystemEstimates,
    difference,
    elo_scale,
    strength_differences,
    win_probabilities,
)
from analytics.stats.style import style_control
from analytics.stats.transitivity import GoodnessOfFit, circular_triads, goodness_of_fit
from analytics.stats.win_rates import win_rate_over_opponents, win_rate_over_prompts, win_rate_pooled
from tests.analytics.stats.battle_tables import TEAMS, baseball, from_counts, independent, tournament
from tests.analytics.stats.reference import Reference

AGRESTI = "Agresti, Categorical Data Analysis, 2nd ed. 2002, section 10.6, table 10.11"
REFIT = "the same table fitted as a binomial logit model (R glm)"


def three_on_two_prompts() -> Battles:
    """Prompt p: amber beats basalt twice, ties with coral. Prompt q: basalt beats amber.

    amber: prompt means (1 + 1 + .5) / 3 and 0; pooled 2.5 of 4; against basalt 2 of 3, against coral 1/2.
    """
    return code_battles(
        list("pppq"),
        ["r1", "r2", "r3", "r1"],
        ["amber", "basalt", "amber", "amber"],
        ["basalt", "amber", "coral", "basalt"],
        ["win", "loss", "tie", "loss"],
    )


def both_orders(counts: dict[tuple[str, str], int], gold: str | None = None) -> Battles:
    """`counts[(x, y)]` pairs that one judge answered x with a first and y with b first, from a's point of view."""
    answers = [pair for pair, count in counts.items() for _ in range(count)]
    prompt = np.repeat(np.arange(len(answers)), 2)
    outcome = [answer for pair in answers for answer in pair]
    size = len(outcome)
    return code_battles(
        prompt, ["judge"] * size, ["a"] * size, ["b"] * size, outcome, [True, False] * len(answers),
        gold=None if gold is None else [gold] * size,
    )  # fmt: skip


# 40 pairs right in both orders, 15 only with a first, 25 only with b first, 20 in neither; the right answer is a.
JUDGED = {("win", "win"): 40, ("win", "loss"): 15, ("loss", "win"): 25, ("loss", "loss"): 20}


def judged(read: Callable[[Any], float | None]) -> Callable[[], float | None]:
    return lambda: read(judge_positions(both_orders(JUDGED, "win")).judges[0])


def against_baltimore(team: str, part: str) -> Callable[[], float | None]:
    def read() -> float | None:
        estimate = difference(bradley_terry(baseball(), clusters="model"), team, "Baltimore").estimate
        return estimate.value if part == "value" else (estimate.high - estimate.low) / 2 / 1.959963985

    return read


def at_home(read: Callable[[StrengthFit], float | None]) -> Callable[[], float | None]:
    return lambda: read(bradley_terry(baseball(), position=True, clusters="model"))


def ability(team: str) -> Callable[[], float | None]:
    def read(fit: StrengthFit) -> float:
        worth = np.exp(fit.theta)
        return float(worth[fit.systems.index(team)] / worth.sum())

    return at_home(read)


def two_with_ties() -> Battles:
    """Davidson's model is saturated: theta_a - theta_b = ln(40 / 10), nu = 20 / sqrt(40 x 10) = 1."""
    return from_counts([("a", "b", 40, 20, 10)])


def length_decides() -> Battles:
    """a against b: 30 of 40 won where a's answer is the longer by one, 10 of 40 where it is the shorter."""
    rows = [("a", "b", "win")] * 30 + [("a", "b", "loss")] * 10 + [("a", "b", "win")] * 10 + [("a", "b", "loss")] * 30
    return independent(rows, features={"length": [1.0] * 40 + [-1.0] * 40})


def above(estimates: SystemEstimates) -> float:
    """The first system's value less the second's."""
    return estimates.items[0].value - estimates.items[1].value


def rank_of(team: str) -> Callable[[], float | None]:
    return lambda: SystemEstimates(tuple(sorted(TEAMS)), rank_table(bradley_terry(baseball())).ranks).of(team).value


def games(**options: bool) -> GoodnessOfFit:
    return goodness_of_fit(baseball(), resamples=20, **options)


HAND = "by hand"
SATURATED = "by hand: with two systems the model fits every share exactly"
# Every team beats the three that follow it in a circle of seven: as many circular triads as can be.
CIRCLE = {"abcdefg"[i]: "".join("abcdefg"[(i + k) % 7] for k in (1, 2, 3)) for i in range(7)}
ONE_CIRCLE = {"a": "bcdef", "b": "cdef", "c": "def", "d": "e", "e": "f", "f": "d"}


def longer() -> TestedEstimate:
    rows = code_battles(
        list("pqrs"),
        ["x"] * 4,
        ["a"] * 4,
        ["b"] * 4,
        ["win", "loss", "win", "loss"],
        features={"length": [3.0, -1.0, -2.0, 0.0]},
    )
    return feature_choice(rows, "length")


PREFERENCE_REFERENCES: dict[str, list[Reference]] = {
    "win_rate_over_prompts": [
        Reference(
            "amber", lambda: win_rate_over_prompts(three_on_two_prompts()).of("amber").value, (2.5 / 3 + 0) / 2, HAND
        ),
        Reference(
            "one judgment a prompt",
            lambda: win_rate_over_prompts(from_counts([("a", "b", 8, 0, 2)])).of("a").low,
            0.490,
            "Brown, Cai & DasGupta 2001, Wilson 8 of 10",
            5e-4,
        ),
    ],
    "win_rate_pooled": [
        Reference("amber", lambda: win_rate_pooled(three_on_two_prompts()).of("amber").value, 2.5 / 4, HAND)
    ],
    "win_rate_over_opponents": [
        Reference(
            "amber",
            lambda: win_rate_over_opponents(three_on_two_prompts()).of("amber").value,
            (2 / 3 + 1 / 2) / 2,
            HAND,
        )
    ],
    "feature_choice": [
        Reference("longer in 2 of 3", lambda: longer().estimate.value, 2 / 3, "by hand: the fourth is a tie in length"),
        Reference("p", lambda: longer().p_value, 1.0, "exact binomial, 2 of 3"),
    ],
    "first_choice": [
        Reference(
            "p",
            lambda: first_choice(from_counts([("a", "b", 130, 0, 80)], first=True)).p_value,
            0.00068,
            "exact binomial, 130 of 210",
            5e-6,
        ),
        Reference(
            "p with prompts of two",
            lambda: first_choice(
                code_battles(
                    [0, 0, 1, 1, 2, 2, 3, 3], [None] * 8, ["a"] * 8, ["b"] * 8,
                    [1, 1, 1, 1, 1, 1, 0, 1], [True] * 8, unit=range(8),
                )
            ).p_value,
            0.230584,
            "by hand: .375 over sqrt(4/3 x (1 + 1 + 1 + 0)) / 8 is 1.5; t with 3 degrees of freedom",
        ),
    ],
    "order_consistency": [
        Reference("share", lambda: order_consistency(both_orders(JUDGED)).value, 0.60, "by hand: 40 + 20 of 100")
    ],
    "order_test": [
        Reference(
            "p",
            lambda: order_test(both_orders({("win", "loss"): 18, ("loss", "win"): 35, ("win", "win"): 60})).p_value,
            0.027,
            "McNemar's exact test, 18 against 35",
            5e-4,
        ),
        Reference(
            "share",
            lambda: order_test(both_orders({("win", "loss"): 18, ("loss", "win"): 35})).estimate.value,
            18 / 53,
            HAND,
        ),
    ],
    "judge_positions": [
        Reference("accuracy, a first", judged(lambda j: j.accuracy_a_first.value), 0.55, "by hand: 40 + 15 of 100"),
        Reference("accuracy, b first", judged(lambda j: j.accuracy_b_first.value), 0.65, "by hand: 40 + 25 of 100"),
        Reference("right in both", judged(lambda j: j.both_right.value), 0.40, "by hand: 40 of 100"),
        Reference("consistency", judged(lambda j: j.consistency.value), 0.60, "by hand: 40 + 20 of 100"),
        Reference(
            "first", judged(lambda j: j.first_choice.estimate.value), 0.45, "by hand: 40 + 15 + 20 + 15 of 200"
        ),
    ],
    "bradley_terry": [
        *(
            Reference(f"{team} above Baltimore", against_baltimore(team, "value"), expected, AGRESTI, 0.005)
            for team, expected in {
                "Milwaukee": 1.58, "Detroit": 1.44, "Toronto": 1.29, "New York": 1.25, "Boston": 1.11, "Cleveland": 0.68
            }.items()
        ),
        Reference("error of Boston", against_baltimore("Boston", "error"), 0.33387817, REFIT),
        Reference("error of Milwaukee", against_baltimore("Milwaukee", "error"), 0.34325592, REFIT),
        Reference("home", at_home(lambda fit: fit.effects[SHOWN_FIRST].estimate.value), 0.302, AGRESTI, 5e-4),
        *(
            Reference(f"ability of {team}", ability(team), expected, AGRESTI, 5e-4)
            for team, expected in {
                "Milwaukee": 0.220, "Detroit": 0.190, "Toronto": 0.164, "New York": 0.157, "Boston": 0.137,
                "Cleveland": 0.088, "Baltimore": 0.044,
            }.items()
        ),
        Reference(
            "a tie is half a win",
            lambda: difference(bradley_terry(two_with_ties()), "a", "b").estimate.value,
            math.log(50 / 20),
            SATURATED,
        ),
    ],
    "davidson": [
        Reference(
            "difference",
            lambda: difference(davidson(two_with_ties()), "a", "b").estimate.value,
            math.log(4),
            SATURATED,
        ),
        Reference("nu", lambda: davidson(two_with_ties()).tie_parameter.value, 1.0, SATURATED),
        Reference(
            "error of the difference",
            lambda: 2 * davidson(two_with_ties(), clusters="model").standard_errors[0],
            math.sqrt(1 / 40 + 1 / 10),
            "by hand: ln of the ratio of two multinomial counts, 1/n1 + 1/n2",
        ),
    ],
    "style_control": [
        Reference(
            "coefficient",
            lambda: style_control(length_decides()).coefficients["length"].estimate.value,
            math.log(3),
            "by hand: 3 to 1 for the longer answer",
        ),
        Reference("adjusted", lambda: style_control(length_decides()).adjusted.of("a").value, 0.0, "by symmetry"),
    ],
    "strength_differences": [
        Reference(
            "Boston against New York",
            lambda: 1 / (1 + math.exp(-difference(bradley_terry(baseball()), "Boston", "New York").estimate.value)),
            0.46,
            "Agresti 2002, section 10.6: exp(1.11) / (exp(1.11) + exp(1.25))",
            0.006,
        ),
        Reference(
            "Baltimore against Boston, p",
            lambda: strength_differences(bradley_terry(baseball(), clusters="model")).items[0].p_value,
            0.00090772,
            "two-sided normal, 1.1076977 / .3338782 (R pnorm)",
            1e-7,
        ),
    ],
    "win_probabilities": [
        Reference(
            "three to one",
            lambda: win_probabilities(bradley_terry(from_counts([("a", "b", 90, 0, 10)]))).of("a").value,
            0.75,
            "by hand: odds of 9 between two systems, of 3 against their mean",
        ),
        Reference(
            "with ties",
            lambda: win_probabilities(davidson(from_counts([("a", "b", 81, 9, 1)]))).of("a").value,
            (3 + 1 / 2) / (3 + 1 / 3 + 1),
            "by hand: theta = ln 9, nu = 1: (3 + 1/2) / (3 + 1/3 + 1)",
        ),
    ],
    "elo_scale": [
        Reference(
            "odds of ten",
            lambda: above(elo_scale(bradley_terry(from_counts([("a", "b", 100, 0, 10)])))),
            400.0,
            "Elo, The Rating of Chessplayers, 1978: 400 points are odds of ten to one",
        )
    ],
    "rank_table": [
        Reference(f"rank of {team}", rank_of(team), float(rank), AGRESTI) for rank, team in enumerate(TEAMS, 1)
    ],
    "goodness_of_fit": [
        Reference("by pair", lambda: games().statistic, 15.7, "Agresti 2002: G2 = 15.7, df = 15", 0.05),
        Reference("by pair and home", lambda: games(by_order=True).statistic, 44.05346123, REFIT),
        Reference(
            "with home advantage",
            lambda: games(by_order=True, position=True).statistic,
            38.64,
            "Agresti 2002: G2 = 38.6, df = 35",
            0.05,
        ),
    ],
    "circular_triads": [
        Reference("circle of seven", lambda: circular_triads(tournament(CIRCLE)).circular, 14, "(7^3 - 7) / 24"),
        Reference("zeta of a circle", lambda: circular_triads(tournament(CIRCLE)).zeta, 0.0, "Kendall & Smith 1940"),
        Reference(
            "zeta of an order",
            lambda: circular_triads(tournament({"a": "bcde", "b": "cde", "c": "de", "d": "e"})).zeta,
            1.0,
            "Kendall & Smith 1940",
        ),
        Reference(
            "one circle of six",
            lambda: circular_triads(tournament(ONE_CIRCLE)).zeta,
            1 - 24 / (6**3 - 4 * 6),
            "Kendall & Smith 1940: 1 - 24 d / (n^3 - 4n)",
        ),
    ],
}  # fmt: skip
