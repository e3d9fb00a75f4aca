"""The one vectorised core: long rating tables become integer codes, and codes become count matrices.

Rows are sorted by (unit, code), so every count below is a run length: no per-item loop, and no sort after
the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]
# A column of names: as numpy has it, or text as pandas keeps it.
LabelColumn = NDArray[Any] | pd.api.extensions.ExtensionArray
Measurement = Literal["nominal", "ordinal", "interval", "ratio"]
MEASUREMENTS: tuple[Measurement, ...] = ("nominal", "ordinal", "interval", "ratio")

_NUMERIC_KINDS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal"}


class Cells(NamedTuple):
    """The non-zero cells n_uc of the unit x category count matrix, sorted by unit and category."""

    unit: IntArray
    code: IntArray
    n: FloatArray


@dataclass(frozen=True, eq=False)
class CodedRatings:
    """One criterion's ratings as integer codes; make it with `code_ratings`.

    `unit`, `rater` (-1: identity unknown) and `code` have one entry per rating, sorted by (unit, code);
    `cluster_of_unit` has one per unit. `domain[code]` is the value. `n_missing` ratings were blank,
    `n_repeats` were superseded by a later rating of the same rater on the same unit.
    """

    unit: IntArray
    code: IntArray
    rater: IntArray
    cluster_of_unit: IntArray
    unit_labels: ObjectArray
    cluster_labels: ObjectArray
    rater_labels: ObjectArray
    domain: tuple[float, ...] | tuple[str, ...]
    domain_declared: bool
    n_missing: int
    n_repeats: int

    @property
    def n_units(self) -> int:
        return len(self.cluster_of_unit)

    @property
    def n_codes(self) -> int:
        return len(self.domain)

    @property
    def is_numeric(self) -> bool:
        return not self.domain or isinstance(self.domain[0], float)

    @cached_property
    def cluster_names(self) -> tuple[ObjectArray, IntArray]:
        """The labels of the prompts as text, sorted, and the codes they belong to."""
        names = self.cluster_labels.astype(str)
        order = np.argsort(names, kind="stable")
        return np.asarray(names[order]), order

    @cached_property
    def ratings_per_unit(self) -> IntArray:
        """m_u, shape (units,)."""
        return np.bincount(self.unit, minlength=self.n_units)

    @cached_property
    def pairable(self) -> BoolArray:
        """Units with two ratings or more, shape (units,)."""
        return self.ratings_per_unit >= 2

    @cached_property
    def cells(self) -> Cells:
        key = self.unit * max(self.n_codes, 1) + self.code
        first = np.flatnonzero(np.diff(key, prepend=-1))
        count = np.diff(first, append=len(key)).astype(np.float64)
        return Cells(self.unit[first], self.code[first], count)

    def values(self) -> FloatArray:
        """The numbers of the domain, shape (codes,). Raises ValueError when the levels are labels."""
        if not self.is_numeric:
            raise ValueError(f"The levels are labels, not numbers: {', '.join(map(str, self.domain[:5]))}.")
        return np.asarray(self.domain, dtype=np.float64)

    def counts(self) -> FloatArray:
        """The dense count matrix n_uc, shape (units, codes): for short domains only."""
        dense = np.zeros((self.n_units, self.n_codes))
        dense[self.cells.unit, self.cells.code] = self.cells.n
        return dense

    def require(self, measurement: Measurement) -> None:
        """Raise ValueError unless these values can be read at this level of measurement."""
        if measurement not in MEASUREMENTS:
            raise ValueError(f"Unknown level of measurement {measurement!r}: use {', '.join(MEASUREMENTS)}.")
        if measurement == "nominal" or self.is_numeric:
            negative = [x for x in self.domain if isinstance(x, float) and x < 0]
            if measurement == "ratio" and negative:
                raise ValueError(f"A ratio scale has no values below zero; found {negative[0]:g}.")
            return
        if measurement == "ordinal" and self.domain_declared:
            return  # the declared order of the labels is the order
        sample = ", ".join(repr(value) for value in self.domain[:3])
        raise ValueError(
            f"Values at the {measurement} level must be numbers (or, if ordinal, levels of a declared "
            f"ordered domain); found text: {sample}."
        )


def code_ratings(
    unit: ArrayLike,
    cluster: ArrayLike | None,
    rater: ArrayLike,
    value: ArrayLike,
    domain: Sequence[float] | Sequence[str] | None = None,
    *,
    rater_known: ArrayLike | None = None,
    keep_repeats: bool = False,
) -> CodedRatings:
    """Encode a long table of ratings of one criterion.

    Arguments are one-dimensional and of one length, one entry per rating. `unit` is what was rated (an
    output, a pair), `cluster` its prompt (None: each unit its own). A missing `value` (None, NaN) is
    dropped, 0 is a value. `domain` declares the levels: numbers are ordered as numbers whatever order they
    come in, labels as declared; without it the domain is what was observed. Raters with no name, or with
    `rater_known` False, are kept apart: they count for agreement, never for rater statistics. Of one known
    rater's ratings of one unit the last row is kept; with `keep_repeats` all are, as replicates (Dawid and
    Skene's model reads them so; for agreement they would be a rater agreeing with himself).

    Raises ValueError: lengths differ, a value outside the domain or not finite, numbers mixed with text, a
    unit in two clusters.
    """
    values = as_column("value", value)
    columns = {"unit": unit, "cluster": unit if cluster is None else cluster, "rater": rater}
    labels = {name: label_column(name, column) for name, column in columns.items()}
    one_length(**labels, value=values)
    known = known_raters(labels["rater"], rater_known)
    missing = np.asarray(pd.isna(values), dtype=np.bool_)
    if missing.any():
        values, known = values[~missing], known[~missing]
        labels = {name: column[~missing] for name, column in labels.items()}
    codes, levels = _encode_values(values, domain)
    units, unit_labels = coded_labels(labels["unit"], "A rating has no unit.")
    clusters, cluster_labels = coded_labels(labels["cluster"], "A rating has no cluster.")
    raters, rater_labels = coded_raters(labels["rater"], known)
    latest = np.arange(len(units)) if keep_repeats else _latest(units, raters, len(rater_labels))
    order = latest[np.argsort((units * max(len(levels), 1) + codes)[latest], kind="stable")]
    return CodedRatings(
        unit=units[order],
        code=codes[order],
        rater=raters[order],
        cluster_of_unit=_cluster_of_unit(units, clusters, unit_labels),
        unit_labels=unit_labels,
        cluster_labels=cluster_labels,
        rater_labels=rater_labels,
        domain=levels,
        domain_declared=domain is not None,
        n_missing=int(missing.sum()),
        n_repeats=len(units) - len(latest),
    )


def weighted_count(code: IntArray, weight: ArrayLike, size: int) -> FloatArray:
    """Sum of weights per code 0..size-1, shape (size,)."""
    sums = np.bincount(code, np.asarray(weight, dtype=np.float64), minlength=size)
    return np.asarray(sums, dtype=np.float64)


def as_column(name: str, values: Any) -> NDArray[Any]:
    """A one-dimensional array (numbers stay numbers, everything else is an object array)."""
    if isinstance(values, np.ndarray):
        array: NDArray[Any] = values
    elif isinstance(values, pd.Series | pd.Index):
        array = values.to_numpy()
    else:
        array = pd.Series(list(values), dtype=object).infer_objects().to_numpy()
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional; its shape is {array.shape}.")
    return array if array.dtype.kind in "biuf" else np.asarray(array, dtype=object)


def label_column(name: str, values: Any) -> LabelColumn:
    """As `as_column`, for names: text and categories of pandas stay as they are, since making a Python string of every
    row would cost more than all that is done with them."""
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical(values)
    if isinstance(dtype, pd.StringDtype):
        return pd.Series(values).astype("str").array  # one kind of text: missing is NaN
    return as_column(name, values)


def one_length(**columns: Any) -> None:
    """Raises ValueError unless all columns have the same number of rows."""
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise ValueError(f"All columns must have one length; found {lengths}.")


def known_raters(rater: LabelColumn, rater_known: ArrayLike | None) -> BoolArray:
    """Whether each row's rater has a name, and is known where `rater_known` says so."""
    named = ~np.asarray(pd.isna(rater), dtype=np.bool_)
    if rater.dtype.kind not in "biuf":
        named &= np.asarray(rater != "", dtype=np.bool_)
    if rater_known is None:
        return named
    flags = np.asarray(rater_known, dtype=np.bool_)
    if flags.shape != named.shape:
        raise ValueError(f"rater_known has shape {flags.shape}, the other columns {named.shape}.")
    return np.asarray(named & flags, dtype=np.bool_)


