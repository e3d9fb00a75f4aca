"""Registry entries: consensus of raters, and rankings of many systems from pairwise judgments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from analytics.stats import (
    bradley_terry,
    consensus,
    dawid_skene,
    position,
    ranks,
    rater_adjusted,
    strengths,
    style,
    transitivity,
    win_rates,
)
from analytics.stats.battles import Battles
from analytics.stats.coding import MEASUREMENTS, Measurement
from analytics.stats.metric import Design, Invariance, Metric, of

_PAIRWISE: tuple[Measurement, ...] = ("nominal", "ordinal")
_LABELS: tuple[Measurement, ...] = ("nominal", "ordinal")
_NUMERIC: tuple[Measurement, ...] = ("interval", "ratio")
_MANY: tuple[Design, ...] = ("single ratings", "many systems")
_ORDER: tuple[Design, ...] = ("single ratings", "known order")
_SWAPPED: tuple[Design, ...] = ("known order", "both orders")
# What holds for every figure of one system among many.
_RANKING: tuple[Invariance, ...] = ("row_order", "rater_names", "duplication", "sides", "system_names", "opposite")

_ONE_TRUTH = "Every output has one true label; hard outputs, on which raters err together, make it over-confident."
_INDEPENDENT = "Given the truth, raters err independently of each other."
_TRANSITIVE = "One number for each system explains all pairs: test it with goodness_of_fit."


def _of_the_fit(read: Callable[..., Any]) -> Callable[[Battles], Any]:
    """A reading of a fit, as a function of the judgments by way of Bradley and Terry's model."""

    @wraps(read)
    def of_battles(data: Battles, **options: Any) -> Any:
        return read(bradley_terry.bradley_terry(data), **options)

    return of_battles


CONSENSUS: dict[str, Metric] = {
    "majority_vote": Metric(
        consensus.majority_vote,
        "consensus",
        MEASUREMENTS,
        "plurality rule; Cochran 1977, section 2.11",
        of("row_order", "rater_names", "category_names", "reversal", "affine", "duplication"),
        designs=("repeated ratings",),
        title="Majority vote",
    ),
    # Smoothing adds the same to small and large tables, so duplication holds without it only.
    "dawid_skene": Metric(
        dawid_skene.dawid_skene,
        "consensus",
        _LABELS,
        "Dawid & Skene, Applied Statistics 28, 1979",
        of("row_order", "rater_names"),
        designs=("repeated ratings",),
        title="Dawid and Skene's model",
        assumptions=(_ONE_TRUTH, _INDEPENDENT),
    ),
    "one_coin": Metric(
        dawid_skene.one_coin,
        "consensus",
        _LABELS,
        "Zhang, Chen, Zhou & Jordan, Journal of Machine Learning Research 17, 2016",
        of("row_order", "rater_names"),
        designs=("repeated ratings",),
        title="Dawid and Skene's model, one accuracy a rater",
        assumptions=(_ONE_TRUTH, _INDEPENDENT, "A rater who errs takes each other label alike."),
    ),
    "rater_adjusted_mean": Metric(
        rater_adjusted.rater_adjusted_mean,
        "consensus",
        _NUMERIC,
        "two-way layout: Scheffe, The Analysis of Variance, 1959, ch. 4",
        of("row_order", "rater_names"),
        by_level=True,
        designs=("repeated ratings",),
        title="Mean corrected for raters' severity",
        assumptions=("A rater is as severe on every output, and errors are alike on all.",),
    ),
}

