"""One coefficient for each prompt, computed for all prompts at once."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._rows import Rows
from analytics.stats.coding import FloatArray, IntArray, weighted_count

Coefficient = Literal["kendall_tau_b", "spearman", "pearson"]

# More pairs of outputs than this (one prompt of 7,000 outputs) are counted by sorting, prompt after prompt.
_MAX_PAIRS = 25_000_000


class Pairs(NamedTuple):
    """Every unordered pair of rows of one prompt."""

    left: IntArray
    right: IntArray
    prompt: IntArray


def by_prompt(coefficient: Coefficient, x: FloatArray, y: FloatArray, prompt: IntArray) -> FloatArray:
    """The coefficient of each prompt 0..P-1, NaN where a side is constant, shape (prompts,)."""
    size = int(prompt.max(initial=-1)) + 1
    if coefficient == "pearson":
        found = _pearson(x, y, prompt, size)
    elif coefficient == "spearman":
        found = _pearson(ranks(x, prompt), ranks(y, prompt), prompt, size)
    else:
        found = _tau_b(x, y, prompt, size)
    varies = _varies(x, prompt, size) & _varies(y, prompt, size)
    return np.where(varies, found, np.nan)


def ranks(column: FloatArray, prompt: IntArray) -> FloatArray:
    """Mid-ranks 1..m inside each prompt."""
    order = np.lexsort((column, prompt))
    changes = (np.diff(column[order], prepend=np.nan) != 0) | (np.diff(prompt[order], prepend=-1) != 0)
    start = np.flatnonzero(changes)
    length = np.diff(start, append=len(order))
    first = np.repeat(start, length)
    size = np.bincount(prompt)
    begins = (np.cumsum(size) - size)[prompt[order]]
    found = np.empty(len(order))
    found[order] = first - begins + (np.repeat(length, length) + 1) / 2
    return found


def pairs_within(prompt: IntArray) -> Pairs:
    """All pairs of rows with the same prompt, in a loop over nothing."""
    order = np.argsort(prompt, kind="stable")
    ordered = prompt[order]
    size = np.bincount(ordered)
    position = np.arange(len(order)) - (np.cumsum(size) - size)[ordered]
    later = size[ordered] - 1 - position
    left = np.repeat(np.arange(len(order)), later)
    offset = np.arange(len(left)) - np.repeat(np.cumsum(later) - later, later)
    return Pairs(order[left], order[left + 1 + offset], ordered[left])


class Items(NamedTuple):
    """The prompt of each row, and the cluster of each prompt."""

    code: IntArray
    cluster: IntArray


def items_of(rows: Rows, item: ArrayLike | None) -> Items:
    """The prompts to rank inside: the clusters themselves, or the items named."""
    if item is None:
        return Items(rows.cluster, np.arange(rows.groups))
    code, names = rows.codes("item", item)
    cluster = np.zeros(len(names), dtype=np.int64)
    cluster[code] = rows.cluster
    clash = np.flatnonzero(cluster[code] != rows.cluster)
    if clash.size:
        raise ValueError(f"Item {names[code[clash[0]]]!r} appears in more than one cluster.")
    return Items(code, cluster)


def cluster_means(values: FloatArray, items: Items) -> tuple[FloatArray, IntArray]:
    """Mean coefficient of each cluster that has one, and the prompts that have one."""
    used = np.flatnonzero(~np.isnan(values))
    size = int(items.cluster.max(initial=-1)) + 1
    count = np.bincount(items.cluster[used], minlength=size)
    sums = weighted_count(items.cluster[used], values[used], size)
    return sums[count > 0] / count[count > 0], used


def _varies(column: FloatArray, prompt: IntArray, size: int) -> np.ndarray:
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, prompt, column)
    np.maximum.at(high, prompt, column)
    return high > low


def _pearson(x: FloatArray, y: FloatArray, prompt: IntArray, size: int) -> FloatArray:
    n = np.maximum(np.bincount(prompt, minlength=size), 1)
    x = x - (weighted_count(prompt, x, size) / n)[prompt]
    y = y - (weighted_count(prompt, y, size) / n)[prompt]
    xy, xx, yy = (weighted_count(prompt, product, size) for product in (x * y, x * x, y * y))
    return np.clip(xy / np.sqrt(np.where(xx * yy > 0, xx * yy, np.inf)), -1.0, 1.0)


def _tau_b(x: FloatArray, y: FloatArray, prompt: IntArray, size: int) -> FloatArray:
    counts = np.bincount(prompt, minlength=size).astype(np.float64)
    if float(counts @ (counts - 1)) / 2 > _MAX_PAIRS:
        return _tau_b_by_sorting(x, y, prompt, size)
    pairs = pairs_within(prompt)
    dx, dy = np.sign(x[pairs.left] - x[pairs.right]), np.sign(y[pairs.left] - y[pairs.right])
    both, of_x, of_y = (weighted_count(pairs.prompt, column, size) for column in (dx * dy, abs(dx), abs(dy)))
    return both / np.sqrt(np.where(of_x * of_y > 0, of_x * of_y, np.inf))


def _tau_b_by_sorting(x: FloatArray, y: FloatArray, prompt: IntArray, size: int) -> FloatArray:
    from scipy.stats import kendalltau  # a slow import that only this path needs

    order = np.argsort(prompt, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(prompt, minlength=size))[:-1])
    return np.asarray([kendalltau(x[rows], y[rows]).statistic if len(rows) > 1 else np.nan for rows in parts])
