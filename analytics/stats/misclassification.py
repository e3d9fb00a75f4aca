"""The share of outputs that people would call "yes", from a judge that is sometimes wrong (Rogan-Gladen).

A judge with sensitivity se and specificity sp says yes on pi se + (1 - pi)(1 - sp) of the outputs; solving for pi takes
its errors out. The errors are themselves estimated, and that uncertainty belongs in the interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._kernels import Kernel, bootstrap, percentile_estimate
from analytics.stats._linearised import cluster_sums, residual_influence, t_estimate, within
from analytics.stats._rows import codes, numbers, same_lengths
from analytics.stats.coding import FloatArray, IntArray, as_column, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, ratio_over_clusters
from analytics.stats.results import Estimate, finite_or_none
from analytics.stats.sampling import SampleDesign, design_weights, standing

UNSTABLE_YOUDEN = 0.3
_TRANSFERRED = (
    "Sensitivity and specificity were found on another system. A judge's errors differ by system (its own family's "
    "answers please it more), so this figure may be wrong by an amount that the interval does not show."
)


@dataclass(frozen=True)
class CorrectedShare:
    """`estimate` of the share that people would call yes; `observed` is what the judge says; `youden` = se + sp - 1 is
    how much of a difference the judge sees, 1 all and 0 none."""

    estimate: Estimate
    observed: Estimate
    sensitivity: Estimate
    specificity: Estimate
    youden: float | None

    def to_dict(self) -> dict[str, Any]:
        names = ("estimate", "observed", "sensitivity", "specificity")
        return {**{name: getattr(self, name).to_dict() for name in names}, "youden": finite_or_none(self.youden)}


def corrected_share(observed: float, sensitivity: float, specificity: float) -> float:
    """(p + sp - 1) / (se + sp - 1), not clipped: .7 with .9 and .8 gives .714286.

    Raises ValueError unless all lie in 0..1 and se + sp > 1.
    Source: Rogan & Gladen, American Journal of Epidemiology 107, 1978, eq. 2.
    """
    for name, value in (("observed share", observed), ("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0 <= value <= 1:
            raise ValueError(f"The {name} must lie between 0 and 1; got {value}.")
    youden = sensitivity + specificity - 1
    if youden <= 0:
        raise ValueError(f"se + sp - 1 is {youden:g}: such a judge knows nothing about the answer.")
    return (observed + specificity - 1) / youden


def rogan_gladen(
    judged: ArrayLike,
    validated_judge: ArrayLike,
    validated_human: ArrayLike,
    *,
    design: SampleDesign,
    cluster: ArrayLike | None = None,
    validated_cluster: ArrayLike | None = None,
    inclusion_probability: ArrayLike | None = None,
    interval: Literal["delta", "bootstrap"] = "delta",
    same_system: bool = True,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> CorrectedShare:
    """The judge's share of yes, corrected by its sensitivity and specificity on outputs that people judged too.

    `judged` (outputs,): the judge's answers on all outputs; `validated_*` (validated outputs,): its answers and
    people's on some of them; 1, 0, True, False or missing (dropped). `cluster`, `validated_cluster`: prompts, whose
    labels mean the same in both. `design` says how the validated outputs were chosen, `inclusion_probability` their
    chances (a sample that follows the judge's answer needs them, or se and sp are wrong). `same_system=False` says
    that they are of another system, and warns. Interval: `delta` adds the variances of p, se and sp by prompt, t with
    Satterthwaite's degrees of freedom, and gives a part without any spread the variance of one error more;
    `bootstrap` resamples prompts, and cannot see an error that never occurred. A value outside 0..1 is moved to the
    edge, and a warning gives it; limits likewise. Youden's J = se + sp - 1 below .3 warns; at 0 or below, or without
    people's yes and no: not estimable. Under 10 validated prompts no interval. Raises ValueError: lengths, answers
    that are not yes or no, clusters for one side only.
    Simulated coverage: docs/algorithms/coverage-automated.md.
    Source: Rogan & Gladen, American Journal of Epidemiology 107, 1978; Lang & Reiczigel, Preventive Veterinary
    Medicine 113, 2014, for the variance of all three parts.
    """
    data = _gather(judged, validated_judge, validated_human, cluster, validated_cluster, inclusion_probability)
    stands = standing(design, inclusion_probability, others=False)
    scopes = _scopes(data, level, counts)
    problem = stands.refusal or _too_little(data)
    if problem:
        return _refused(problem, scopes, None)
    p, se, sp = (part.mean for part in data.parts)
    youden = se + sp - 1
    if youden <= 1e-9:
        reason = "The judge says yes no more often where people say yes than where they say no."
        return _refused(reason, scopes, youden)
    estimate = _interval(data, (p + sp - 1) / youden, youden, interval, seed, scopes["estimate"], stands.doubt)
    observed, sensitivity, specificity = (
        _share(part, scopes[name]) for part, name in zip(data.parts, _PARTS, strict=True)
    )
    notes = (
        _unstable(youden),
        "" if same_system else _TRANSFERRED,
        _outside((p + sp - 1) / youden),
    )
    return CorrectedShare(estimate.with_warnings(*notes), observed, sensitivity, specificity, youden)


class _Part(NamedTuple):
    """One share: 0/1 values, their weights (None: equal) and prompts."""

    hit: FloatArray
    weight: FloatArray | None
    cluster: IntArray

    @property
    def mean(self) -> float:
        return float(np.average(self.hit, weights=self.weight))

    @property
    def groups(self) -> int:
        return len(np.unique(self.cluster))


_PARTS = ("observed", "sensitivity", "specificity")


class _Data(NamedTuple):
    """The judge's share of yes, its hits among people's yes, its hits among people's no."""

    parts: tuple[_Part, _Part, _Part]
    groups: int


def _gather(
    judged: ArrayLike,
    validated_judge: ArrayLike,
    validated_human: ArrayLike,
    cluster: ArrayLike | None,
    validated_cluster: ArrayLike | None,
    probability: ArrayLike | None,
) -> _Data:
    p, f, y = _answers("judged", judged), _answers("judge", validated_judge), _answers("human", validated_human)
    same_lengths(validated_judge=f, validated_human=y)
    if (cluster is None) != (validated_cluster is None):
        raise ValueError("Give the clusters of both the judged and the validated outputs, or of neither.")
    weight = design_weights(probability, len(y))
    code = np.arange(len(p) + len(f))
    if cluster is not None and validated_cluster is not None:
        first, second = as_column("cluster", cluster), as_column("validated_cluster", validated_cluster)
        same_lengths(cluster=first, judged=p)
        same_lengths(validated_cluster=second, validated_human=y)
        code, _ = codes("cluster", np.concatenate([first.astype(object), second.astype(object)]))
    given, both = ~np.isnan(p), ~np.isnan(f) & ~np.isnan(y)
    of_p, of_f = code[: len(p)][given], code[len(p) :]
    yes, no = both & (y == 1), both & (y == 0)
    return _Data(
        (
            _Part(p[given], None, of_p),
            _Part(f[yes], None if weight is None else weight[yes], of_f[yes]),
            _Part(1 - f[no], None if weight is None else weight[no], of_f[no]),
        ),
        int(code.max(initial=-1)) + 1,
    )


def _answers(name: str, column: ArrayLike) -> FloatArray:
    found = numbers(name, column)
    wrong = np.flatnonzero(~np.isnan(found) & (found != 0) & (found != 1))
    if wrong.size:
        raise ValueError(f"The {name} answers are 1 (yes), 0 (no) or missing; found {found[wrong[0]]:g}.")
    return found


def _interval(data: _Data, raw: float, youden: float, interval: str, seed: int, scope: Scope, doubt: str) -> Estimate:
    value = min(max(raw, 0.0), 1.0)
    validated = min(part.groups for part in data.parts[1:])
    if doubt:
        return Estimate.insufficient(value, reason=doubt, **scope.fields())
    if scope.n_clusters < MIN_PROMPTS or validated < 2:
        reason = (
            f"Only {scope.n_clusters} validated prompts: no interval below {MIN_PROMPTS}, with two of yes and of no."
        )
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    if interval == "bootstrap":
        draws = bootstrap(_kernel(data), data.groups, seed, data.groups)
        return within(percentile_estimate(value, draws, scope, seed), 0.0, 1.0)
    if interval != "delta":
        raise ValueError(f"Unknown interval {interval!r}: use delta or bootstrap.")
    estimate = _delta(data, raw, youden, scope)
    return replace(within(estimate, 0.0, 1.0), value=value)


def _delta(data: _Data, pi: float, youden: float, scope: Scope) -> Estimate:
    """Influences of the three shares added by prompt: a prompt may inform all of them."""
    slopes = (1 / youden, -pi / youden, (1 - pi) / youden)
    total, extra, parts = np.zeros(data.groups), 0.0, []
    for part, slope in zip(data.parts, slopes, strict=True):
        influence = slope * residual_influence(part.hit, part.cluster, part.weight)
        variance = float(np.sum(cluster_sums(influence, part.cluster) ** 2))
        if variance <= 1e-15 * slope**2:
            # Never wrong so far is not never wrong: the variance of (k + 1) of (n + 2), Lang & Reiczigel's se'.
            variance = slope**2 * _one_more(part)
            extra += variance
        else:
            total += weighted_count(part.cluster, influence, data.groups)
        parts.append((variance, part.groups - 1))
    spread = sum(variance for variance, _ in parts)
    df = spread**2 / sum(variance**2 / below for variance, below in parts if below > 0)
    return t_estimate(pi, float(total @ total) + extra, df, scope, f"delta method by prompt, t({df:.0f})")


def _one_more(part: _Part) -> float:
    n = part.groups + 2
    share = (part.groups * part.mean + 1) / n
    return share * (1 - share) / n


def _kernel(data: _Data) -> Kernel:
    """The corrected share of resampled prompts, from sums per prompt; NaN where the judge sees no difference."""
    columns = []
    for part in data.parts:
        weight = np.ones(len(part.hit)) if part.weight is None else part.weight
        columns += [weighted_count(part.cluster, w, data.groups) for w in (weight * part.hit, weight)]
    sums = np.stack(columns, axis=1)

    def kernel(drawn: FloatArray) -> FloatArray:
        totals = drawn @ sums
        hits, trials = totals[:, 0::2], totals[:, 1::2]
        defined = (trials > 0).all(axis=1)
        p, se, sp = (hits / np.where(trials > 0, trials, 1.0)).T
        youden = se + sp - 1
        defined &= youden > 1e-9
        return np.where(defined, (p + sp - 1) / np.where(defined, youden, 1.0), np.nan)

    return kernel


def _share(part: _Part, scope: Scope) -> Estimate:
    weight = np.ones(len(part.hit)) if part.weight is None else part.weight
    code = np.unique(part.cluster, return_inverse=True)[1]
    size = int(code.max(initial=-1)) + 1
    return ratio_over_clusters(weighted_count(code, weight * part.hit, size), weighted_count(code, weight, size), scope)


def _scopes(data: _Data, level: float, counts: dict[str, int]) -> dict[str, Scope]:
    names = ("share of yes by the judge", "sensitivity of the judge", "specificity of the judge")
    found = {
        name: Scope(method, "share", level, len(part.hit), part.groups, **counts)
        for name, method, part in zip(_PARTS, names, data.parts, strict=True)
    }
    _, yes, no = data.parts
    prompts = len(np.unique(np.concatenate([yes.cluster, no.cluster])))
    method = "share of yes, corrected for the judge's errors (Rogan-Gladen)"
    return {"estimate": Scope(method, "share", level, len(yes.hit) + len(no.hit), prompts, **counts), **found}


def _too_little(data: _Data) -> str:
    judged, yes, no = (len(part.hit) for part in data.parts)
    if not judged:
        return "There are no answers of the judge."
    if not yes or not no:
        return f"People said yes on {yes} and no on {no} validated outputs; both are needed to know the judge's errors."
    return ""


def _refused(reason: str, scopes: dict[str, Scope], youden: float | None) -> CorrectedShare:
    nothing = {name: Estimate.not_estimable(reason=reason, **scope.fields()) for name, scope in scopes.items()}
    return CorrectedShare(**nothing, youden=youden)


def _unstable(youden: float) -> str:
    if youden >= UNSTABLE_YOUDEN:
        return ""
    return (
        f"The judge tells yes from no badly (se + sp - 1 = {youden:.2f}, below {UNSTABLE_YOUDEN}): small errors in "
        "se and sp move this figure a lot."
    )


def _outside(raw: float) -> str:
    if 0 <= raw <= 1:
        return ""
    return f"The corrected share came out at {raw:.3f} and is shown at the edge: se or sp does not fit these outputs."
