"""Consensus from a model of raters' errors: Dawid and Skene's, and its form with one accuracy a rater.

Each output has one true label; given it, raters answer independently, each with error rates of their own.
Posteriors are over-confident where raters err together on hard outputs: send those with high entropy to a
person, and do not read .99 as one mistake in a hundred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from analytics.stats._em import Fitted, fit
from analytics.stats._latent_shares import share_influence
from analytics.stats._shares import share_from_influence
from analytics.stats._vote_patterns import Patterns, vote_patterns
from analytics.stats.coding import CodedRatings, FloatArray, ObjectArray
from analytics.stats.intervals import Scope
from analytics.stats.results import Distribution, Estimate

Model = Literal["full", "one_coin"]
SMOOTHING = 0.01
MIN_RATINGS = 3  # a unit; below it, error rates are barely identified
MIN_LABELS = 10  # a rater and class

RATES_AS_KNOWN = (
    "There are too many raters to count in the uncertainty of their error rates: the intervals of the shares take them "
    "as known and are too narrow."
)


@dataclass(frozen=True, eq=False)
class LatentLabels:
    """The fitted model, or the reason why there is none (`reason`; the arrays are then empty).

    `posterior` (units, codes) is the probability of each true label, `entropy` (units,) its uncertainty in bits;
    `confusion` (raters, true, said) each rater's error rates, `unknown_raters` being the last row if some
    raters have no identity. `shares` estimates how often each label is true. `log_likelihood` is without the
    multinomial constant.
    """

    model: Model
    smoothing: float
    domain: tuple[float, ...] | tuple[str, ...]
    unit_labels: ObjectArray
    posterior: FloatArray
    entropy: FloatArray
    rater_labels: ObjectArray
    confusion: FloatArray
    shares: Distribution
    log_likelihood: float | None
    iterations: int
    converged: bool
    reason: str = ""
    warnings: tuple[str, ...] = ()

    def labels(self) -> list[float | str | None]:
        """The most probable label of each output; None where two are exactly as probable."""
        top = self.posterior.max(axis=1, keepdims=True) if len(self.posterior) else self.posterior
        alone = np.isclose(self.posterior, top, rtol=0, atol=1e-9).sum(axis=1) == 1
        best = self.posterior.argmax(axis=1) if len(self.posterior) else np.zeros(0, dtype=np.int64)
        return [self.domain[code] if sole else None for code, sole in zip(best.tolist(), alone.tolist(), strict=True)]

    def most_uncertain(self, size: int) -> list[Any]:
        """The outputs that a person should look at first; equal entropies in the order of their labels."""
        return self.unit_labels[np.argsort(-self.entropy, kind="stable")[:size]].tolist()

    def estimates(self) -> tuple[Estimate, ...]:
        return self.shares.shares

    def to_dict(self) -> dict[str, Any]:
        rows = zip(self.rater_labels.tolist(), self.confusion.tolist(), strict=True)
        return {
            "model": self.model,
            "smoothing": self.smoothing,
            "shares": self.shares.to_dict(),
            "confusion": [{"rater": str(rater), "true_by_said": table} for rater, table in rows],
            "log_likelihood": self.log_likelihood,
            "iterations": self.iterations,
            "converged": self.converged,
            "reason": self.reason,
            "warnings": list(self.warnings),
        }


def dawid_skene(
    data: CodedRatings,
    *,
    smoothing: float = SMOOTHING,
    level: float = 0.95,
    max_iterations: int = 1000,
    tolerance: float = 1e-8,
) -> LatentLabels:
    """Dawid and Skene's model: a table of error rates for each rater, fitted by EM from the shares of votes.

    Code the ratings with `keep_repeats=True`: a rater's repeats of an output are replicates. `smoothing` is
    added to each cell of a rater's table (0 reproduces the paper). Stops when the log-likelihood changes by
    less than `tolerance` of itself. It needs about ten labels for each rater and class and three raters an
    output; warnings say where there are fewer, and where labels may be switched. Intervals of the shares are
    clustered by prompt and count the uncertainty of the error rates (docs/algorithms/coverage-preference.md), unless
    there are too many of these, which a warning says. No output with two ratings, or one level: no fit, with the
    reason. Raises ValueError on a negative smoothing.
    Source: Dawid & Skene, Applied Statistics 28, 1979.
    """
    return _latent_labels(data, "full", smoothing, level, max_iterations, tolerance)


def one_coin(
    data: CodedRatings,
    *,
    smoothing: float = SMOOTHING,
    level: float = 0.95,
    max_iterations: int = 1000,
    tolerance: float = 1e-8,
) -> LatentLabels:
    """The same with one number a rater: right with this chance, otherwise any other label alike.

    For raters with few labels, who would leave most of a full table empty. `smoothing` adds as many right
    and as many wrong answers to each rater. Everything else as `dawid_skene`.
    Source: the homogeneous form in Zhang, Chen, Zhou & Jordan, Journal of Machine Learning Research 17, 2016.
    """
    return _latent_labels(data, "one_coin", smoothing, level, max_iterations, tolerance)


def _latent_labels(
    data: CodedRatings, model: Model, smoothing: float, level: float, max_iterations: int, tolerance: float
) -> LatentLabels:
    if not (math.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing must be a number from 0; got {smoothing}.")
    if max_iterations < 1:
        raise ValueError(f"max_iterations must be at least 1; got {max_iterations}.")
    scope = Scope(
        method=f"share of outputs, {_NAMES[model]}, smoothing {smoothing:g}",
        unit="share",
        level=level,
        n_units=data.n_units,
        n_clusters=len(data.cluster_labels),
        n_raters=len(data.rater_labels),
        n_judgments=len(data.unit),
    )
    problem = _problem(data)
    if problem:
        return _no_fit(data, model, smoothing, scope, problem)
    patterns = vote_patterns(data)
    found = fit(
        patterns,
        data.n_codes,
        smoothing=smoothing,
        one_coin=model == "one_coin",
        max_iterations=max_iterations,
        tolerance=tolerance,
    )
    notes = _notes(data, patterns, found, model)
    posterior = found.posterior[patterns.of_unit]
    return LatentLabels(
        model=model,
        smoothing=smoothing,
        domain=data.domain,
        unit_labels=data.unit_labels,
        posterior=posterior,
        entropy=_entropy(found.posterior)[patterns.of_unit],
        rater_labels=_rater_labels(data, patterns),
        confusion=found.confusion,
        shares=_with_notes(_shares(data, patterns, found, model, scope, smoothing), notes),
        log_likelihood=found.log_likelihood,
        iterations=found.iterations,
        converged=found.converged,
        warnings=notes,
    )


_NAMES: dict[Model, str] = {"full": "Dawid-Skene", "one_coin": "Dawid-Skene with one accuracy a rater"}


def _problem(data: CodedRatings) -> str:
    if data.n_units == 0:
        return "There are no ratings."
    if data.n_codes < 2:
        return "The scale has one level, so there is nothing to decide."
    if not data.pairable.any():
        return "No output has two ratings, so raters' errors cannot be told from the truth."
    return ""


def _no_fit(data: CodedRatings, model: Model, smoothing: float, scope: Scope, reason: str) -> LatentLabels:
    none = tuple(Estimate.not_estimable(reason=reason, **scope.fields()) for _ in data.domain)
    counts = tuple(np.bincount(data.code, minlength=data.n_codes).tolist())
    empty = np.zeros((0, data.n_codes))
    nobody = np.zeros(0, dtype=object)
    return LatentLabels(
        model=model,
        smoothing=smoothing,
        domain=data.domain,
        unit_labels=nobody,
        posterior=empty,
        entropy=np.zeros(0),
        rater_labels=nobody,
        confusion=np.zeros((0, data.n_codes, data.n_codes)),
        shares=Distribution(data.domain, counts, none),
        log_likelihood=None,
        iterations=0,
        converged=False,
        reason=reason,
    )


def _entropy(posterior: FloatArray) -> FloatArray:
    bits = np.log2(posterior, out=np.zeros_like(posterior), where=posterior > 0)
    return np.asarray(np.abs((posterior * bits).sum(axis=1)))


def _rater_labels(data: CodedRatings, patterns: Patterns) -> ObjectArray:
    nameless = patterns.n_raters - len(data.rater_labels)
    return np.concatenate([data.rater_labels, np.array(["unknown raters"] * nameless, dtype=object)])


def _shares(
    data: CodedRatings, patterns: Patterns, found: Fitted, model: Model, scope: Scope, smoothing: float
) -> Distribution:
    """Each label's share, with the sandwich variance clustered by prompt."""
    influence, with_rates = share_influence(patterns, found, one_coin=model == "one_coin", smoothing=smoothing)
    cluster = data.cluster_of_unit
    estimates = [
        share_from_influence(float(share), column[patterns.of_unit], cluster, scope)
        for share, column in zip(found.prevalence, influence.T, strict=True)
    ]
    counts = np.bincount(data.code, minlength=data.n_codes).tolist()
    note = "" if with_rates else RATES_AS_KNOWN
    return Distribution(data.domain, tuple(counts), tuple(estimate.with_warnings(note) for estimate in estimates))


