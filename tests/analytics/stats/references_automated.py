"""Published or hand-worked values of automated scores, gates, slices and totals: `AUTOMATED_REFERENCES[name]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analytics.stats import (
    association_levels,
    attenuation,
    ceiling,
    gates,
    judge_errors,
    measures,
    misclassification,
    mqm,
    multiplicity,
    pairwise_accuracy,
    prediction_powered,
    scores,
    slices,
    weighted_totals,
)
from analytics.stats.alternative_annotator import AlternativeAnnotatorTest, alternative_annotator_test
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.pooling import partial_pooling
from tests.analytics.stats.reference import Reference

# Anscombe, American Statistician 1973: four sets with one correlation. The first three share x.
X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
Y1 = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
Y2 = [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74]
Y3 = [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]
X4 = [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8]
Y4 = [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89]
# Rank correlations of statistics textbooks: tau-b 17/19, rho 17/18.
TIED = ([1, 2, 2, 3, 4, 4, 5], [1, 1, 2, 3, 3, 4, 5])
# Student, Biometrika 1908: extra sleep under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
SLEEP = [b - a for a, b in zip(SLEEP_1, SLEEP_2, strict=True)]
# Rubin, Journal of Educational Statistics 1981: coaching in eight schools.
SCHOOLS = ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
P_VALUES = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
TAK = "Tak, Kelly & Morris, JSS 78(5), 2017: Rgbp on the eight schools"
DEUTSCH = "mt-metrics-eval of Deutsch et al., its own regression example"


def two_prompts(coefficient: str) -> float | None:
    """The tied example in one prompt and a perfect order in another."""
    metric, human = TIED[0] + [1, 2, 3], TIED[1] + [4, 5, 6]
    return association_levels.within_prompts(coefficient, metric, human, [1] * 7 + [2] * 3).value


def anscombe() -> float | None:
    x, y = X * 3 + X4, Y1 + Y2 + Y3 + Y4
    return association_levels.within_prompts("pearson", x, y, np.repeat(range(4), 11)).value


def one_swap(coefficient: str):
    """Five systems on one prompt, the first two in the wrong order."""
    return association_levels.between_systems(coefficient, [2, 1, 3, 4, 5], [1, 2, 3, 4, 5], list("abcde"), [1] * 5)


def regression_example() -> pairwise_accuracy.PairwiseAccuracy:
    none = None
    metric = [0, 5, 2, 3, 2, none, 2, 1, 5, 3, 9, 1, 5, 3, 8, 9, 3, 4, 4, 1]
    human = [1, 5, 2, 1, 1, 4, 2, 2, 1, 4, 5, 9, 2, 8, 7, 7, 6, none, 3, 2]
    return pairwise_accuracy.within_prompts(metric, human, np.repeat(range(4), 5))


def two_outputs() -> ceiling.Ceiling:
    """Ratings a a b with judge a: 2/3 and 1/3; ratings b b with judge a: 0 and 1."""
    human = code_ratings([1, 1, 1, 2, 2], None, list("xyzxy"), list("aabbb"), ["a", "b"])
    return ceiling.human_ceiling([1, 2], ["a", "a"], human)


def noisy_means() -> attenuation.Disattenuated:
    """Ratings 1 1, 2 4, 3 3, 5 5: noise .5 / 2, variance of means 8/3; r with 1 2 4 5 is 8 / sqrt(80)."""
    human = code_ratings(np.repeat(range(4), 2), None, list("xy") * 4, [1, 1, 2, 4, 3, 3, 5, 5])
    return attenuation.disattenuated(range(4), [1, 2, 4, 5], human)


def three_annotators() -> AlternativeAnnotatorTest:
    """Worked in docs/algorithms/automated.md: the judge's advantage is 3/4 against every annotator."""
    labels = {"x": "aaab", "y": "aaaa", "z": "baaa"}
    rows = [(unit, rater, label) for rater, answers in labels.items() for unit, label in enumerate(answers)]
    unit, rater, value = zip(*rows, strict=True)
    human = code_ratings(unit, None, rater, value, ["a", "b"])
    return alternative_annotator_test(range(4), list("abab"), human, epsilon=0.2, min_units=4)