def coded_labels(column: LabelColumn, missing: str) -> tuple[IntArray, ObjectArray]:
    """Codes in the sorted order of the labels, so that row order cannot change a result.

    Raises ValueError with the sentence `missing` where a row has no label.
    """
    if pd.isna(column).any():
        raise ValueError(missing)
    if isinstance(column, pd.Categorical):  # sorted by their names, whatever order the categories have
        given, categories = distinct(column)
        codes, labels = coded_labels(np.asarray(categories), missing)
        return codes[given], labels
    if column.dtype == object and pd.api.types.infer_dtype(column) not in {"string", "integer", "empty"}:
        column = np.asarray([str(label) for label in column], dtype=object)  # mixed types do not sort
    codes, labels = distinct(column)
    if not pd.Index(labels).is_monotonic_increasing:
        order = labels.argsort()
        codes, labels = np.argsort(order)[codes], labels[order]
    return codes, np.asarray(labels, dtype=object)


def distinct(column: LabelColumn) -> tuple[IntArray, Any]:
    """Codes in order of appearance, -1 where missing, and what they stand for."""
    values: Any = column  # either kind of column is accepted, which the types of pandas do not say
    codes, labels = pd.factorize(values)
    return codes.astype(np.int64, copy=False), labels


def coded_raters(rater: LabelColumn, known: BoolArray) -> tuple[IntArray, ObjectArray]:
    """The same for raters, -1 where `known` is False."""
    if known.all():
        return coded_labels(rater, "")
    codes = np.full(len(rater), -1, dtype=np.int64)
    codes[known], labels = coded_labels(rater[known], "")
    return codes, labels