def _with_notes(shares: Distribution, notes: tuple[str, ...]) -> Distribution:
    return replace(shares, shares=tuple(estimate.with_warnings(*notes) for estimate in shares.shares))


def _notes(data: CodedRatings, patterns: Patterns, found: Fitted, model: Model) -> tuple[str, ...]:
    given = _labels_given(patterns, data.n_codes)
    notes = [
        _barely_identified(data),
        _few_labels(given, found, model),
        _switched(patterns, given, found, data.n_codes),
        "" if found.converged else f"Not converged after {found.iterations} iterations: raise max_iterations.",
        _nameless(data),
    ]
    return tuple(note for note in notes if note)


def _barely_identified(data: CodedRatings) -> str:
    few = int((data.ratings_per_unit < MIN_RATINGS).sum())
    if few <= data.n_units / 2:
        return ""
    return (
        f"{few} of {data.n_units} outputs have fewer than three ratings: the raters' error rates are barely "
        "identified, and another start could give another answer."
    )


def _few_labels(given: FloatArray, found: Fitted, model: Model) -> str:
    in_use = found.prevalence[found.prevalence > 1e-6]
    rarest = 1.0 if model == "one_coin" else float(in_use.min())
    few = int((given * rarest < MIN_LABELS).sum())
    if not few:
        return ""
    what = "labels" if model == "one_coin" else "labels for each class"
    advice = "" if model == "one_coin" else " one_coin needs fewer."
    return f"{few} of {len(given)} raters gave fewer than {MIN_LABELS} {what}: their error rates are rough.{advice}"


