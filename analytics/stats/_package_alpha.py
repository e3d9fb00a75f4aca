"""The only module that imports the `krippendorff` package (GPL-3.0-or-later; see docs/licences.md).

Reports print its point value; without it, or beyond its memory, the caller falls back to our own core, which
tests hold equal to 1e-12.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from analytics.stats.coding import CodedRatings, Measurement

# The package builds units x codes x codes arrays; beyond this many cells (about 160 MB each) our core is
# used.
_MAX_CELLS = 20_000_000


def _load() -> Any:
    try:
        return import_module("krippendorff")
    except ImportError:
        return None


def package_alpha(data: CodedRatings, measurement: Measurement) -> tuple[float, str] | None:
    """Alpha by the `krippendorff` package and the package's name and version.

    None if it is not installed or the table is too large for it. The caller has checked that alpha is
    defined.
    """
    package = _load()
    if package is None or data.n_units * data.n_codes**2 > _MAX_CELLS:
        return None
    domain = data.values() if data.is_numeric else np.arange(data.n_codes, dtype=np.float64)
    counts = data.counts()[data.pairable].astype(np.int64)
    value = package.alpha(value_counts=counts, value_domain=domain, level_of_measurement=measurement)
    return float(value), f"krippendorff {version('krippendorff')}"
