"""Every statistic of the report: its function, the levels of measurement it fits, its source, and what
leaves it unchanged.

Tests run over this table. To add a statistic, add an entry here and a reference value with its source in
tests/analytics/stats/references.py; an entry without one fails a test.
"""

from __future__ import annotations

from functools import partial

from analytics.stats import agreement, association, preference, proportions, scores
from analytics.stats.coding import MEASUREMENTS, Measurement
from analytics.stats.metric import Design, Metric, merged, of
from analytics.stats.registered_agreement import AGREEMENT, RATERS
from analytics.stats.registered_automated import AUTOMATED
from analytics.stats.registered_preference import CONSENSUS, PREFERENCE

_ORDERED: tuple[Measurement, ...] = ("ordinal", "interval", "ratio")
_NUMERIC: tuple[Measurement, ...] = ("interval", "ratio")
_PAIR: tuple[Design, ...] = ("single ratings", "two systems")

_REPORTED: dict[str, Metric] = {
    "percent_agreement": Metric(
        agreement.percent_agreement,
        "agreement",
        MEASUREMENTS,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 2",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "duplication", "lone_rater"),
        designs=("repeated ratings",),
    ),
    # Duplicating items changes alpha through its factor n - 1.
    "krippendorff_alpha": Metric(
        agreement.krippendorff_alpha,
        "agreement",
        MEASUREMENTS,
        "Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "lone_rater"),
        by_level=True,
        designs=("repeated ratings",),
        title="Krippendorff's alpha",
    ),
    # A rater without shared items enters the category shares of AC1 and AC2.
    "gwet_ac1": Metric(
        agreement.gwet_ac1,
        "agreement",
        MEASUREMENTS,
        "Gwet, British Journal of Mathematical and Statistical Psychology, 2008",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "duplication"),
        designs=("repeated ratings",),
        title="Gwet's AC1",
    ),
    "gwet_ac2": Metric(
        partial(agreement.gwet_ac2, weights="ordinal"),
        "agreement",
        _ORDERED,
        "Gwet, Handbook of Inter-Rater Reliability, ch. 3",
        of("row_order", "rater_names", "reversal", "affine", "duplication"),
        designs=("repeated ratings",),
        title="Gwet's AC2",
    ),
    "mean_score": Metric(
        scores.mean_score,
        "score",
        _NUMERIC,
        "Cochran, Sampling Techniques, 1977, ch. 9",
        of("row_order", "rater_names", "duplication"),
        by_level=True,
        designs=("single ratings",),
        title="Mean",
    ),
    "median_score": Metric(
        scores.median_score,
        "score",
        _ORDERED,
        "Woodruff, Journal of the American Statistical Association, 1952",
        of("row_order", "rater_names", "duplication"),
        by_level=True,
        designs=("single ratings",),
        title="Median",
    ),
    "level_shares": Metric(
        scores.level_shares,
        "score",
        MEASUREMENTS,
        "Cochran, Sampling Techniques, 1977, ch. 9; Wilson 1927 at 0 and 1",
        of("row_order", "rater_names", "duplication"),
        designs=("single ratings",),
        title="Shares of the levels",
    ),
    "difference": Metric(
        scores.difference,
        "comparison",
        _NUMERIC,
        "paired t over prompts (Student, Biometrika 1908)",
        of("row_order", "rater_names", "duplication"),
        by_level=True,
        designs=_PAIR,
        title="Difference of means",
    ),
    "superiority": Metric(
        scores.superiority,
        "comparison",
        _ORDERED,
        "Vargha & Delaney, Journal of Educational and Behavioral Statistics, 2000",
        of("row_order", "rater_names", "duplication", "affine", "swap"),
        by_level=True,
        designs=_PAIR,
        title="Probability of superiority",
    ),
    "win_rate": Metric(
        preference.win_rate,
        "preference",
        ("nominal", "ordinal"),
        "mean of prompt means, t(G-1); Wilson 1927 without spread",
        of("row_order", "rater_names", "duplication", "swap"),
        designs=_PAIR,
    ),
    "win_rate_without_ties": Metric(
        preference.win_rate_without_ties,
        "preference",
        ("nominal", "ordinal"),
        "mean of prompt means, t(G-1); Wilson 1927 without spread",
        of("row_order", "rater_names", "duplication", "swap"),
        designs=_PAIR,
    ),
    "outcome_shares": Metric(
        preference.outcome_shares,
        "preference",
        ("nominal", "ordinal"),
        "mean of prompt shares, t(G-1); Wilson 1927 at 0 and 1",
        of("row_order", "rater_names", "duplication"),
        designs=_PAIR,
    ),
    "position_bias": Metric(
        preference.position_bias,
        "preference",
        ("nominal", "ordinal"),
        "Cochran 1977, section 2.11 (ratio by cluster); exact binomial test",
        of("row_order", "rater_names", "duplication"),
        designs=("single ratings", "two systems", "known order"),
    ),
    "kendall_tau_b": Metric(
        association.kendall_tau_b,
        "association",
        _ORDERED,
        "Kendall, Biometrika 1945",
        of("row_order", "affine"),
        designs=("single ratings", "automated scores"),
        title="Kendall's tau-b, pooled",
    ),
    "spearman": Metric(
        association.spearman,
        "association",
        _ORDERED,
        "Spearman, American Journal of Psychology 1904",
        of("row_order", "affine"),
        designs=("single ratings", "automated scores"),
        title="Spearman's rho, pooled",
    ),
    "pearson": Metric(
        association.pearson,
        "association",
        _NUMERIC,
        "Pearson, Proceedings of the Royal Society 1895",
        of("row_order", "affine"),
        designs=("single ratings", "automated scores"),
        title="Pearson's r, pooled",
    ),
    "agreement_share": Metric(
        association.agreement_share,
        "association",
        ("nominal", "ordinal"),
        "share of majority labels; Cochran 1977, section 2.11",
        of("row_order"),
        designs=("single ratings", "automated scores"),
        title="Agreement with the majority",
    ),
    "wilson": Metric(
        proportions.wilson,
        "proportion",
        MEASUREMENTS,
        "Wilson, JASA 1927",
        frozenset(),
        designs=("trials",),
        title="Wilson interval",
    ),
    "clopper_pearson": Metric(
        proportions.clopper_pearson,
        "proportion",
        MEASUREMENTS,
        "Clopper & Pearson, Biometrika 1934",
        frozenset(),
        designs=("trials",),
        title="Clopper-Pearson interval",
    ),
}

METRICS = merged(_REPORTED, AGREEMENT, RATERS, CONSENSUS, PREFERENCE, AUTOMATED)