def screening(**options: Any) -> misclassification.CorrectedShare:
    """Positive .7 of 1000; sensitivity .9 and specificity .8 of 200 each."""
    judge, human = [1] * 180 + [0] * 20 + [0] * 160 + [1] * 40, [1] * 200 + [0] * 200
    return misclassification.rogan_gladen([1] * 700 + [0] * 300, judge, human, design="random", **options)


PPI = ([1, 0, 1, 1, 0, 1], [1, 0, 1, 0, 0, 1], [1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1])


def powered(tuning: float | None) -> float | None:
    return prediction_powered.prediction_powered_mean(*PPI, design="random", tuning=tuning).estimate.value


def in_two_strata() -> float | None:
    """The example above twice, once with 1 added to the human ratings, with strata of 3 to 1."""
    y, f, g = PPI
    human, judge, rest = y + [value + 1 for value in y], f + f, g + g
    return prediction_powered.stratified_prediction_powered_mean(
        human,
        judge,
        ["s"] * 6 + ["t"] * 6,
        rest,
        ["s"] * 12 + ["t"] * 12,
        design="stratified",
        stratum_weights={"s": 0.75, "t": 0.25},
    ).estimate.value


def trials(*counts: tuple[int, int]) -> list[int]:
    return [value for hits, n in counts for value in [1] * hits + [0] * (n - hits)]


def kidney_stones() -> float | None:
    value = trials((81, 87), (192, 263), (234, 270), (55, 80))
    size = ["small"] * 87 + ["large"] * 263 + ["small"] * 270 + ["large"] * 80
    return slices.mix_adjusted_difference(value, range(700), [True] * 350 + [False] * 350, size).value


def coded(values: list[float], domain: list[float]) -> CodedRatings:
    return code_ratings(range(len(values)), None, ["r"] * len(values), values, domain)


def two_criteria(first: list[float], second: list[float], **options: Any) -> list[weighted_totals.WeightedCriterion]:
    return [
        weighted_totals.WeightedCriterion("correct", coded(first, [1, 2, 3, 4, 5]), "interval", 2.0),
        weighted_totals.WeightedCriterion("clear", coded(second, [1, 2, 3]), "interval", 1.0),
    ]


def small_mqm() -> float | None:
    """Segment 1: rater x 5 + .1, rater y 1; segment 2: none; segment 3: 25. ((5.1 + 1) / 2 + 0 + 25) / 3."""
    return mqm.mqm_score(
        [1, 1, 1, 2, 3],
        [1, 1, 1, 2, 3],
        list("xxyxx"),
        ["Accuracy/Omission", "Fluency/Punctuation", "Style/Awkward", "No-error", "Non-translation!"],
        ["major", "minor", "minor", "no-error", "major"],
    ).value


def adjusted(function: Any, expected: list[float], source: str) -> list[Reference]:
    return [
        Reference(f"p {i}", lambda i=i: function(P_VALUES)[i], value, source, 5e-5) for i, value in enumerate(expected)
    ]


P_ADJUST = "R p.adjust on the ten p values"

