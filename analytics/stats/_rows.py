"""Columns of numbers, one row an output, with the prompt that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.stats.coding import BoolArray, FloatArray, IntArray, ObjectArray, as_column


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows without a missing number. `kept` (given rows,) says which of the rows given they are."""

    columns: tuple[FloatArray, ...]
    cluster: IntArray
    groups: int
    kept: BoolArray

    def __len__(self) -> int:
        return len(self.cluster)

    def codes(self, name: str, column: ArrayLike) -> tuple[IntArray, ObjectArray]:
        """Codes and labels of another column of the rows given, on the rows that are kept."""
        values = as_column(name, column)
        same_lengths(**{name: values, "cluster": self.kept})
        return codes(name, values[self.kept])


def complete_rows(cluster: ArrayLike, **columns: ArrayLike) -> Rows:
    """Rows where every column has a number. A missing one (None, NaN) drops the row.

    Clusters are coded in the sorted order of their labels, so that draws do not depend on the order of rows.
    Raises ValueError: lengths differ, text, an infinite number, a row without a cluster.
    """
    found = {name: numbers(name, column) for name, column in columns.items()}
    label = as_column("cluster", cluster)
    same_lengths(**found, cluster=label)
    kept = np.ones(len(label), dtype=np.bool_)
    for column in found.values():
        kept &= ~np.isnan(column)
    code, labels = codes("cluster", label[kept])
    return Rows(tuple(column[kept] for column in found.values()), code, len(labels), kept)


def numbers(name: str, column: ArrayLike) -> FloatArray:
    """A column of floats, NaN where missing. Raises ValueError on text and infinities."""
    try:
        found = np.asarray(pd.to_numeric(as_column(name, column)), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"The {name} values must be numbers: {error}.") from error
    if np.isinf(found).any():
        raise ValueError(f"A {name} value is infinite: use finite numbers, or None where there is none.")
    return found


def same_lengths(**columns: Any) -> None:
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise ValueError(f"Lengths differ: {lengths}.")


def codes(name: str, column: ArrayLike) -> tuple[IntArray, ObjectArray]:
    """Integer codes in the sorted order of the labels, and the labels as text; whole numbers are sorted as such."""
    values = as_column(name, column)
    if values.dtype.kind in "iu":
        return _whole_numbers(values)
    if pd.isna(values).any():
        raise ValueError(f"A row has no {name}.")
    code, labels = pd.factorize(values.astype(str), sort=True)
    return code.astype(np.int64), np.asarray(labels, dtype=object)


def _whole_numbers(values: IntArray) -> tuple[IntArray, ObjectArray]:
    """The same, without sorting the rows where the numbers are codes already."""
    if len(values) and values.min() >= 0 and values.max() < 2 * len(values):
        used = np.bincount(values) > 0
        labels = np.flatnonzero(used)
        code = values if len(labels) == len(used) else (np.cumsum(used) - 1)[values]
    else:
        labels, code = np.unique(values, return_inverse=True)
    return code.astype(np.int64), np.asarray(labels.astype(str), dtype=object)