PREFERENCE: dict[str, Metric] = {
    "win_rate_over_prompts": Metric(
        win_rates.win_rate_over_prompts,
        "battles",
        _PAIRWISE,
        "mean of prompt means, t(G-1); Wilson 1927 for one judgment a prompt",
        of(*_RANKING),
        designs=_MANY,
        title="Win rate over prompts",
    ),
    "win_rate_pooled": Metric(
        win_rates.win_rate_pooled,
        "battles",
        _PAIRWISE,
        "Cochran 1977, section 2.11 (ratio by cluster)",
        of(*_RANKING),
        designs=_MANY,
        title="Win rate pooled over judgments",
    ),
    "win_rate_over_opponents": Metric(
        win_rates.win_rate_over_opponents,
        "battles",
        _PAIRWISE,
        "Ustalov, COLING 2025 (average win rate)",
        of(*_RANKING),
        designs=_MANY,
        title="Win rate over opponents",
    ),
    "feature_choice": Metric(
        partial(position.feature_choice, feature="length"),
        "battles",
        _PAIRWISE,
        "Cochran 1977, section 2.11; exact binomial test; Zheng et al., NeurIPS 2023 (verbosity)",
        of(*_RANKING),
        designs=("single ratings", "two systems"),
        title="Share for the longer output",
    ),
    "first_choice": Metric(
        position.first_choice,
        "battles",
        _PAIRWISE,
        "exact binomial test; Cochran 1977, section 2.11",
        of(*_RANKING),
        designs=_ORDER,
        title="Share for the side shown first",
        assumptions=("Which side was shown first was drawn at random.",),
    ),
    "order_consistency": Metric(
        position.order_consistency,
        "battles",
        _PAIRWISE,
        "Zheng et al., NeurIPS 2023 (consistency); Cochran 1977, section 2.11",
        of("row_order", "rater_names", "duplication", "sides", "system_names"),
        designs=_SWAPPED,
        title="Answers alike in both orders",
    ),
    "order_test": Metric(
        position.order_test,
        "battles",
        _PAIRWISE,
        "McNemar, Psychometrika 12, 1947, exact",
        of(*_RANKING),
        designs=_SWAPPED,
        title="Test of the order within pairs",
    ),
    # Judges come by name, and a and b are systems by name.
    "judge_positions": Metric(
        position.judge_positions,
        "battles",
        _PAIRWISE,
        "Zeng et al., ICLR 2024 (accuracy in each order)",
        of("row_order", "duplication", "sides"),
        designs=(*_SWAPPED, "known answers"),
        title="Each judge and the order",
    ),
    # Duplication holds where no prior is needed.
    "bradley_terry": Metric(
        bradley_terry.bradley_terry,
        "battles",
        _PAIRWISE,
        "Bradley & Terry, Biometrika 39, 1952; Liang & Zeger 1986 (sandwich)",
        of(*_RANKING),
        designs=_MANY,
        title="Bradley-Terry strengths",
        assumptions=(_TRANSITIVE,),
    ),
    "davidson": Metric(
        bradley_terry.davidson,
        "battles",
        _PAIRWISE,
        "Davidson, Journal of the American Statistical Association 65, 1970",
        of(*_RANKING),
        designs=_MANY,
        title="Davidson's strengths, with ties",
        assumptions=(_TRANSITIVE, "Ties have the same parameter in every pair."),
    ),
    "style_control": Metric(
        style.style_control,
        "battles",
        _PAIRWISE,
        "Dubois et al. 2024 (arXiv 2404.04475)",
        of(*_RANKING),
        designs=_MANY,
        title="Strengths at equal length and style",
        assumptions=(_TRANSITIVE, "Length is partly an effect of quality: adjusted strengths answer another question."),
    ),
    "strength_differences": Metric(
        _of_the_fit(strengths.strength_differences),
        "battles",
        _PAIRWISE,
        "Wald's test with the covariance of the strengths",
        of("row_order", "rater_names", "duplication", "sides", "opposite"),
        designs=_MANY,
        title="Differences of strengths",
        assumptions=(_TRANSITIVE,),
    ),
    "win_probabilities": Metric(
        _of_the_fit(strengths.win_probabilities),
        "battles",
        _PAIRWISE,
        "Bradley & Terry 1952; delta method",
        of(*_RANKING),
        designs=_MANY,
        title="Chance against an average system",
        assumptions=(_TRANSITIVE,),
    ),
    "elo_scale": Metric(
        _of_the_fit(strengths.elo_scale),
        "battles",
        _PAIRWISE,
        "Elo, The Rating of Chessplayers, 1978 (the scale only)",
        of("row_order", "rater_names", "duplication", "sides", "system_names"),
        designs=_MANY,
        title="Strengths on the Elo scale",
        assumptions=(_TRANSITIVE,),
    ),
    # Draws go with the order of the systems, so other names move percentiles by chance.
    "rank_table": Metric(
        _of_the_fit(ranks.rank_table),
        "battles",
        _PAIRWISE,
        "Goldstein & Spiegelhalter 1996; Mogstad et al. 2024; Holm 1979",
        of("row_order", "rater_names", "sides"),
        designs=_MANY,
        title="Ranks",
        assumptions=(_TRANSITIVE,),
    ),
    "goodness_of_fit": Metric(
        transitivity.goodness_of_fit,
        "battles",
        _PAIRWISE,
        "Agresti, Categorical Data Analysis, 2002, section 10.6",
        of("row_order", "rater_names", "sides"),
        designs=_MANY,
        title="Fit of the ranking model",
        assumptions=("Judgments are independent.",),
    ),
    "circular_triads": Metric(
        transitivity.circular_triads,
        "battles",
        _PAIRWISE,
        "Kendall & Babington Smith, Biometrika 31, 1940",
        of("row_order", "rater_names", "duplication", "sides", "system_names", "opposite"),
        designs=_MANY,
        title="Circular triads",
    ),
}
