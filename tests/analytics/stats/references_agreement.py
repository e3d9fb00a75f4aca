"""Published or hand-worked values of the kappas, specific agreement, ICC, differences, bootstrap, benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from analytics.stats import (
    agreement_differences,
    benchmarks,
    concordance,
    icc,
    item_bootstrap,
    kappas,
    span_agreement,
    specific,
)
from analytics.stats._additive import crossing
from analytics.stats._mixed import reml
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.results import Estimate
from tests.analytics.stats.builders import PARADOX_SKEWED, from_counts, from_cross_table
from tests.analytics.stats.reference import Reference

# Gwet, Handbook of Inter-Rater Reliability: two abstractors, three categories.
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
PARADOX_BALANCED = [[40, 9], [6, 45]]  # Feinstein & Cicchetti 1990, beside PARADOX_SKEWED
# Gwet's four raters: Krippendorff's 2011 ratings, but the single rating of unit 12 is the third rater's. 0: none.
FOUR_RATERS = {
    "1": [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    "2": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 0],
    "3": [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
    "4": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
}
# Fleiss, Psychological Bulletin 76, 1971, table 1: 30 patients, six diagnoses each, five categories.
FLEISS_1971 = [
    *([0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0]),
    *([0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0]),
    *([0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1], [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0]),
    *([0, 2, 0, 4, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0]),
    *([1, 0, 0, 4, 1], [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6]),
]
# Shrout & Fleiss, Psychological Bulletin 86, 1979, table 2: six targets, four judges.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

R_README = "R irrCAC 1.4 README"
R_WEIGHTING = "R irrCAC vignette on weighting, cont3x3abstractors"
PY_IRRCAC = "python irrCAC 0.4.4 on cac.raw4raters"
R_BENCHMARKING = "R irrCAC vignette on benchmarking"
PINGOUIN = "Shrout & Fleiss 1979; limits by pingouin 0.7.0, rounded to two digits"


def four_raters() -> CodedRatings:
    rows = [(unit, rater, value or None) for rater, values in FOUR_RATERS.items() for unit, value in enumerate(values)]
    unit, rater, value = zip(*rows, strict=True)
    return code_ratings(unit, None, rater, value, [1, 2, 3, 4, 5])


def shrout_fleiss() -> CodedRatings:
    unit = [u for u in range(6) for _ in range(4)]
    return code_ratings(unit, None, ["J1", "J2", "J3", "J4"] * 6, [x for row in SHROUT_FLEISS for x in row])


def published(function: str, attribute: str = "value", weights: str = "identity") -> Callable[[], float | None]:
    """A coefficient of Gwet's four raters with the published variance."""
    return lambda: getattr(
        getattr(kappas, function)(four_raters(), weights, population="these_raters", variance="gwet"), attribute
    )


def of_table(function: str, table: list[list[int]], weights: str = "identity") -> Callable[[], float | None]:
    return lambda: getattr(kappas, function)(from_cross_table(table), weights).value


def of_judges(form: str, attribute: str = "value") -> Callable[[], float | None]:
    return lambda: getattr(icc.icc(shrout_fleiss(), "interval", form), attribute)


def restricted_likelihood() -> float:
    """ICC(2,4) of the complete table from variance components."""
    data = shrout_fleiss()
    found = reml(crossing(data, data.values()))
    return found.item / (found.item + ((found.rater or 0) + found.error) / 4)


def on_level(table: list[list[int]], code: int) -> Callable[[], float | None]:
    return lambda: specific.specific_agreement(from_cross_table(table)).agreement[code].value


def agreeing(agree: list[int]) -> CodedRatings:
    """Two raters, one output a prompt, who agree where `agree` is 1."""
    unit = [u for u in range(len(agree)) for _ in "ab"]
    return code_ratings(unit, None, ["a", "b"] * len(agree), [v for x in agree for v in (1, 1 if x else 2)], [1, 2])


