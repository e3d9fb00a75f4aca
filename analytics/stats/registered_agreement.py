"""Registry entries: further coefficients of agreement, and what each rater does."""

from __future__ import annotations

from functools import partial

from analytics.stats import (
    agreement_differences,
    benchmarks,
    concordance,
    icc,
    item_bootstrap,
    kappas,
    rater_behaviour,
    rater_quality,
    raters,
    span_agreement,
    specific,
)
from analytics.stats.coding import MEASUREMENTS, Measurement
from analytics.stats.metric import Design, Invariance, Metric, of

_ORDERED: tuple[Measurement, ...] = ("ordinal", "interval", "ratio")
_NUMERIC: tuple[Measurement, ...] = ("interval", "ratio")
_CATEGORIES: tuple[Measurement, ...] = ("nominal", "ordinal")
_REPEATED: tuple[Design, ...] = ("repeated ratings",)
_KNOWN: tuple[Design, ...] = ("repeated ratings", "known raters")
_PAIR: tuple[Design, ...] = ("named pair of raters",)
_CROSSED: tuple[Design, ...] = ("crossed raters", "known raters")

# All or nothing: names and order of the levels do not matter.
_PLAIN: tuple[Invariance, ...] = ("row_order", "rater_names", "category_names", "reversal", "affine")
# Near agreement counts, by the declared order.
_WEIGHTED: tuple[Invariance, ...] = ("row_order", "rater_names", "reversal", "affine")
_VARIANCES: tuple[Invariance, ...] = ("row_order", "rater_names", "reversal", "affine")

_MAJORITY = "A rater who guesses the most frequent level is not told apart from one who knows."
_RANDOM_RATERS = "Raters and items are random draws from those spoken of; effects add up and are roughly normal."
_THESE = "Raters are these; effects add up and are roughly normal."
_SAME_SCALE = "The others are right more often than not."

