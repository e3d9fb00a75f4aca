"""Cross-products of a sparse table with few numbers in each row, without a matrix library's threads.

On a server with as many workers as processors, threads of BLAS wait for each other longer than this takes.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from analytics.stats.coding import FloatArray

# Products made at a time, if there are fewer sums: small enough for the processor's cache.
_BLOCK = 100_000


def cross_products(table: csr_array, weights: FloatArray | None = None) -> FloatArray:
    """table' diag(w) table for each column w of `weights` (rows, n): shape (n, columns, columns); once without them.

    Every two numbers of a row are multiplied, for many rows of one length at once. `table` may hold a cell in parts.
    """
    length, size = np.diff(table.indptr), table.shape[1]
    every = np.ones((len(length), 1)) if weights is None else weights
    once = np.zeros((every.shape[1], size * size))
    for many in np.unique(length[length > 0]).tolist():
        one, other = np.triu_indices(many, 1)
        rows = np.flatnonzero(length == many)
        step = max(1, max(_BLOCK, size * size) // max(1, len(one)))
        for some in (rows[at : at + step] for at in range(0, len(rows), step)):
            cells = table.indptr[some] + np.arange(many)[:, None]
            value, column = table.data[cells], table.indices[cells].astype(np.int64)
            product, pair = value[one] * value[other], (column[one] * size + column[other]).ravel()
            for index, total in enumerate(once):
                weighted = product if weights is None else product * weights[some, index]
                total += np.bincount(pair, weighted.ravel(), minlength=size * size)
    square = once.reshape(-1, size, size)
    own = csr_array((table.data**2, table.indices, table.indptr), shape=table.shape).T @ every
    return np.asarray(square + square.transpose(0, 2, 1) + own.T[:, :, None] * np.eye(size))


def cost(table: csr_array, weights: int) -> float:
    """How many products that takes."""
    length = np.diff(table.indptr).astype(np.float64)
    return float(weights * (length @ (length + 1)) / 2)
