"""A published or hand-worked value for every registered statistic: `REFERENCES[name]`.

`compute` returns one number. Values are typed here so that they run anywhere; files of reference data are
tested in test_reference_files.py.
"""

from __future__ import annotations

from collections.abc import Callable

from analytics.stats import agreement, association, preference, proportions, scores
from analytics.stats.coding import code_ratings
from tests.analytics.stats.builders import PARADOX_SKEWED, from_cross_table, krippendorff_2011
from tests.analytics.stats.reference import Reference
from tests.analytics.stats.references_agreement import AGREEMENT_REFERENCES
from tests.analytics.stats.references_automated import AUTOMATED_REFERENCES
from tests.analytics.stats.references_consensus import CONSENSUS_REFERENCES
from tests.analytics.stats.references_preference import PREFERENCE_REFERENCES
from tests.analytics.stats.references_raters import RATER_REFERENCES

R_IRRCAC = "R irrCAC 1.4 README, cac.raw4raters"
PY_IRRCAC = "python irrCAC 0.4.4 on cac.raw4raters"
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]  # Gwet, Handbook, three abstractors' categories
PARADOX = [[[40, 9], [6, 45]], PARADOX_SKEWED]  # Feinstein & Cicchetti 1990
# Student, "The probable error of a mean", Biometrika 1908: extra sleep under two drugs, ten patients.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
# Anscombe, American Statistician 1973, first set.
ANSCOMBE_X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
ANSCOMBE_Y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
TIED = ([1, 2, 2, 3, 4, 4, 5], [1, 1, 2, 3, 3, 4, 5])


def fixed(coefficient: str, attribute: str = "value", **options: object) -> Callable[[], float | None]:
    """A coefficient of Krippendorff's table for these raters with the published variance."""
    function = getattr(agreement, coefficient)
    return lambda: getattr(
        function(krippendorff_2011(), population="these_raters", variance="gwet", **options), attribute
    )


def alpha(level: str) -> Callable[[], float | None]:
    return lambda: agreement.krippendorff_alpha(krippendorff_2011(), level).value


def one_per_prompt(values: list[float]):
    return code_ratings(range(len(values)), None, ["r"] * len(values), values)


def judgments(outcomes: list[object], prompts: list[int], first: list[bool] | None = None):
    rows = list(range(len(outcomes)))
    return preference.code_preferences(prompts, rows, [f"r{i}" for i in rows], outcomes, first)