AGREEMENT: dict[str, Metric] = {
    "span_f1": Metric(
        span_agreement.span_f1,
        "agreement",
        ("ratio",),
        "Hripcsak & Rothschild, Journal of the American Medical Informatics Association, 2005",
        of("row_order", "rater_names", "duplication", "lone_rater"),
        designs=("error marks", "repeated ratings"),
        title="F1 of marked characters",
        assumptions=("Little of a text is marked, so that two raters seldom mark the same by chance.",),
    ),
    "kendall_w": Metric(
        concordance.kendall_w,
        "agreement",
        ("ordinal",),
        "Kendall & Babington Smith, Annals of Mathematical Statistics, 1939; ties: Kendall 1948, ch. 6",
        of("row_order", "rater_names", "reversal", "affine", "duplication", "lone_rater"),
        designs=("rankings",),
        title="Kendall's W",
        assumptions=("Raters of a task rank it without knowing of each other.",),
    ),
    "cohen_kappa": Metric(
        kappas.cohen_kappa,
        "agreement",
        MEASUREMENTS,
        "Cohen, Educational and Psychological Measurement, 1960",
        of(*_PLAIN, "duplication"),
        designs=_PAIR,
        title="Cohen's kappa",
    ),
    "cohen_kappa_weighted": Metric(
        partial(kappas.cohen_kappa, weights="quadratic"),
        "agreement",
        _ORDERED,
        "Cohen, Psychological Bulletin, 1968; Fleiss & Cohen 1973 (quadratic weights)",
        of(*_WEIGHTED, "duplication"),
        designs=_PAIR,
        title="Cohen's weighted kappa",
    ),
    # A rater without shared items enters the category shares of Fleiss' and Conger's kappa.
    "fleiss_kappa": Metric(
        kappas.fleiss_kappa,
        "agreement",
        MEASUREMENTS,
        "Fleiss, Psychological Bulletin, 1971; Gwet, Handbook of Inter-Rater Reliability, ch. 2 (unequal numbers)",
        of(*_PLAIN, "duplication"),
        designs=_REPEATED,
        title="Fleiss' kappa",
    ),
    "fleiss_kappa_weighted": Metric(
        partial(kappas.fleiss_kappa, weights="quadratic"),
        "agreement",
        _ORDERED,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 3",
        of(*_WEIGHTED, "duplication"),
        designs=_REPEATED,
        title="Fleiss' weighted kappa",
    ),
    "conger_kappa": Metric(
        kappas.conger_kappa,
        "agreement",
        MEASUREMENTS,
        "Conger, Psychological Bulletin, 1980",
        of(*_PLAIN, "duplication"),
        designs=_CROSSED,
        title="Conger's kappa",
    ),
    "conger_kappa_weighted": Metric(
        partial(kappas.conger_kappa, weights="ordinal"),
        "agreement",
        _ORDERED,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 3",
        of(*_WEIGHTED, "duplication"),
        designs=_CROSSED,
        title="Conger's weighted kappa",
    ),
    "brennan_prediger": Metric(
        kappas.brennan_prediger,
        "agreement",
        MEASUREMENTS,
        "Brennan & Prediger, Educational and Psychological Measurement, 1981",
        of(*_PLAIN, "duplication", "lone_rater"),
        designs=_REPEATED,
        title="Brennan-Prediger",
        assumptions=("Every level of the scale is as likely as any other if raters guess.",),
    ),
    "brennan_prediger_weighted": Metric(
        partial(kappas.brennan_prediger, weights="quadratic"),
        "agreement",
        _ORDERED,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 4",
        of(*_WEIGHTED, "duplication", "lone_rater"),
        designs=_REPEATED,
        title="Brennan-Prediger, weighted",
        assumptions=("Every level of the scale is as likely as any other if raters guess.",),
    ),
    "specific_agreement": Metric(
        specific.specific_agreement,
        "agreement",
        MEASUREMENTS,
        "Spitzer & Fleiss, British Journal of Psychiatry, 1974; Cicchetti & Feinstein 1990",
        of("row_order", "rater_names", "affine", "duplication", "lone_rater"),
        designs=_REPEATED,
        title="Specific agreement",
    ),
    # Duplicating items changes the analysis of variance through n - 1; the lone rater has a variance part.
    "icc_2_1": Metric(
        icc.icc_2_1,
        "agreement",
        _NUMERIC,
        "Shrout & Fleiss, Psychological Bulletin, 1979; McGraw & Wong 1996; REML: Patterson & Thompson 1971",
        of(*_VARIANCES),
        by_level=True,
        designs=_KNOWN,
        title="ICC(2,1)",
        assumptions=(_RANDOM_RATERS,),
    ),
    "icc_2_k": Metric(
        icc.icc_2_k,
        "agreement",
        _NUMERIC,
        "Shrout & Fleiss, Psychological Bulletin, 1979; McGraw & Wong 1996; REML: Patterson & Thompson 1971",
        of(*_VARIANCES),
        by_level=True,
        designs=_KNOWN,
        title="ICC(2,k)",
        assumptions=(_RANDOM_RATERS,),
    ),
    "icc_3_1": Metric(
        icc.icc_3_1,
        "agreement",
        _NUMERIC,
        "Shrout & Fleiss, Psychological Bulletin, 1979; McGraw & Wong 1996; REML: Patterson & Thompson 1971",
        of(*_VARIANCES),
        by_level=True,
        designs=_KNOWN,
        title="ICC(3,1)",
        assumptions=(_THESE,),
    ),
    "icc_3_k": Metric(
        icc.icc_3_k,
        "agreement",
        _NUMERIC,
        "Shrout & Fleiss, Psychological Bulletin, 1979; McGraw & Wong 1996; REML: Patterson & Thompson 1971",
        of(*_VARIANCES),
        by_level=True,
        designs=_KNOWN,
        title="ICC(3,k)",
        assumptions=(_THESE,),
    ),
    "agreement_difference": Metric(
        agreement_differences.agreement_difference,
        "comparison",
        MEASUREMENTS,
        "Gwet, Psychometrika, 2016 (correlated coefficients); delta method on per-prompt sums",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "lone_rater"),
        by_level=True,
        designs=_REPEATED,
        title="Difference of two agreements",
    ),
    "item_bootstrap": Metric(
        item_bootstrap.item_bootstrap,
        "agreement",
        MEASUREMENTS,
        "Efron, Annals of Statistics, 1979; multinomial over distinct count vectors",
        of("row_order", "rater_names", "affine"),
        by_level=True,
        designs=("repeated ratings", "one output a prompt"),
        title="Item bootstrap",
        assumptions=("Raters are these, and outputs are independent of each other.",),
    ),
    "benchmark": Metric(
        benchmarks.benchmark,
        "benchmark",
        MEASUREMENTS,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 6; Krippendorff 2019, ch. 12",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "lone_rater"),
        designs=_REPEATED,
        title="Benchmark of a coefficient",
        assumptions=("Names of bands are conventions.",),
    ),
}

