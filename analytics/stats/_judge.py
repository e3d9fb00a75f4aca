"""A judge's values by unit, brought beside the human ratings of the same units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.stats._rows import numbers
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, as_column


def judge_values(unit: ArrayLike, value: ArrayLike, human: CodedRatings) -> tuple[IntArray, NDArray[Any]]:
    """Codes of the human units that the judge answered, and its answers. Missing answers and other units are left
    out. Raises ValueError if a unit has two answers or lengths differ."""
    units, values = as_column("unit", unit), as_column("label", value)
    if len(units) != len(values):
        raise ValueError(f"unit has {len(units)} entries, label {len(values)}.")
    given = ~np.asarray(pd.isna(values), dtype=np.bool_)
    names, people = _comparable(units[given], human.unit_labels)
    values = values[given]
    if names.has_duplicates:
        raise ValueError("A unit has more than one label of the metric.")
    found = people.get_indexer(names)
    return found[found >= 0].astype(np.int64), values[found >= 0]


def level_codes(values: NDArray[Any], human: CodedRatings) -> IntArray:
    """Codes of the human scale's levels, -1 for an answer that is no level of it."""
    domain = pd.Index(np.asarray(human.domain, dtype=object))
    code, distinct = pd.factorize(values)  # a scale has few levels: only they are looked up one by one
    plain = np.asarray([_plain(value) for value in distinct], dtype=object)
    return domain.get_indexer(pd.Index(plain))[code].astype(np.int64)


def require_same_kind(values: NDArray[Any], human: CodedRatings) -> None:
    """Raise ValueError where text stands against numbers: it would count as wrong everywhere, in silence."""
    if human.n_units == 0 or not len(values):
        return
    distinct = pd.unique(values)
    text = [value for value in distinct if isinstance(value, str)]
    if human.is_numeric and text:
        raise ValueError(f"The people gave numbers and the judge gave text ({text[0]!r}): convert the judge's values.")
    if not human.is_numeric and len(text) < len(distinct):
        number = next(value for value in distinct if not isinstance(value, str))
        raise ValueError(f"The people gave labels and the judge gave numbers ({number!r}): convert its values.")


def judge_numbers(values: NDArray[Any], human: CodedRatings) -> FloatArray:
    """The judge's values as numbers. Raises ValueError where either side is text."""
    human.values()
    return numbers("judge", values)


def _plain(value: Any) -> Any:
    """Booleans and numbers as floats, as in a coded domain."""
    return float(value) if isinstance(value, bool | int | float | np.number | np.bool_) else value


def _comparable(*columns: NDArray[Any]) -> tuple[pd.Index[Any], ...]:
    """Labels of units as whole numbers where all columns are such (fast), else as text."""
    whole = all(pd.api.types.infer_dtype(column) == "integer" for column in columns)
    return tuple(pd.Index(column.astype(np.int64 if whole else str)) for column in columns)