def paired_difference() -> Estimate:
    """Fourteen and ten of twenty prompts in agreement, nine in both: differences 5 x 1, 1 x -1, 14 x 0."""
    a = agreeing([1] * 9 + [1] * 5 + [0] * 6)
    b = agreeing([1] * 9 + [0] * 5 + [1] + [0] * 5)
    return agreement_differences.agreement_difference(
        a, b, "nominal", statistic="percent_agreement", population="these_raters"
    )


def unpaired_difference() -> Estimate:
    a, b = agreeing([1] * 14 + [0] * 6), agreeing([1] * 10 + [0] * 10)
    return agreement_differences.agreement_difference(
        a, b, "nominal", statistic="percent_agreement", pairing="none", population="these_raters"
    )


def resampled(attribute: str) -> Callable[[], float | None]:
    """Agreement on 85 of 100 outputs: every resample is a binomial draw."""
    return lambda: getattr(_of_a_hundred(), attribute)


@cache
def _of_a_hundred() -> Estimate:
    data = agreeing([1] * 85 + [0] * 15)
    return item_bootstrap.item_bootstrap(data, "nominal", statistic="percent_agreement", resamples=4000)


def cumulative(scale: str, band: int) -> Callable[[], float]:
    ac1 = Estimate(0.77544, 0.77544 - 1.959963985 * 0.14295, 1.0)
    return lambda: benchmarks.benchmark(ac1, scale).bands[band].cumulative


_PAIRED = (0.2, math.sqrt((6 - 20 * 0.2**2) / 19) / math.sqrt(20))
_WELCH_ERROR = math.sqrt(0.7 * 0.3 / 19 + 0.5 * 0.5 / 19)
_WELCH_T = 2.024394  # t(38) at .975; Welch's 37.73 degrees of freedom are rounded

# Siegel, Nonparametric Statistics for the Behavioral Sciences, 1956, ch. 9: three executives rank six applicants, and
# Kendall's example of three rankings of ten with ties.
EXECUTIVES = [[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]]
WITH_TIES = [
    [1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10],
    [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5],
    [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10],
]


def ranked(*tables: list[list[float]]) -> Estimate:
    """Each table is a prompt of its own."""
    rows = [
        (n, n, f"{n}:{rater}", output, rank)
        for n, table in enumerate(tables)
        for rater, ranks in enumerate(table)
        for output, rank in enumerate(ranks)
    ]
    task, cluster, ranking, output, rank = zip(*rows, strict=True)
    return concordance.kendall_w(task, cluster, ranking, output, rank)


def marked(*raters: list[tuple[int, int]]) -> float | None:
    marks = [[(start, end, "error") for start, end in each] for each in raters]
    return span_agreement.span_f1([1] * len(raters), [1] * len(raters), range(len(raters)), marks).value


