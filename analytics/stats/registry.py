"""Every statistic of the report: its function, the levels of measurement it fits, its source, and what
leaves it unchanged.

Tests run over this table. To add a statistic, add an entry here and a reference value with its source in
tests/analytics/stats/references.py; an entry without one fails a test.
"""

from __future__ import annotations

from functools import partial

from analytics.stats import agreement, association, preference, proportions, scores
from analytics.stats.coding import MEASUREMENTS, Measurement
from analytics.stats.metric import Invariance, Metric

_ORDERED: tuple[Measurement, ...] = ("ordinal", "interval", "ratio")
_NUMERIC: tuple[Measurement, ...] = ("interval", "ratio")


def _of(*names: Invariance) -> frozenset[Invariance]:
    return frozenset(names)


METRICS: dict[str, Metric] = {
    "percent_agreement": Metric(
        agreement.percent_agreement,
        "agreement",
        MEASUREMENTS,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 2",
        _of("row_order", "rater_names", "category_names", "reversal", "affine", "duplication", "lone_rater"),
    ),
    # Duplicating items changes alpha through its factor n - 1.
    "krippendorff_alpha": Metric(
        agreement.krippendorff_alpha,
        "agreement",
        MEASUREMENTS,
        "Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011",
        _of("row_order", "rater_names", "category_names", "reversal", "affine", "lone_rater"),
        by_level=True,
    ),
    # A rater without shared items enters the category shares of AC1 and AC2.
    "gwet_ac1": Metric(
        agreement.gwet_ac1,
        "agreement",
        MEASUREMENTS,
        "Gwet, British Journal of Mathematical and Statistical Psychology, 2008",
        _of("row_order", "rater_names", "category_names", "reversal", "affine", "duplication"),
    ),
    "gwet_ac2": Metric(
        partial(agreement.gwet_ac2, weights="ordinal"),
        "agreement",
        _ORDERED,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 3",
        _of("row_order", "rater_names", "reversal", "affine", "duplication"),
    ),
    "mean_score": Metric(
        scores.mean_score,
        "score",
        _NUMERIC,
        "Cochran, Sampling Techniques, 1977, ch. 9",
        _of("row_order", "rater_names", "duplication"),
        by_level=True,
    ),
    "median_score": Metric(
        scores.median_score,
        "score",
        _ORDERED,
        "Woodruff, Journal of the American Statistical Association, 1952",
        _of("row_order", "rater_names", "duplication"),
        by_level=True,
    ),
    "level_shares": Metric(
        scores.level_shares,
        "score",
        MEASUREMENTS,
        "Cochran, Sampling Techniques, 1977, ch. 9; Wilson 1927 at 0 and 1",
        _of("row_order", "rater_names", "duplication"),
    ),
    "difference": Metric(
        scores.difference,
        "comparison",
        _NUMERIC,
        "paired t over prompts (Student, Biometrika 1908)",
        _of("row_order", "rater_names", "duplication"),
        by_level=True,
    ),
    "superiority": Metric(
        scores.superiority,
        "comparison",
        _ORDERED,
        "Vargha & Delaney, Journal of Educational and Behavioral Statistics, 2000",
        _of("row_order", "rater_names", "duplication", "affine", "swap"),
        by_level=True,
    ),
    "win_rate": Metric(
        preference.win_rate,
        "preference",
        ("nominal", "ordinal"),
        "mean of prompt means, t(G-1); Wilson 1927 without spread",
        _of("row_order", "rater_names", "duplication", "swap"),
    ),
    "win_rate_without_ties": Metric(
        preference.win_rate_without_ties,
        "preference",
        ("nominal", "ordinal"),
        "mean of prompt means, t(G-1); Wilson 1927 without spread",
        _of("row_order", "rater_names", "duplication", "swap"),
    ),
    "outcome_shares": Metric(
        preference.outcome_shares,
        "preference",
        ("nominal", "ordinal"),
        "mean of prompt shares, t(G-1); Wilson 1927 at 0 and 1",
        _of("row_order", "rater_names", "duplication"),
    ),
    "position_bias": Metric(
        preference.position_bias,
        "preference",
        ("nominal", "ordinal"),
        "Cochran 1977, section 2.11 (ratio by cluster); exact binomial test",
        _of("row_order", "rater_names", "duplication"),
    ),
    "kendall_tau_b": Metric(
        association.kendall_tau_b,
        "association",
        _ORDERED,
        "Kendall, Biometrika 1945",
        _of("row_order", "affine"),
    ),
    "spearman": Metric(
        association.spearman,
        "association",
        _ORDERED,
        "Spearman, American Journal of Psychology 1904",
        _of("row_order", "affine"),
    ),
    "pearson": Metric(
        association.pearson,
        "association",
        _NUMERIC,
        "Pearson, Proceedings of the Royal Society 1895",
        _of("row_order", "affine"),
    ),
    "agreement_share": Metric(
        association.agreement_share,
        "association",
        ("nominal", "ordinal"),
        "share of majority labels; Cochran 1977, section 2.11",
        _of("row_order"),
    ),
    "wilson": Metric(proportions.wilson, "proportion", MEASUREMENTS, "Wilson, JASA 1927", frozenset()),
    "clopper_pearson": Metric(
        proportions.clopper_pearson,
        "proportion",
        MEASUREMENTS,
        "Clopper & Pearson, Biometrika 1934",
        frozenset(),
    ),
}