def ten_prompts_of_two():
    """Prompt means 1, 1, 1, 1, .5, .5, .5, .5, 0, 0: mean .6, sd .3944."""
    scores_ = [1, 1] * 4 + [1, 0] * 2 + [0.5, 0.5] * 2 + [0, 0] * 2
    return judgments(scores_, [i // 2 for i in range(20)])


def shown_first(first_wins: int, total: int):
    """`total` judgments on as many prompts, of which `first_wins` chose the side shown first."""
    outcomes = ["win"] * first_wins + ["loss"] * (total - first_wins)
    return judgments(outcomes, list(range(total)), [True] * total)


def majority_example() -> float | None:
    """Majorities a; b; tie a-b; b against labels a, a, a, b: credit 1 + 0 + 1/2 + 1 over four outputs."""
    unit = [1, 1, 1, 2, 2, 2, 3, 3, 4]
    human = code_ratings(unit, None, list("xyzxyzxyx"), list("aabbbaabb"), ["a", "b"])
    return association.agreement_share([1, 2, 3, 4], ["a", "a", "a", "b"], human).value


REFERENCES: dict[str, list[Reference]] = {
    "percent_agreement": [
        Reference("value", fixed("percent_agreement"), 0.8181818, R_IRRCAC),
        Reference("low", fixed("percent_agreement", "low"), 0.542, R_IRRCAC, 5e-4),
    ],
    "krippendorff_alpha": [
        Reference("nominal", alpha("nominal"), 0.743421, "Krippendorff 2011 (.743), krippendorff 0.9.0"),
        Reference("ordinal", alpha("ordinal"), 0.815388, "Krippendorff 2011 (.815), krippendorff 0.9.0"),
        Reference("interval", alpha("interval"), 0.849107, "Krippendorff 2011 (.849), krippendorff 0.9.0"),
        Reference("ratio", alpha("ratio"), 0.797403, "Krippendorff 2011 (.797), krippendorff 0.9.0"),
    ],
    "gwet_ac1": [
        Reference("value", fixed("gwet_ac1"), 0.77544, R_IRRCAC, 1e-5),
        Reference("low", fixed("gwet_ac1", "low"), 0.461, R_IRRCAC, 5e-4),
        Reference("high", fixed("gwet_ac1", "high"), 1.0, R_IRRCAC),
        *(
            Reference(
                f"paradox {number}",
                lambda table=table: agreement.gwet_ac1(from_cross_table(table)).value,
                expected,
                "Feinstein & Cicchetti 1990, hand formula",
            )
            for number, (table, expected) in enumerate(zip(PARADOX, [0.70074813, 0.808], strict=True))
        ),
        Reference(
            "abstractors",
            lambda: agreement.gwet_ac1(from_cross_table(ABSTRACTORS)).value,
            0.8493305,
            "R irrCAC 1.4 README, cont3x3abstractors",
        ),
    ],
    "gwet_ac2": [
        Reference("ordinal", fixed("gwet_ac2", weights="ordinal"), 0.89894, PY_IRRCAC, 1e-5),
        Reference("ordinal low", fixed("gwet_ac2", "low", weights="ordinal"), 0.66365, PY_IRRCAC, 2e-5),
        Reference("linear", fixed("gwet_ac2", weights="linear"), 0.85874, PY_IRRCAC, 1e-5),
        Reference("linear low", fixed("gwet_ac2", "low", weights="linear"), 0.6005, PY_IRRCAC, 2e-5),
        Reference("quadratic", fixed("gwet_ac2", weights="quadratic"), 0.914, PY_IRRCAC, 1e-5),
        Reference("quadratic low", fixed("gwet_ac2", "low", weights="quadratic"), 0.68518, PY_IRRCAC, 2e-5),
    ],
    "mean_score": [
        Reference(
            name,
            lambda name=name: getattr(scores.mean_score(one_per_prompt([2, 4, 3, 5]), "interval"), name),
            expected,
            "R t.test(c(2, 4, 3, 5))",
        )
        for name, expected in (("value", 3.5), ("low", 1.445739), ("high", 5.554261))
    ],
    "median_score": [
        Reference(
            name,
            lambda name=name: getattr(scores.median_score(one_per_prompt(list(range(1, 26))), "ordinal"), name),
            expected,
            "by hand: 25 prompts, .5 -+ 2.0639 x .50990 / 5 = .2895 and .7105 of 25, levels 8 and 18",
        )
        for name, expected in (("value", 13.0), ("low", 8.0), ("high", 18.0))
    ],
    "level_shares": [
        Reference(
            name,
            lambda name=name: getattr(scores.level_shares(one_per_prompt([1, 1, 1, 2])).shares[1], name),
            expected,
            "by hand: one of four prompts, sd .5, .25 + 3.182446 x .25, low clipped at 0",
        )
        for name, expected in (("value", 0.25), ("low", 0.0), ("high", 1.0))
    ]
    + [
        Reference(
            "eight of ten",
            lambda: scores.level_shares(one_per_prompt([1] * 2 + [2] * 8)).shares[1].low,
            0.498379,
            "by hand: .8 - 2.262157 x .421637 / sqrt(10)",
        )
    ],
    "difference": [
        Reference(
            name,
            lambda name=name: getattr(
                scores.difference(one_per_prompt(SLEEP_2), one_per_prompt(SLEEP_1), "interval"), name
            ),
            expected,
            "Student 1908; R t.test(paired = TRUE)",
        )
        for name, expected in (("value", 1.58), ("low", 0.7001142), ("high", 2.4598858))
    ],
    "superiority": [
        Reference(
            "two prompts",
            lambda: (
                scores.superiority(
                    code_ratings([1, 1, 2], None, list("xyx"), [3, 2, 1], [1, 2, 3]),
                    code_ratings([1, 1, 2], None, list("xyx"), [2, 1, 1], [1, 2, 3]),
                    "ordinal",
                ).value
            ),
            0.6875,
            "by hand: (1 + 1 + 1 + .5) / 4 and .5, averaged",
        )
    ],
    "win_rate": [
        Reference("mean", lambda: preference.win_rate(ten_prompts_of_two()).value, 0.6, "by hand"),
        Reference(
            "low",
            lambda: preference.win_rate(ten_prompts_of_two()).low,
            0.317859,
            "by hand: .6 - 2.262157 x .3944053 / sqrt(10)",
        ),
        Reference(
            "all wins",
            lambda: preference.win_rate(judgments(["win"] * 10, list(range(10)))).low,
            0.7224672,
            "Wilson 10 of 10: 10 / (10 + 1.959964^2)",
        ),
    ],
    "win_rate_without_ties": [
        Reference(
            "ties left out",
            lambda: preference.win_rate_without_ties(ten_prompts_of_two()).value,
            0.625,
            "by hand: prompt means 1 1 1 1 .5 .5 0 0",
        )
    ],
    "outcome_shares": [
        Reference(
            f"share {i}",
            lambda i=i: (
                preference.outcome_shares(
                    judgments(["win", "tie", "both_good", "both_bad", "loss", "win"], [0, 0, 0, 0, 1, 1])
                )
                .shares[i]
                .value
            ),
            expected,
            "by hand: prompt shares 1/4 1/4 1/4 1/4 0 and 1/2 0 0 0 1/2",
        )
        for i, expected in enumerate([0.375, 0.125, 0.125, 0.125, 0.25])
    ],
    "position_bias": [
        Reference(
            "p",
            lambda: preference.position_bias(shown_first(130, 210)).p_value,
            0.00068,
            "exact binomial, 130 of 210 (scipy.stats.binomtest)",
            5e-6,
        ),
        Reference(
            "share",
            lambda: preference.position_bias(shown_first(130, 210)).estimate.value,
            130 / 210,
            "by hand",
        ),
    ],
    "kendall_tau_b": [
        Reference(
            "ties",
            lambda: association.kendall_tau_b(*TIED, range(7)).value,
            0.894737,
            "17 / 19, by hand; scipy",
        )
    ],
    "spearman": [Reference("ties", lambda: association.spearman(*TIED, range(7)).value, 0.944444, "17 / 18; scipy")],
    "pearson": [
        Reference(
            "Anscombe I",
            lambda: association.pearson(ANSCOMBE_X, ANSCOMBE_Y, range(11)).value,
            0.81642052,
            "Anscombe 1973; R cor",
        )
    ],
    "agreement_share": [Reference("majority", majority_example, 0.625, "by hand: 2.5 of 4")],
    "wilson": [
        Reference("8/10 low", lambda: proportions.wilson(8, 10)[0], 0.490, "Brown, Cai & DasGupta 2001", 5e-4),
        Reference("8/10 high", lambda: proportions.wilson(8, 10)[1], 0.943, "Brown, Cai & DasGupta 2001", 5e-4),
        Reference("0/20 high", lambda: proportions.wilson(0, 20)[1], 0.161, "z^2 / (20 + z^2)", 5e-4),
    ],
    "clopper_pearson": [
        Reference("8/10 low", lambda: proportions.clopper_pearson(8, 10)[0], 0.4439045, "R binom.test(8, 10)"),
        Reference("8/10 high", lambda: proportions.clopper_pearson(8, 10)[1], 0.9747893, "R binom.test(8, 10)"),
        Reference("0/20 high", lambda: proportions.clopper_pearson(0, 20)[1], 0.1684335, "1 - .025^(1/20)"),
    ],
}

REFERENCES.update(CONSENSUS_REFERENCES)
REFERENCES.update(PREFERENCE_REFERENCES)
REFERENCES.update(AGREEMENT_REFERENCES)
REFERENCES.update(RATER_REFERENCES)
REFERENCES.update(AUTOMATED_REFERENCES)