AGREEMENT_REFERENCES: dict[str, list[Reference]] = {
    "span_f1": [
        Reference("half of both", lambda: marked([(0, 10)], [(5, 15)]), 0.5, "by hand, 2·5 / (10 + 10)"),
        Reference("overlaps count once", lambda: marked([(0, 6), (4, 10)], [(0, 10)]), 1.0, "by hand"),
        Reference("nothing and nothing", lambda: marked([], []), 1.0, "declared"),
        Reference("nothing and something", lambda: marked([], [(0, 3)]), 0.0, "by hand"),
        Reference("three raters", lambda: marked([(0, 10)], [(5, 15)], []), 0.5 / 3, "by hand, mean of three pairs"),
    ],
    "kendall_w": [
        Reference("executives", lambda: ranked(EXECUTIVES).value, 0.16, "Siegel 1956, p. 230 (two digits)", 0.005),
        Reference("ties", lambda: ranked(WITH_TIES).value, 0.828, "Siegel 1956, p. 234, after Kendall 1948", 0.0005),
        Reference("two prompts", lambda: ranked(EXECUTIVES, WITH_TIES).value, 0.494818, "by hand, the mean of both"),
    ],
    "cohen_kappa": [
        Reference("abstractors", of_table("cohen_kappa", ABSTRACTORS), 0.7964094, R_README),
        Reference("balanced", of_table("cohen_kappa", PARADOX_BALANCED), 0.6995192, "Feinstein & Cicchetti 1990 (.70)"),
        Reference("skewed", of_table("cohen_kappa", PARADOX_SKEWED), 0.3181818, "Feinstein & Cicchetti 1990 (.32)"),
        Reference(
            "standard error",
            lambda: _error_with_n(kappas.cohen_kappa(from_cross_table(ABSTRACTORS)), 100),
            0.05891072,
            f"{R_README}, cont3x3abstractors, which divides by n",
        ),
    ],
    "cohen_kappa_weighted": [
        Reference("quadratic", of_table("cohen_kappa", ABSTRACTORS, "quadratic"), 0.8921569, R_WEIGHTING),
        Reference(
            "quadratic, standard error",
            lambda: _error_with_n(kappas.cohen_kappa(from_cross_table(ABSTRACTORS), "quadratic"), 100),
            0.03535151,
            R_WEIGHTING,
        ),
    ],
    "fleiss_kappa": [
        Reference("1971", lambda: kappas.fleiss_kappa(from_counts(FLEISS_1971)).value, 0.4302445, "Fleiss 1971 (.430)"),
        Reference("four raters", published("fleiss_kappa"), 0.76117, R_README, 1e-5),
        Reference("four raters, low", published("fleiss_kappa", "low"), 0.424, R_README, 5e-4),
        Reference("six raters", lambda: kappas.fleiss_kappa(from_counts(FLEISS_1971[:15])).value, 0.4139265, R_README),
        Reference("Scott's pi", of_table("fleiss_kappa", ABSTRACTORS), 0.7962397, f"{R_README}, cont3x3abstractors"),
    ],
    "fleiss_kappa_weighted": [
        *(
            Reference(f"{weights} {attribute}", published("fleiss_kappa", attribute, weights), x, PY_IRRCAC, 2e-5)
            for weights, value, low in (
                ("ordinal", 0.85021, 0.52658),
                ("linear", 0.81794, 0.49109),
                ("quadratic", 0.86494, 0.54352),
            )
            for attribute, x in (("value", value), ("low", low))
        ),
        Reference("Scott, quadratic", of_table("fleiss_kappa", ABSTRACTORS, "quadratic"), 0.8921093, R_WEIGHTING),
    ],
    "conger_kappa": [
        Reference("four raters", published("conger_kappa"), 0.76282, R_README, 1e-5),
        Reference("four raters, low", published("conger_kappa", "low"), 0.435, R_README, 5e-4),
        Reference(
            "two raters are Cohen's", of_table("conger_kappa", ABSTRACTORS), 0.7964094, "Conger 1980: r = 2 is Cohen"
        ),
    ],
    "conger_kappa_weighted": [
        Reference(f"{weights} {attribute}", published("conger_kappa", attribute, weights), x, PY_IRRCAC, 2e-5)
        for weights, value, low in (
            ("ordinal", 0.84366, 0.5265),
            ("linear", 0.81378, 0.49445),
            ("quadratic", 0.85771, 0.54149),
        )
        for attribute, x in (("value", value), ("low", low))
    ],
    "brennan_prediger": [
        Reference("four raters", published("brennan_prediger"), 0.77273, R_README, 1e-5),
        Reference("four raters, low", published("brennan_prediger", "low"), 0.454, R_README, 5e-4),
        Reference("abstractors", of_table("brennan_prediger", ABSTRACTORS), 0.835, R_README),
        Reference(
            "six raters", lambda: kappas.brennan_prediger(from_counts(FLEISS_1971[:15])).value, 0.4388889, R_README
        ),
    ],
    "brennan_prediger_weighted": [
        *(
            Reference(f"{weights} {attribute}", published("brennan_prediger", attribute, weights), x, PY_IRRCAC, 2e-5)
            for weights, value, low in (
                ("ordinal", 0.88636, 0.63566),
                ("linear", 0.84848, 0.57698),
                ("quadratic", 0.90152, 0.65744),
            )
            for attribute, x in (("value", value), ("low", low))
        ),
        Reference("quadratic", of_table("brennan_prediger", ABSTRACTORS, "quadratic"), 0.9175, R_WEIGHTING),
    ],
    "specific_agreement": [
        Reference("positive", on_level(PARADOX_BALANCED, 0), 80 / 95, "Cicchetti & Feinstein 1990: 2a / (2a + b + c)"),
        Reference("negative", on_level(PARADOX_BALANCED, 1), 90 / 105, "Cicchetti & Feinstein 1990: 2d / (2d + b + c)"),
        Reference("rare level", on_level(PARADOX_SKEWED, 1), 0.4, "Cicchetti & Feinstein 1990: 10 / 25"),
        Reference(
            "Fleiss 1971, neurosis",
            lambda: specific.specific_agreement(from_counts(FLEISS_1971)).agreement[3].value,
            174 / 275,
            "Spitzer & Fleiss 1974 by hand: sum n(n - 1) = 174, sum 5 n = 275",
        ),
    ],
    "icc_2_1": [
        Reference("value", of_judges("2,1"), 0.2897638, "Shrout & Fleiss 1979 (.29)"),
        Reference("low", of_judges("2,1", "low"), 0.02, PINGOUIN, 5e-3),
        Reference("high", of_judges("2,1", "high"), 0.76, PINGOUIN, 5e-3),
    ],
    "icc_2_k": [
        Reference("value", of_judges("2,k"), 0.6200505, "Shrout & Fleiss 1979 (.62)"),
        Reference("low", of_judges("2,k", "low"), 0.07, PINGOUIN, 5e-3),
        Reference("high", of_judges("2,k", "high"), 0.93, PINGOUIN, 5e-3),
        Reference("restricted likelihood", restricted_likelihood, 0.6200505, "Shrout & Fleiss 1979 (.62)"),
    ],
    "icc_3_1": [
        Reference("value", of_judges("3,1"), 0.7148407, "Shrout & Fleiss 1979 (.71)"),
        Reference("low", of_judges("3,1", "low"), 0.34, PINGOUIN, 5e-3),
        Reference("high", of_judges("3,1", "high"), 0.95, PINGOUIN, 5e-3),
    ],
    "icc_3_k": [
        Reference("value", of_judges("3,k"), 0.9093155, "Shrout & Fleiss 1979 (.91)"),
        Reference("low", of_judges("3,k", "low"), 0.68, PINGOUIN, 5e-3),
        Reference("high", of_judges("3,k", "high"), 0.99, PINGOUIN, 5e-3),
    ],
    "agreement_difference": [
        Reference("paired", lambda: paired_difference().value, 0.2, "by hand: 14/20 - 10/20"),
        Reference(
            "paired, low",
            lambda: paired_difference().low,
            _PAIRED[0] - 2.093024 * _PAIRED[1],
            "paired t on the prompts' differences (Student 1908), t(19) = 2.093024",
        ),
        Reference(
            "unpaired, low",
            lambda: unpaired_difference().low,
            0.2 - _WELCH_T * _WELCH_ERROR,
            "Welch, Biometrika 34, 1947, on the prompts' agreement",
        ),
    ],
    "item_bootstrap": [
        Reference("value", resampled("value"), 0.85, "by hand: 85 of 100"),
        Reference("low", resampled("low"), 0.78, "binomial quantile, R qbinom(.025, 100, .85) = 78", 1e-9),
        Reference("high", resampled("high"), 0.92, "binomial quantile, R qbinom(.975, 100, .85) = 92", 1e-9),
    ],
    "benchmark": [
        Reference(f"{scale} {band}", cumulative(scale, band), expected, R_BENCHMARKING, 1e-5)
        for scale, band, expected in (
            ("landis_koch", 0, 0.39674),
            ("landis_koch", 1, 0.88336),
            ("landis_koch", 2, 0.99542),
            ("landis_koch", 3, 0.99997),
            ("altman", 1, 0.88336),
            ("fleiss", 0, 0.54414),
            ("fleiss", 1, 0.99542),
        )
    ],
}


def _error_with_n(estimate: Estimate, units: int) -> float:
    """The standard error behind a t interval, divided by n instead of n - 1 as for a cross-table."""
    from analytics.stats.intervals import t_quantile

    error = (estimate.value - estimate.low) / t_quantile(0.95, units)
    return float(error * np.sqrt((units - 1) / units))