def _labels_given(patterns: Patterns, codes: int) -> FloatArray:
    """How many labels each rater gave."""
    weight = patterns.votes.data * np.repeat(patterns.weight, np.diff(patterns.votes.indptr))
    return np.bincount(patterns.votes.indices // codes, weight, minlength=patterns.n_raters).astype(np.float64)


def _switched(patterns: Patterns, given: FloatArray, found: Fitted, codes: int) -> str:
    """Whether the fitted classes fit the votes better under other names, or some raters are worse than chance.

    If most raters are worse than chance, the fit takes them for the good ones, and nothing in the votes can tell:
    what shows is a minority that seems to be always wrong.
    """
    label = np.tile(np.eye(codes), (patterns.n_raters, 1))
    shares = patterns.votes @ label
    shares /= shares.sum(axis=1, keepdims=True)
    together = (found.posterior * patterns.weight[:, None]).T @ shares
    row, column = linear_sum_assignment(-together)
    if together[row, column].sum() > np.trace(together) * (1 + 1e-9):
        return (
            "The labels may be switched: the fitted classes do not go with the votes of the same name. Check against "
            "known answers before use."
        )
    accuracy = np.einsum("rkk,k->r", found.confusion, found.prevalence)
    worse = int(((accuracy < 1 / codes) & (given >= MIN_LABELS)).sum())
    if not worse:
        return ""
    return (
        f"{worse} of {len(given)} raters come out worse than chance. If it is the others who are wrong, the labels are "
        "switched: check against known answers before use."
    )


def _nameless(data: CodedRatings) -> str:
    unknown = int((data.rater < 0).sum())
    if not unknown:
        return ""
    return (
        f"{unknown} of {len(data.rater)} ratings come from raters of unknown identity, who share one table of errors."
    )
