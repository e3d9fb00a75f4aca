"""The kappas: Cohen for a named pair, Conger for crossed raters, Fleiss for any, Brennan-Prediger.

Arguments, populations, intervals and refusals are those of `agreement`. `weights` are "identity" (all or
nothing), "ordinal", "linear" or "quadratic"; any but the first needs levels with an order, else ValueError.
`variance="gwet"` reproduces the published standard errors where units have one rating.
"""

from __future__ import annotations

from analytics.stats._coefficients import Variance
from analytics.stats._distances import agreement_weights
from analytics.stats._estimation import Population, estimate, scope_of
from analytics.stats._kappas import BrennanPrediger, ChanceCorrected, Conger, Fleiss
from analytics.stats._subsets import of_pair, raters_present
from analytics.stats._totals import PairTable
from analytics.stats.agreement import Weights, no_categories
from analytics.stats.coding import CodedRatings
from analytics.stats.results import Estimate

# Conger's chance term compares raters' own shares, which means something only if they judged the same outputs.
MIN_CROSSED = 0.5

_UNKNOWN = "Some ratings come from raters of unknown identity, and this coefficient compares what each rater does."


def fleiss_kappa(
    data: CodedRatings,
    weights: Weights = "identity",
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Fleiss' kappa, generalised to unequal numbers of ratings a unit and to weights; with two raters Scott's pi.

    All ratings equal: not estimable. Simulated, a 95 % interval for raters like these covers .91 where 3 or 5 raters
    rate all of several outputs a prompt (docs/algorithms/coverage-agreement.md). Source: Fleiss, Psychological
    Bulletin 76, 1971; Gwet, Handbook, ch. 2.
    """
    return fleiss_of(PairTable(data), weights, population, level, variance)


def brennan_prediger(
    data: CodedRatings,
    weights: Weights = "identity",
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Brennan-Prediger: chance picks every level equally often, so that no prevalence can move the coefficient.

    q is the number of declared levels (observed ones without a declared scale). Simulated with quadratic weights, a 95
    % interval covers .89 to .93 for raters like these with 3 or 5 raters, and .91 to .92 for these raters with up to
    150 outputs (docs/algorithms/coverage-agreement.md). Source: Brennan & Prediger, Educational and Psychological
    Measurement 41, 1981; weighted: Gwet, Handbook, ch. 4.
    """
    return brennan_prediger_of(PairTable(data), weights, population, level, variance)


def conger_kappa(
    data: CodedRatings,
    weights: Weights = "identity",
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Conger's kappa: chance is the mean over pairs of raters of Cohen's chance term.

    For crossed raters of known identity. Not estimable where fewer than half of all rater x unit cells are filled; a
    warning below all of them. Simulated, a 95 % interval for raters like these covers .91 to .94 with 3 or 5 raters of
    several outputs a prompt (docs/algorithms/coverage-agreement.md). Source: Conger, Psychological Bulletin 88, 1980;
    with missing ratings: Gwet, Handbook, ch. 2.
    """
    return conger_of(PairTable(data), weights, population, level, variance)


def cohen_kappa(
    data: CodedRatings,
    weights: Weights = "identity",
    *,
    pair: tuple[str, str] | None = None,
    level: float = 0.95,
) -> Estimate:
    """Cohen's kappa of two named raters on the units both judged.

    `pair` names them (rater labels); without it the table must have two raters, else ValueError. The population is
    always these two. Simulated with quadratic weights and 40 prompts of one output, a 95 % interval covers .90;
    unweighted, or with more outputs, .94 (docs/algorithms/coverage-agreement.md). Source: Cohen, Educational and
    Psychological Measurement 20, 1960; weighted: Psychological Bulletin 70, 1968; variance: the delta method of
    Fleiss, Cohen & Everitt 1969 with n - 1.
    """
    first, second = _two_raters(data, pair)
    table = PairTable(of_pair(data, first, second))
    names = " and ".join(str(data.rater_labels[rater]) for rater in (first, second))
    return _estimate(table, weights, "Cohen's kappa", "these_raters", level, "ratio", f"of {names}")


def fleiss_of(
    table: PairTable, weights: Weights, population: Population, level: float, variance: Variance = "ratio"
) -> Estimate:
    return _estimate(table, weights, "Fleiss' kappa", population, level, variance)


def brennan_prediger_of(
    table: PairTable, weights: Weights, population: Population, level: float, variance: Variance = "ratio"
) -> Estimate:
    return _estimate(table, weights, "Brennan-Prediger", population, level, variance)


def conger_of(
    table: PairTable, weights: Weights, population: Population, level: float, variance: Variance = "ratio"
) -> Estimate:
    data, name = table.data, "Conger's kappa"
    problem, warning = crossing(data)
    if problem:
        return Estimate.not_estimable(reason=problem, **scope_of(table, level, name).fields())
    return _estimate(table, weights, name, population, level, variance).with_warnings(warning)


def kappa_coefficient(data: CodedRatings, name: str, weights: Weights, variance: Variance = "ratio") -> ChanceCorrected:
    """The coefficient called "Fleiss' kappa", "Brennan-Prediger", "Conger's kappa" or "Cohen's kappa"."""
    matrix = agreement_weights(data, weights)
    undefined = "All ratings are equal: there is no chance disagreement to correct for (0/0)."
    if name == "Fleiss' kappa":
        return Fleiss(matrix, name, variance, undefined)
    if name == "Brennan-Prediger":
        return BrennanPrediger(matrix, name, variance)
    return Conger(matrix, name, variance, undefined, data=data)


def _estimate(
    table: PairTable,
    weights: Weights,
    name: str,
    population: Population,
    level: float,
    variance: Variance,
    detail: str = "",
) -> Estimate:
    data = table.data
    if weights != "identity":
        data.require("ordinal")
    problem = no_categories(data)
    if problem:
        return Estimate.not_estimable(reason=problem, **scope_of(table, level, name).fields())
    origin = "declared" if data.domain_declared else "observed: no scale was declared"
    parts = (detail, f"{weights} weights, q = {data.n_codes} levels ({origin})")
    coefficient = kappa_coefficient(data, name, weights, variance)
    return estimate(table, coefficient, population, level, ", ".join(part for part in parts if part))


def crossing(data: CodedRatings) -> tuple[str, str]:
    """Why Conger's kappa is not defined, and what must be said if it is."""
    if (data.rater < 0).any():
        return _UNKNOWN, ""
    shared = data.pairable[data.unit]
    cells = len(raters_present(data)) * int(data.pairable.sum())
    filled = int(shared.sum()) / cells if cells else 1.0
    if filled < MIN_CROSSED:
        return (
            f"The raters are not crossed: {filled:.0%} of the rater by output cells are filled, and what they "
            "make of different outputs cannot be compared. Alpha and Fleiss' kappa fit this design."
        ), ""
    if filled < 1:
        return "", f"Raters are not fully crossed: {1 - filled:.0%} of the rater by output cells are empty."
    return "", ""


def _two_raters(data: CodedRatings, pair: tuple[str, str] | None) -> tuple[int, int]:
    labels = [str(label) for label in data.rater_labels]
    if pair is None:
        present = raters_present(data)
        if len(present) != 2 or (data.rater < 0).any():
            raise ValueError(f"Cohen's kappa is for two raters of known identity; found {len(present)}: name a pair.")
        return int(present[0]), int(present[1])
    unknown = [name for name in pair if str(name) not in labels]
    if unknown or len(set(pair)) != 2 or len(pair) != 2:
        raise ValueError(f"The pair must be two raters of this table; got {pair!r}.")
    return labels.index(str(pair[0])), labels.index(str(pair[1]))