RATERS: dict[str, Metric] = {
    "leave_one_out_alpha": Metric(
        raters.leave_one_out_alpha,
        "rater",
        MEASUREMENTS,
        "Krippendorff, Content Analysis, 2019, ch. 12; delta method on per-prompt sums",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "lone_rater"),
        by_level=True,
        designs=_KNOWN,
        title="Alpha without each rater",
    ),
    "severity": Metric(
        raters.severity,
        "rater",
        _ORDERED,
        "Searle, Linear Models, 1971, ch. 7; Liang & Zeger, Biometrika, 1986; Paule & Mandel 1982",
        of("row_order", "rater_names", "duplication"),
        by_level=True,
        designs=_KNOWN,
        title="Severity",
        assumptions=("A rater is as severe on one output as on another.",),
    ),
    "consensus_agreement": Metric(
        raters.consensus_agreement,
        "rater",
        _CATEGORIES,
        "leave-one-out majority, ties shared; Cochran, Sampling Techniques, 1977, section 2.11",
        of("row_order", "rater_names", "category_names", "reversal", "duplication", "lone_rater"),
        designs=_KNOWN,
        title="Agreement with the other raters",
        assumptions=(_SAME_SCALE, _MAJORITY),
    ),
    "consensus_distance": Metric(
        raters.consensus_distance,
        "rater",
        _NUMERIC,
        "leave-one-out mean; Cochran, Sampling Techniques, 1977, section 2.11",
        of("row_order", "rater_names", "reversal", "duplication", "lone_rater"),
        by_level=True,
        designs=_KNOWN,
        title="Distance to the other raters",
        assumptions=(_SAME_SCALE,),
    ),
    "gold_accuracy": Metric(
        rater_quality.gold_accuracy,
        "rater",
        MEASUREMENTS,
        "Wilson, JASA, 1927; beta-binomial shrinkage: Kleinman, JASA, 1973",
        of("row_order", "rater_names", "duplication"),
        designs=("known answers", "known raters"),
        title="Accuracy on known answers",
        assumptions=("The known answers are right.",),
    ),
    "repeat_consistency": Metric(
        rater_quality.repeat_consistency,
        "rater",
        MEASUREMENTS,
        "Krippendorff, Content Analysis, 2019, ch. 11 (stability)",
        of("row_order", "rater_names"),
        by_level=True,
        designs=("repeated judgments", "known raters"),
        title="Consistency with oneself",
        assumptions=("The rater does not remember the first answer.",),
    ),
    "pace": Metric(
        rater_behaviour.pace,
        "rater",
        MEASUREMENTS,
        "Iglewicz & Hoaglin, How to Detect and Handle Outliers, 1993; Conover 1999, section 3.2",
        of("row_order", "rater_names"),
        designs=("times", "known raters"),
        title="Pace",
    ),
    "straight_lining": Metric(
        rater_behaviour.straight_lining,
        "rater",
        MEASUREMENTS,
        "Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005; Shannon 1948",
        of("row_order", "category_names", "reversal", "affine"),
        designs=("order of judging", "known raters"),
        title="Answers that do not vary",
        assumptions=("Items come to a rater in an order that has nothing to do with what they are.",),
    ),
}
