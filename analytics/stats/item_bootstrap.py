"""The item bootstrap by distinct patterns of counts: exact, and as fast for a million outputs as for a thousand.

A coefficient sees an output only through its counts, so a resample of outputs is one multinomial draw of how
often each pattern occurs (Efron, Annals of Statistics 7, 1979). It holds where every prompt has one output;
where a prompt has several, they are not independent, and the linearised interval of `agreement` is the one to
use.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.stats._coefficients import Coefficient
from analytics.stats._estimation import notes, scope_of, too_few, too_little
from analytics.stats._named import Statistic, named_coefficient
from analytics.stats._totals import PairTable
from analytics.stats.agreement import Weights
from analytics.stats.coding import CodedRatings, FloatArray, Measurement
from analytics.stats.intervals import MIN_PROMPTS, few_prompts_warning
from analytics.stats.results import Estimate

RESAMPLES = 1000


def item_bootstrap(
    data: CodedRatings,
    measurement: Measurement,
    *,
    statistic: Statistic = "krippendorff_alpha",
    weights: Weights = "identity",
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """A coefficient with the percentile interval of `resamples` resamples of outputs; for these raters.

    Insufficient (a value without an interval) where a prompt has several outputs, under ten prompts, and where
    more than a tenth of the resamples are undefined. Conger's kappa needs to know who gave each rating, which
    a pattern does not say: ValueError.
    """
    if statistic == "conger_kappa":
        raise ValueError("Conger's kappa depends on who gave each rating: its interval is the linearised one.")
    coefficient, problem = named_coefficient(data, statistic, measurement, weights)
    table = PairTable(data)
    scope = scope_of(table, level, coefficient.name, coefficient)
    problem = too_little(table) or problem
    value = None if problem else coefficient.value(table.whole)
    if value is None:
        return Estimate.not_estimable(reason=problem or coefficient.undefined, **scope.fields())
    draws = None
    if scope.n_clusters < MIN_PROMPTS:
        reason = too_few(scope)
    elif scope.n_clusters < scope.n_units:
        reason = "Prompts have several outputs, which are not independent: take the interval linearised by prompt."
    else:
        draws = np.asarray(list(_draws(table, coefficient, resamples, seed)))
        draws = draws[np.isfinite(draws)]
        reason = "More than a tenth of the resamples have no variation, so no interval can be claimed."
    if draws is None or len(draws) < 0.9 * resamples or np.ptp(draws) <= 1e-12:
        return Estimate.insufficient(value, reason=reason, **scope.fields()).with_warnings(*notes(table))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    fields = scope.fields(f"percentile bootstrap of outputs by pattern, {resamples} resamples, these raters")
    found = Estimate(value, float(low), float(high), seed=seed, **fields)
    return found.with_warnings(few_prompts_warning(scope.n_clusters), *notes(table))


def _draws(table: PairTable, coefficient: Coefficient, resamples: int, seed: int) -> Iterator[float]:
    """The coefficient of each resample, NaN where it is undefined."""
    rng = np.random.default_rng(seed)
    units = int(table.times.sum())
    share: FloatArray = table.times / units
    for _ in range(resamples):
        totals = table.weighted(rng.multinomial(units, share).astype(np.float64))
        value = coefficient.value(totals) if totals.pairable >= 2 else None
        yield np.nan if value is None else value
