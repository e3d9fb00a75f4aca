"""A mean human rating from few human ratings and many judgments of an automated judge (PPI++).

The judge is wrong by an amount that the outputs with both ratings show; that amount is taken off its mean over all
outputs. Whatever the judge is worth, the figure is for the human rating: a useless judge gets the weight 0 and the
classical mean is left. All of it stands on one condition: the rated outputs are a random sample of the same
population, or their chances of being drawn are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._linearised import cluster_sums, residual_influence, t_estimate, within
from analytics.stats._rows import codes, numbers, same_lengths
from analytics.stats.coding import FloatArray, IntArray, as_column
from analytics.stats.intervals import MIN_PROMPTS, Scope
from analytics.stats.results import Estimate, finite_or_none
from analytics.stats.sampling import SampleDesign, design_weights, standing

ENOUGH_LABELS = 50
ENOUGH_IN_STRATUM = 20


@dataclass(frozen=True)
class PredictionPowered:
    """`estimate` of the mean human rating; `classical` from the rated outputs alone; `judge_only`, which is no estimate
    of it. `tuning` is the weight of the judge, 0 to 1; `effective_n` is how many rated outputs the classical mean
    would need for the same interval."""

    estimate: Estimate
    classical: Estimate
    judge_only: Estimate
    tuning: tuple[float, ...]
    effective_n: float | None
    n_labelled: int
    n_unlabelled: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "estimate": self.estimate.to_dict(),
            "classical": self.classical.to_dict(),
            "judge_only": self.judge_only.to_dict(),
            "tuning": list(self.tuning),
            "effective_n": finite_or_none(self.effective_n),
            "n_labelled": self.n_labelled,
            "n_unlabelled": self.n_unlabelled,
        }


def prediction_powered_mean(
    human: ArrayLike,
    judge: ArrayLike,
    judge_rest: ArrayLike,
    *,
    design: SampleDesign,
    cluster: ArrayLike | None = None,
    cluster_rest: ArrayLike | None = None,
    inclusion_probability: ArrayLike | None = None,
    tuning: float | None = None,
    share: bool = False,
    level: float = 0.95,
    **counts: int,
) -> PredictionPowered:
    """The mean human rating over all outputs: mean(y) + L (mean(g) - mean(f)), L tuned to the smallest variance.

    `human` y and `judge` f (rated outputs,), `judge_rest` g (the others,): numbers, a win rate as 1, .5, 0; missing
    ones are dropped and counted. `cluster`, `cluster_rest`: the prompts, whose labels mean the same in both (None:
    every output its own). `design` says how the rated outputs were chosen (sampling.SampleDesign): chosen by
    somebody, or a census beside others, is refused; unknown gets a value without an interval. With unequal
    `inclusion_probability` the ratings are weighted by its inverse and the judge's mean is over all outputs.
    `tuning` fixes L (0 is the classical mean, 1 plain PPI); None takes L* = cov(y, f) / ((1 + n/N) var), or with
    clusters or weights the same from prompts' sums, clipped to 0..1. Interval: by prompt, t(rated prompts - 1); `share`
    keeps it in 0..1. Under 10 rated prompts no interval is claimed, under 50 a warning says it is approximate.
    If the judge was tuned on the rated outputs, use others. Raises ValueError: lengths, text, infinities, a tuning
    or probability outside 0..1, clusters for one side only.
    Source: Angelopoulos, Duchi & Zrnic, PPI++, arXiv 2311.01453, section 6; Särndal et al. 1992 for the weights.
    """
    data = _gather(human, judge, judge_rest, None, None, cluster, cluster_rest, inclusion_probability)
    return _estimate(data, design, inclusion_probability, tuning, None, share, level, counts)


def stratified_prediction_powered_mean(
    human: ArrayLike,
    judge: ArrayLike,
    stratum: ArrayLike,
    judge_rest: ArrayLike,
    stratum_rest: ArrayLike,
    *,
    design: SampleDesign,
    cluster: ArrayLike | None = None,
    cluster_rest: ArrayLike | None = None,
    inclusion_probability: ArrayLike | None = None,
    stratum_weights: Mapping[str, float] | None = None,
    share: bool = False,
    level: float = 0.95,
    **counts: int,
) -> PredictionPowered:
    """The same inside strata (of the judge's score, its confidence, a domain), added up by the strata's shares.

    theta = sum w_s theta_s, where w_s is the stratum's share of all outputs unless `stratum_weights` are declared;
    shares that are not declared are themselves those of a sample of prompts, and widen the interval. A
    stratum with 20 rated prompts has its own L_s; smaller ones share one. Prompts with outputs in several strata
    are still one cluster. A stratum without two rated prompts: not estimable. Degrees of freedom: rated prompts less
    strata. Other arguments, refusals and errors as `prediction_powered_mean`.
    Source: Fisch et al., Stratified Prediction-Powered Inference, arXiv 2406.04291, section 3.
    """
    data = _gather(human, judge, judge_rest, stratum, stratum_rest, cluster, cluster_rest, inclusion_probability)
    return _estimate(data, design, inclusion_probability, None, stratum_weights, share, level, counts)


class _Data(NamedTuple):
    """Rated outputs first, then the others; `stratum` and `cluster` are one code for both."""

    y: FloatArray
    f: FloatArray
    g: FloatArray
    weight: FloatArray | None
    cluster: IntArray
    stratum: IntArray
    strata: tuple[str, ...]
    single: bool
    dropped: int

    @property
    def rated_clusters(self) -> IntArray:
        return self.cluster[: len(self.y)]


class _Parts(NamedTuple):
    """Of one stratum: the classical mean, what the judge adds at L = 1, and rows' influences on both."""

    mean: float
    gap: float
    of_mean: FloatArray
    of_gap: FloatArray


def _gather(
    human: ArrayLike,
    judge: ArrayLike,
    judge_rest: ArrayLike,
    stratum: ArrayLike | None,
    stratum_rest: ArrayLike | None,
    cluster: ArrayLike | None,
    cluster_rest: ArrayLike | None,
    probability: ArrayLike | None,
) -> _Data:
    y, f, g = numbers("human", human), numbers("judge", judge), numbers("judge_rest", judge_rest)
    same_lengths(human=y, judge=f)
    if (cluster is None) != (cluster_rest is None):
        raise ValueError("Give the clusters of both the rated outputs and the others, or of neither.")
    weight = design_weights(probability, len(y))
    rated, others = ~np.isnan(y) & ~np.isnan(f), ~np.isnan(g)
    names = [
        _both(name, first, second, rated, others)
        for name, first, second in (("cluster", cluster, cluster_rest), ("stratum", stratum, stratum_rest))
    ]
    total = int(rated.sum() + others.sum())
    clusters = np.arange(total) if cluster is None else names[0][0]
    strata = np.zeros(total, dtype=np.int64) if stratum is None else names[1][0]
    return _Data(
        y[rated],
        f[rated],
        g[others],
        None if weight is None else weight[rated],
        clusters,
        strata,
        ("",) if stratum is None else tuple(names[1][1].tolist()),
        len(np.unique(clusters)) == total,
        len(y) + len(g) - total,
    )


def _both(
    name: str, first: ArrayLike | None, second: ArrayLike | None, rated: np.ndarray, others: np.ndarray
) -> tuple[IntArray, np.ndarray]:
    """One coding of a column of the rated outputs and of the others."""
    if first is None or second is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    a, b = as_column(name, first), as_column(f"{name}_rest", second)
    same_lengths(**{name: a, "human": rated})
    same_lengths(**{f"{name}_rest": b, "judge_rest": others})
    return codes(name, np.concatenate([a[rated].astype(object), b[others].astype(object)]))


def _estimate(
    data: _Data,
    design: SampleDesign,
    probability: ArrayLike | None,
    tuning: float | None,
    weights: Mapping[str, float] | None,
    share: bool,
    level: float,
    counts: dict[str, int],
) -> PredictionPowered:
    if tuning is not None and not 0 <= tuning <= 1:
        raise ValueError(f"The tuning must lie between 0 and 1; got {tuning}.")
    stands = standing(design, probability, others=len(data.g) > 0)
    groups = len(np.unique(data.rated_clusters))
    scopes = [
        Scope(method, "share" if share else "points", level, len(data.y), groups, **counts)
        for method in (
            "prediction-powered mean (PPI++)",
            "mean of the rated outputs",
            "mean of the judge, no correction",
        )
    ]
    refusal = stands.refusal or _too_little(data)
    if refusal:
        nothing = [Estimate.not_estimable(reason=refusal, **scope.fields()) for scope in scopes]
        return PredictionPowered(nothing[0], nothing[1], nothing[2], (), None, len(data.y), len(data.g))
    shares = _stratum_shares(data, weights)
    parts = [_parts(data, s) for s in range(len(data.strata))]
    lengths = _tunings(data, parts, shares, tuning)
    value = sum(w * (p.mean + L * p.gap) for w, p, L in zip(shares, parts, lengths, strict=True))
    classical = sum(w * p.mean for w, p in zip(shares, parts, strict=True))
    of_mean = sum((w * p.of_mean for w, p in zip(shares, parts, strict=True)), np.zeros(len(data.cluster)))
    of_gap = sum(
        (w * L * p.of_gap for w, p, L in zip(shares, parts, lengths, strict=True)), np.zeros(len(data.cluster))
    )
    if weights is None and len(parts) > 1:
        # The strata's shares are those of the outputs at hand: other prompts would have had others.
        of_mean = of_mean + _of_shares(data, [p.mean for p in parts])
        moved = [L * p.gap for p, L in zip(parts, lengths, strict=True)]
        of_gap = of_gap + _of_shares(data, moved)
    variances = [float(np.sum(cluster_sums(x, data.cluster) ** 2)) for x in (of_mean + of_gap, of_mean)]
    df = groups - len(data.strata)
    method = f"judge's weight {', '.join(f'{x:.3g}' for x in lengths)}; by prompt, t({df})"
    notes = (_few_labels(groups), _dropped(data))
    estimate = _figure(value, variances[0], df, scopes[0], method, share, stands.doubt).with_warnings(*notes)
    plain = _figure(classical, variances[1], df, scopes[1], "", share, stands.doubt)
    effective = len(data.y) * variances[1] / variances[0] if variances[0] > 0 else None
    alone = _judge_only(data, scopes[2], share)
    return PredictionPowered(estimate, plain, alone, tuple(lengths), effective, len(data.y), len(data.g))


def _figure(value: float, variance: float, df: int, scope: Scope, method: str, share: bool, doubt: str) -> Estimate:
    if doubt:
        return Estimate.insufficient(value, reason=doubt, **scope.fields(method))
    if scope.n_clusters < MIN_PROMPTS:
        reason = f"Only {scope.n_clusters} prompts have a human rating: no interval below {MIN_PROMPTS}."
        return Estimate.insufficient(value, reason=reason, **scope.fields(method))
    estimate = t_estimate(value, variance, df, scope, method)
    return within(estimate, 0.0, 1.0) if share else estimate


def _judge_only(data: _Data, scope: Scope, share: bool) -> Estimate:
    every = np.concatenate([data.f, data.g])
    groups = len(np.unique(data.cluster))
    scope = Scope(**{**vars(scope), "n_units": len(every), "n_clusters": groups})
    variance = float(np.sum(cluster_sums(residual_influence(every, data.cluster), data.cluster) ** 2))
    estimate = t_estimate(float(every.mean()), variance, groups - 1, scope)
    return within(estimate, 0.0, 1.0) if share else estimate


def _parts(data: _Data, s: int) -> _Parts:
    """The two pieces of one stratum's estimate and each row's influence on them (0 outside the stratum)."""
    n = len(data.y)
    rated = np.flatnonzero(data.stratum[:n] == s)
    others = n + np.flatnonzero(data.stratum[n:] == s)
    weight = None if data.weight is None else data.weight[rated]
    judge = np.concatenate([data.f, data.g])
    of_mean, of_gap = np.zeros(len(judge)), np.zeros(len(judge))
    of_mean[rated] = residual_influence(data.y[rated], data.cluster[rated], weight)
    mean, judged = np.average(data.y[rated], weights=weight), np.average(data.f[rated], weights=weight)
    if not len(others):
        return _Parts(float(mean), 0.0, of_mean, of_gap)
    # With unequal chances what was not drawn is no picture of the whole, so the judge's mean is over all outputs.
    base = others if weight is None else np.concatenate([rated, others])
    if len(np.unique(data.cluster[base])) < 2:
        return _Parts(float(mean), 0.0, of_mean, of_gap)
    of_gap[base] += residual_influence(judge[base], data.cluster[base])
    of_gap[rated] -= residual_influence(data.f[rated], data.cluster[rated], weight)
    return _Parts(float(mean), float(judge[base].mean() - judged), of_mean, of_gap)


def _tunings(data: _Data, parts: list[_Parts], shares: FloatArray, given: float | None) -> list[float]:
    """The weight of the judge in each stratum; strata with few ratings share the one that is best for all."""
    if given is not None:
        return [float(given)] * len(parts)
    n = len(data.y)
    whole = _best(
        sum((w * p.of_mean for w, p in zip(shares, parts, strict=True)), np.zeros(len(data.cluster))),
        sum((w * p.of_gap for w, p in zip(shares, parts, strict=True)), np.zeros(len(data.cluster))),
        data.cluster,
    )
    found = []
    for s, part in enumerate(parts):
        rated = data.stratum[:n] == s
        few = len(parts) > 1 and len(np.unique(data.rated_clusters[rated])) < ENOUGH_IN_STRATUM
        if few:
            found.append(whole)
        elif data.single and data.weight is None:
            found.append(_closed_form(data.y[rated], data.f[rated], data.g[data.stratum[n:] == s]))
        else:
            found.append(_best(part.of_mean, part.of_gap, data.cluster))
    return found


def _closed_form(y: FloatArray, f: FloatArray, g: FloatArray) -> float:
    """L* = cov(y, f) / ((1 + n/N) var(f and g pooled)), clipped to 0..1."""
    spread = float(np.var(np.concatenate([f, g]), ddof=1))
    if not len(g) or spread <= 0:
        return 0.0
    covariance = float(np.cov(y, f, ddof=1)[0, 1])
    return float(np.clip(covariance / ((1 + len(y) / len(g)) * spread), 0.0, 1.0))


def _best(of_mean: FloatArray, of_gap: FloatArray, cluster: IntArray) -> float:
    """The L that makes the sum of squares of of_mean + L of_gap over prompts smallest, clipped to 0..1."""
    a, b = cluster_sums(of_mean, cluster), cluster_sums(of_gap, cluster)
    bottom = float(b @ b)
    return float(np.clip(-float(a @ b) / bottom, 0.0, 1.0)) if bottom > 0 else 0.0


def _of_shares(data: _Data, of_stratum: list[float]) -> FloatArray:
    """Each row's influence on a sum of shares times figures of the strata, through the shares."""
    return residual_influence(np.asarray(of_stratum)[data.stratum], data.cluster)


def _stratum_shares(data: _Data, declared: Mapping[str, float] | None) -> FloatArray:
    sizes = np.bincount(data.stratum, minlength=len(data.strata)).astype(np.float64)
    if declared is None:
        return np.asarray(sizes / sizes.sum())
    given = {str(name): float(weight) for name, weight in declared.items()}
    if set(given) != set(data.strata) or min(given.values()) < 0 or sum(given.values()) <= 0:
        raise ValueError(f"stratum_weights must give a weight from 0 to each of {', '.join(data.strata)}.")
    weights = np.asarray([given[name] for name in data.strata])
    return np.asarray(weights / weights.sum())


def _too_little(data: _Data) -> str:
    n = len(data.y)
    if not n:
        return "No output has both a human rating and a judgment."
    for s, name in enumerate(data.strata):
        if len(np.unique(data.rated_clusters[data.stratum[:n] == s])) < 2:
            where = f"Stratum {name!r} has" if len(data.strata) > 1 else "There are"
            return f"{where} fewer than two prompts with a human rating, so nothing can be corrected by them."
    return ""


def _few_labels(groups: int) -> str:
    if groups >= ENOUGH_LABELS:
        return ""
    return f"Only {groups} prompts have a human rating: the interval is approximate below {ENOUGH_LABELS}."


def _dropped(data: _Data) -> str:
    if not data.dropped:
        return ""
    return (
        f"{data.dropped} outputs without a number are left out; if they are missing for a reason, the rest is no "
        "random sample."
    )