AUTOMATED_REFERENCES: dict[str, list[Reference]] = {
    "kendall_tau_b_within_prompts": [
        Reference("mean of 17/19 and 1", lambda: two_prompts("kendall_tau_b"), (17 / 19 + 1) / 2, "by hand; scipy")
    ],
    "spearman_within_prompts": [
        Reference("mean of 17/18 and 1", lambda: two_prompts("spearman"), (17 / 18 + 1) / 2, "by hand; scipy")
    ],
    "pearson_within_prompts": [
        Reference("Anscombe's four sets", anscombe, 0.8163665, "Anscombe 1973; R cor: .816421 .816237 .816287 .816521")
    ],
    "kendall_tau_b_between_systems": [
        Reference("value", lambda: one_swap("kendall_tau_b").estimate.value, 0.8, "by hand: 9 - 1 of 10 pairs"),
        Reference(
            "p", lambda: one_swap("kendall_tau_b").p_value, 10 / 120, "Kendall 1948, table 1: n = 5, S = 8, .042"
        ),
    ],
    "spearman_between_systems": [
        Reference("value", lambda: one_swap("spearman").estimate.value, 0.9, "1 - 6 x 2 / (5 x 24)"),
        Reference(
            "p", lambda: one_swap("spearman").p_value, 10 / 120, "Kendall 1948, table 2: n = 5, sum d2 = 2, .042"
        ),
    ],
    "pearson_between_systems": [
        Reference(
            "Anscombe I",
            lambda: association_levels.between_systems("pearson", X, Y1, range(11), [1] * 11).estimate.value,
            0.81642052,
            "Anscombe 1973; R cor",
        )
    ],
    "pairwise_accuracy_between_systems": [
        Reference("one swap", lambda: one_swap("pairwise_accuracy").estimate.value, 0.9, "by hand: 9 of 10 pairs")
    ],
    "pairwise_accuracy_within_prompts": [
        Reference("value", lambda: regression_example().estimate.value, 0.4916666666666668, DEUTSCH),
        Reference("epsilon", lambda: regression_example().epsilon, 1.0, DEUTSCH),
    ],
    "pairwise_accuracy_pooled": [
        Reference(
            "value",
            lambda: pairwise_accuracy.pooled([0, 2, 6, 8], [1, 1, 1, 4], range(4)).estimate.value,
            4 / 6,
            "mt-metrics-eval of Deutsch et al., nonzero threshold",
        ),
        Reference(
            "epsilon",
            lambda: pairwise_accuracy.pooled([0, 2, 6, 8], [1, 1, 1, 4], range(4)).epsilon,
            4.0,
            "mt-metrics-eval of Deutsch et al., nonzero threshold",
        ),
    ],
    "pairwise_accuracy_difference": [
        Reference(
            "against the people themselves",
            lambda: pairwise_accuracy.difference([0, 2, 6, 8], [1, 1, 1, 4], [1, 1, 1, 4], [1] * 4).value,
            4 / 6 - 1,
            "mt-metrics-eval of Deutsch et al., less 1",
        )
    ],
    "metric_difference": [
        Reference(
            "the people themselves against the tied example",
            lambda: association_levels.metric_difference("spearman", TIED[1], TIED[0], TIED[1], range(7)).value,
            1 - 17 / 18,
            "by hand; scipy",
        )
    ],
    "human_ceiling": [
        Reference(name, lambda name=name: getattr(two_outputs(), name).value, expected, "by hand")
        for name, expected in (("judge", 1 / 3), ("human", 2 / 3), ("difference", -1 / 3))
    ],
    "disattenuated": [
        Reference(
            name, lambda name=name: getattr(noisy_means(), name).value, expected, "by hand: .894427 / sqrt(.90625)"
        )
        for name, expected in (("observed", 0.8944272), ("reliability", 0.90625), ("corrected", 0.9395524))
    ],
    "alternative_annotator_test": [
        Reference("advantage", lambda: three_annotators().advantage_probability.value, 0.75, "by hand"),
        Reference("p of x", lambda: three_annotators().annotators[0].p_value, 0.5728655, "t = .05 / .25, 3 df"),
        Reference("p of z", lambda: three_annotators().annotators[2].p_value, 0.3288976, "t = -.2 / .408248, 3 df"),
    ],
    "rogan_gladen": [
        Reference("value", lambda: screening().estimate.value, 0.7142857, "Rogan & Gladen 1978, eq. 2: .5 / .7"),
        Reference(
            "half-width",
            lambda: screening().estimate.high - screening().estimate.value,
            0.0629158,
            "1.96 sqrt(.21/1000 + .714286^2 .09/200 + .285714^2 .16/200) / .7, large samples",
            3e-4,
        ),
    ],
    "prediction_powered_mean": [
        Reference("L = 1", lambda: powered(1.0), 5 / 6, "by hand: 2/3 + 2/3 - 1/2"),
        Reference("L*", lambda: powered(None), 0.7549784, "by hand: 2/3 + .2 / (1.5 x .251634) / 6"),
        Reference("classical", lambda: powered(0.0), 2 / 3, "by hand"),
    ],
    "stratified_prediction_powered_mean": [
        # Six ratings a stratum are too few for an L of its own; the shared one is found from both.
        Reference(
            "two strata",
            in_two_strata,
            2 / 3 + 0.25 + (0.2 / 6) / (0.3 / 6 + 0.24242424 / 12) / 6,
            "by hand: L = (cov / 6) / (var f / 6 + var g / 12)",
        )
    ],
    "non_inferiority": [
        Reference(
            "one-sided limit",
            lambda: gates.non_inferiority(SLEEP, range(10), margin=0.5).estimate.low,
            0.8669947,
            "R t.test(extra ~ group, paired = TRUE, alternative = 'less') on Student's sleep",
        ),
        Reference(
            "p",
            lambda: gates.non_inferiority([-x for x in SLEEP], range(10), margin=2.0).p_value,
            0.1541572,
            "scipy t.cdf((1.58 - 2) / .3889587, 9)",
        ),
        Reference(
            "prompts needed",
            lambda: gates.non_inferiority(np.tile([-1.0, 1.0], 10), range(20), margin=0.5).n_needed,
            28,
            "R power.t.test(delta = .5, sd = 1.025978, one-sided, power = .8): 27.4",
        ),
    ],
    "equivalence": [
        Reference(
            "p",
            lambda: gates.equivalence(SLEEP, range(10), margin=2.0).p_value,
            0.1541572,
            "statsmodels ttost_paired on Student's sleep",
        )
    ],
    "slice_interaction": [
        Reference(
            name,
            lambda name=name: getattr(
                slices.slice_interaction(SLEEP_1 + SLEEP_2, range(20), [True] * 10 + [False] * 10).estimate, name
            ),
            expected,
            "R t.test(extra ~ group) on Student's sleep",
        )
        for name, expected in (("value", -1.58), ("low", -3.3654832), ("high", 0.2054832))
    ]
    + [
        Reference(
            "p",
            lambda: slices.slice_interaction(SLEEP_1 + SLEEP_2, range(20), [True] * 10 + [False] * 10).p_value,
            0.07939,
            "R t.test(extra ~ group) on Student's sleep",
            5e-6,
        )
    ],
    # Without the factor tau2 the same schools would be said not to differ at all (Gelman et al., section 5.5).
    "partial_pooling": [
        Reference("mean", lambda: partial_pooling(*SCHOOLS).mean.value, 8.17, TAK, 5e-3),
        Reference("p of Q", lambda: partial_pooling(*SCHOOLS).p_value, 0.696, "Q = 4.71 of 7 df: scipy, metafor", 5e-4),
        *(
            Reference(f"shrinkage of school {i}", lambda i=i: 1 - partial_pooling(*SCHOOLS).weight[i], value, TAK, 5e-4)
            for i, value in enumerate([0.657, 0.459, 0.685, 0.507, 0.408, 0.507, 0.459, 0.734])
        ),
    ],
    "mix_adjusted_difference": [
        Reference(
            "kidney stones",
            kidney_stones,
            (357 * (81 / 87 - 234 / 270) + 343 * (192 / 263 - 55 / 80)) / 700,
            "Charig et al., BMJ 1986: 83.3 % and 77.9 % of stones of one mix, against 78 % and 83 % raw",
        )
    ],
    "holm": adjusted(
        multiplicity.holm, [0.01, 0.072, 0.312, 0.312, 0.312, 0.312, 0.312, 0.615, 0.615, 0.615], P_ADJUST
    ),
    "benjamini_hochberg": adjusted(
        multiplicity.benjamini_hochberg,
        [0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.1057143, 0.216, 0.216, 0.216],
        P_ADJUST,
    ),
    "benjamini_yekutieli": adjusted(
        multiplicity.benjamini_yekutieli,
        [0.0293, 0.1172, 0.2460, 0.2460, 0.2460, 0.2929, 0.3096, 0.6327, 0.6327, 0.6327],
        P_ADJUST,
    ),
    "cumulative_shares": [
        Reference(
            f"level {i + 1} or below",
            lambda i=i: scores.cumulative_shares(coded([1, 1, 2, 4], [1, 2, 3, 4]), "ordinal").shares[i].value,
            expected,
            "by hand: two, three, three of four",
        )
        for i, expected in enumerate([0.5, 0.75, 0.75])
    ],
    "weighted_total": [
        Reference(
            "two criteria",
            lambda: (
                weighted_totals.weighted_total(two_criteria([1, 2, 5], [3, 1, 2]), missing="complete").estimate.value
            ),
            22 / 3,
            "by hand: (5 + 5 + 12) / 3",
        ),
        Reference(
            "rescaled",
            lambda: (
                weighted_totals.weighted_total(
                    two_criteria([1, 2, 5], [3, 1, 2]), missing="complete", rescale=True
                ).estimate.value
            ),
            4 / 3,
            "by hand: (0 + 1, .5 + 0, 2 + .5) / 3",
        ),
    ],
    "weighted_total_difference": [
        Reference(
            "two systems",
            lambda: (
                weighted_totals.weighted_total_difference(
                    two_criteria([1, 2, 5], [3, 1, 2]), two_criteria([1, 1, 1], [1, 1, 1]), missing="complete"
                ).value
            ),
            13 / 3,
            "by hand: 22/3 - 3",
        )
    ],
    "mqm_score": [Reference("three segments", small_mqm, 28.05 / 3, "by hand, weights of Freitag et al. 2021")],
    # Outputs rated (1, 2), (1, 1), (1, 3); the judge says 2, 1, 3. At 1: half above, as another rater; at 2 the judge
    # is level and another rater below, so it leans by 1.
    "judge_errors_by_level": [
        Reference("judge above at 1", lambda: leaning(0).judge["above"].value, 0.5, "2 of 4 ratings"),
        Reference("rater above at 1", lambda: leaning(0).rater["above"].value, 0.5, "2 of 4 ratings"),
        Reference("lean at 1", lambda: leaning(0).lean.value, 0.0, "1/2 - 1/2"),
        Reference("lean at 2", lambda: leaning(1).lean.value, 1.0, "0 - (-1)"),
    ],
    "prompt_mean": [
        Reference("two prompts, one of two outputs", lambda: measured(measures.prompt_mean).value, 3.0, "(2 + 4) / 2"),
    ],
    "prompt_quantile": [
        Reference("median of 1 to 100", lambda: ranked(0.5).value, 50.0, "the 50th of 100 in order"),
        Reference("low", lambda: ranked(0.5).low, 40.0, "Conover 1999, ch. 3.2: the 40th and the 61st of 100"),
        Reference("high", lambda: ranked(0.5).high, 61.0, "Conover 1999, ch. 3.2: the 40th and the 61st of 100"),
    ],
    "prompt_difference": [
        Reference("mean", lambda: SLEPT.value, 1.58, "Student 1908, sleep after two drugs"),
        Reference("low", lambda: SLEPT.low, 0.7001142, "R t.test(extra ~ group, sleep, paired)"),
        Reference("high", lambda: SLEPT.high, 2.4598858, "R t.test(extra ~ group, sleep, paired)"),
    ],
}


def leaning(level: int) -> judge_errors.LevelErrors:
    human = code_ratings([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], list("ababab"), [1, 2, 1, 1, 1, 3], [1, 2, 3])
    return judge_errors.errors_by_level([0, 1, 2], [2, 1, 3], human).levels[level]


def measured(function: Callable[..., Any]) -> Any:
    return function(np.array([1.0, 3.0, 4.0]), np.array(["p", "p", "q"], dtype=object), unit="ms")


def ranked(share: float) -> Any:
    return measures.prompt_quantile(np.arange(1.0, 101.0), np.arange(100).astype(object), share, unit="ms")


SLEPT = measures.prompt_difference(
    np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]),
    np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]),
    unit="hours",
)