def _latest(unit: IntArray, rater: IntArray, n_raters: int) -> IntArray:
    """Row numbers to keep: the last rating of each known rater on each unit, every rating of unknown
    raters."""
    known = np.flatnonzero(rater >= 0)
    key = unit[known] * max(n_raters, 1) + rater[known]
    superseded = pd.Series(key).duplicated(keep="last").to_numpy()
    keep = np.ones(len(unit), dtype=np.bool_)
    keep[known[superseded]] = False
    return np.flatnonzero(keep)


def _cluster_of_unit(unit: IntArray, cluster: IntArray, labels: ObjectArray) -> IntArray:
    found = np.zeros(len(labels), dtype=np.int64)
    found[unit] = cluster
    clash = np.flatnonzero(found[unit] != cluster)
    if clash.size:
        raise ValueError(f"Unit {labels[unit[clash[0]]]!r} appears in more than one cluster (prompt).")
    return found


def _encode_values(
    value: NDArray[Any], domain: Sequence[float] | Sequence[str] | None
) -> tuple[IntArray, tuple[float, ...] | tuple[str, ...]]:
    numeric = _is_numeric(value, "values")
    if numeric:
        value = value.astype(np.float64)
        if not np.isfinite(value).all():
            raise ValueError("A rating is infinite: values must be finite numbers.")
    levels = _declared_levels(domain) if domain is not None else _observed_levels(value, numeric)
    if levels and len(value) and isinstance(levels[0], float) != numeric:
        raise _outside(value[0], levels)
    codes = pd.Index(np.asarray(levels, dtype=np.float64 if numeric else object)).get_indexer(pd.Index(value))
    outside = np.flatnonzero(codes < 0)
    if outside.size:
        raise _outside(value[outside[0]], levels)
    return codes.astype(np.int64), levels


def _outside(value: Any, levels: Sequence[Any]) -> ValueError:
    accepted = ", ".join(repr(level) for level in levels)
    plain = value.item() if isinstance(value, np.generic) else value
    return ValueError(f"Value {plain!r} is outside the declared domain: {accepted}.")


def _is_numeric(values: Any, what: str) -> bool:
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return True
    kind = pd.api.types.infer_dtype(array, skipna=True)
    if kind not in _NUMERIC_KINDS | {"string", "empty"}:
        raise ValueError(f"The {what} must be all numbers or all text; found {kind}.")
    return kind in _NUMERIC_KINDS


def _observed_levels(value: NDArray[Any], numeric: bool) -> tuple[float, ...] | tuple[str, ...]:
    if numeric:
        return tuple(np.unique(value).tolist())
    return tuple(sorted(set(value.tolist())))


def _declared_levels(domain: Sequence[float] | Sequence[str]) -> tuple[float, ...] | tuple[str, ...]:
    plain = list(domain)
    if len(set(plain)) != len(plain):
        raise ValueError(f"The domain repeats a level: {plain}.")
    if not plain:
        raise ValueError("The domain is empty: declare at least one level.")
    if _is_numeric(np.asarray(plain, dtype=object), "levels of the domain"):
        return tuple(sorted(np.asarray(plain, dtype=np.float64).tolist()))
    return tuple(str(level) for level in plain)
