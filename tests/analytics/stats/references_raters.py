"""Published or hand-worked values of the rater statistics."""

from __future__ import annotations

import math
from collections.abc import Callable

from analytics.stats import rater_behaviour, rater_quality, raters
from analytics.stats.coding import code_ratings
from analytics.stats.rater_figures import RaterFigures
from tests.analytics.stats.builders import krippendorff_2011
from tests.analytics.stats.reference import Reference
from tests.analytics.stats.references_agreement import shrout_fleiss

# Krippendorff 2011, example A: Meg and Owen, here one rater on two occasions.
FIRST = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
SECOND = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
PACKAGE = "krippendorff 0.9.0 without the rater less with all, Krippendorff 2011"


def without(rater: str, level: str) -> Callable[[], float | None]:
    return lambda: raters.leave_one_out_alpha(krippendorff_2011(), level).of(rater).estimate.value


def chain() -> RaterFigures:
    """A is 1 above B on one output, B is 2 above C on another: effects 4/3, 1/3, -5/3."""
    return raters.severity(code_ratings([1, 1, 2, 2], None, list("ABBC"), [5, 4, 8, 6]), "interval")


def majorities() -> RaterFigures:
    """x against the others: a-a (hit), a-b tie (half), b-b (miss), c alone with b (miss): 1.5 of 4."""
    unit = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4]
    value = ["a", "a", "a", "a", "a", "b", "a", "b", "b", "c", "b"]
    return raters.consensus_agreement(code_ratings(unit, None, list("xyzxyzxyzxy"), value, ["a", "b", "c"]))


def distances() -> RaterFigures:
    """x is 1 from the mean 2 of y and z, and 3 from y alone."""
    return raters.consensus_distance(code_ratings([1, 1, 1, 2, 2], None, list("xyzxy"), [3, 1, 3, 5, 2]), "interval")


def gold(right: int, of: int) -> rater_quality.GoldAccuracy:
    given = [1] * right + [2] * (of - right)
    return rater_quality.gold_accuracy(
        code_ratings(range(of), None, ["r"] * of, given, [1, 2]), dict.fromkeys(range(of), 1)
    )


def two_on_gold() -> rater_quality.GoldAccuracy:
    """Nine of ten and three of ten."""
    value = [1] * 9 + [2] + [1] * 3 + [2] * 7
    data = code_ratings(list(range(10)) * 2, None, ["a"] * 10 + ["b"] * 10, value, [1, 2])
    return rater_quality.gold_accuracy(data, dict.fromkeys(range(10), 1))


def repeated() -> RaterFigures:
    unit, position = list(range(10)) * 2, list(range(20))
    return rater_quality.repeat_consistency(unit, None, ["r"] * 20, position, FIRST + SECOND, "nominal", [0, 1])


def timed() -> RaterFigures:
    """A takes exp(j/100) times what B and C take, j = 1..20."""
    seconds = [10 * math.exp(j / 100) for j in range(1, 21)] + [10.0] * 40
    return rater_behaviour.pace(["A"] * 20 + ["B"] * 20 + ["C"] * 20, list(range(20)) * 3, seconds)


def in_two_blocks() -> rater_behaviour.StraightLine:
    """Ten a and then ten b; another rater alternates."""
    value = ["a"] * 10 + ["b"] * 10 + ["a", "b"] * 10
    return rater_behaviour.straight_lining(["x"] * 20 + ["y"] * 20, list(range(20)) * 2, value).of("x")


# By moments, Kleinman 1973: p = .6, S = 10 (.3^2 + .3^2) = 1.8, r = (1.8 - .24) / (.24 (20 - 10 - 1)).
_CORRELATION = (1.8 - 0.24) / (0.24 * 9)
_WEIGHT = (1 - _CORRELATION) / _CORRELATION

RATER_REFERENCES: dict[str, list[Reference]] = {
    "leave_one_out_alpha": [
        Reference("C, nominal", without("C", "nominal"), 0.1245034756, PACKAGE, 1e-9),
        Reference("B, ordinal", without("B", "ordinal"), -0.0641485517, PACKAGE, 1e-9),
        Reference("D, interval", without("D", "interval"), 0.0129970451, PACKAGE, 1e-9),
    ],
    "severity": [
        *(
            Reference(
                f"judge {number}",
                lambda number=number: raters.severity(shrout_fleiss(), "interval").of(f"J{number}").estimate.value,
                expected,
                "Shrout & Fleiss 1979, table 2: column mean less grand mean 5.291667",
            )
            for number, expected in ((1, 2.375), (2, -2.791667), (3, -0.958333), (4, 1.375))
        ),
        *(
            Reference(f"chain {name}", lambda name=name: chain().of(name).estimate.value, expected, "by hand")
            for name, expected in (("A", 4 / 3), ("B", 1 / 3), ("C", -5 / 3))
        ),
    ],
    "consensus_agreement": [
        Reference("x", lambda: majorities().of("x").estimate.value, 0.375, "by hand: (1 + 1/2 + 0 + 0) / 4"),
        Reference("y", lambda: majorities().of("y").estimate.value, 0.5, "by hand: (1 + 1/2 + 1/2 + 0) / 4"),
    ],
    "consensus_distance": [
        Reference("x", lambda: distances().of("x").estimate.value, 2.0, "by hand: (1 + 3) / 2"),
        Reference("z", lambda: distances().of("z").estimate.value, 1.0, "by hand: |3 - (3 + 1) / 2|"),
    ],
    "gold_accuracy": [
        Reference("8/10 low", lambda: gold(8, 10).accuracy.of("r").estimate.low, 0.490, "Brown et al. 2001", 5e-4),
        Reference("8/10 high", lambda: gold(8, 10).accuracy.of("r").estimate.high, 0.943, "Brown et al. 2001", 5e-4),
        Reference("0/20 high", lambda: gold(0, 20).accuracy.of("r").estimate.high, 0.161, "z^2 / (20 + z^2)", 5e-4),
        Reference(
            "shrunk",
            lambda: two_on_gold().accuracy.of("a").shrunk,
            (9 + 0.6 * _WEIGHT) / (10 + _WEIGHT),
            "Kleinman 1973 by hand",
        ),
        Reference("confusion", lambda: two_on_gold().confusion["b"][0][1], 7, "by hand"),
    ],
    "repeat_consistency": [
        Reference("example A", lambda: repeated().of("r").estimate.value, 0.0952381, "Krippendorff 2011, A (.095)"),
        Reference("lag", lambda: repeated().of("r").details["median_lag"], 10, "by hand"),
        Reference("same", lambda: repeated().of("r").details["same_share"], 0.6, "by hand"),
    ],
    "pace": [
        Reference("median", lambda: timed().of("A").estimate.value, math.exp(0.105), "by hand: between 10 and 11"),
        Reference(
            "low", lambda: timed().of("A").estimate.low, math.exp(0.06), "Conover 1999, table A3: n = 20, rank 6"
        ),
        Reference("high", lambda: timed().of("A").estimate.high, math.exp(0.15), "Conover 1999: rank 15"),
    ],
    "straight_lining": [
        Reference("run", lambda: in_two_blocks().longest_run, 10, "by hand"),
        Reference("entropy", lambda: in_two_blocks().entropy, 1.0, "by hand: two levels, half each"),
        Reference(
            "p", lambda: in_two_blocks().p_value, 2 / 1001, "exact 20 / C(20, 10) = .000108, so none of 1000 draws"
        ),
    ],
}
