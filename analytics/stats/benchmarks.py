"""Words for a coefficient of agreement, from its lower limit or from the probability of each band.

Never from the point value: .82 with an interval from .55 is not “almost perfect”. Names of bands are
conventions, not findings; the numbers beside them are what was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from scipy.special import ndtr

from analytics.stats.intervals import z_quantile
from analytics.stats.results import Estimate

Scale = Literal["landis_koch", "altman", "fleiss", "krippendorff"]

# Bands from the best down, each with its lower bound; the last begins at -1.
SCALES: dict[Scale, tuple[tuple[str, float], ...]] = {
    # Landis & Koch, Biometrics 33, 1977.
    "landis_koch": (
        ("almost perfect", 0.8),
        ("substantial", 0.6),
        ("moderate", 0.4),
        ("fair", 0.2),
        ("slight", 0.0),
        ("poor", -1.0),
    ),
    # Altman, Practical Statistics for Medical Research, 1991.
    "altman": (("very good", 0.8), ("good", 0.6), ("moderate", 0.4), ("fair", 0.2), ("poor", -1.0)),
    # Fleiss, Statistical Methods for Rates and Proportions, 1981.
    "fleiss": (("excellent", 0.75), ("intermediate to good", 0.4), ("poor", -1.0)),
    # Krippendorff, Content Analysis, 2019, ch. 12.
    "krippendorff": (("reliable", 0.8), ("tentative", 0.667), ("not reliable", -1.0)),
}
# Gwet keeps the best band that is reached with this probability.
MEMBERSHIP = 0.95


@dataclass(frozen=True)
class Band:
    """A band of a scale: the probability that the true value lies in it, and in it or a better one."""

    name: str
    low: float
    high: float
    probability: float
    cumulative: float


@dataclass(frozen=True)
class Benchmark:
    """`by_limit` is the band of the lower limit, `by_probability` the best band reached with probability .95.

    Both are None where there is no interval, with the reason.
    """

    scale: Scale
    bands: tuple[Band, ...]
    by_limit: str | None
    by_probability: str | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "bands": [vars(band) for band in self.bands],
            "by_limit": self.by_limit,
            "by_probability": self.by_probability,
            "reason": self.reason,
        }


def benchmark(estimate: Estimate, scale: Scale = "krippendorff") -> Benchmark:
    """What may be said of an agreement coefficient on a named scale.

    The standard error is read off the distance to the lower limit, which is never clipped, with the normal
    quantile. Raises ValueError for an unknown scale. Source: Gwet, Handbook of Inter-Rater Reliability, 4th
    ed. 2014, ch. 6 (interval membership probabilities).
    """
    if scale not in SCALES:
        raise ValueError(f"Unknown scale {scale!r}: use {', '.join(SCALES)}.")
    if estimate.value is None or estimate.low is None:
        return Benchmark(scale, (), None, None, estimate.reason)
    error = (estimate.value - estimate.low) / z_quantile(estimate.level)
    bands = band_probabilities(estimate.value, error, scale)
    lower = estimate.low
    by_limit = next((name for name, bound in SCALES[scale] if lower >= bound), SCALES[scale][-1][0])
    reached = next(band.name for band in bands if band.cumulative >= MEMBERSHIP or band is bands[-1])
    return Benchmark(scale, bands, by_limit, reached)


def band_probabilities(value: float, error: float, scale: Scale) -> tuple[Band, ...]:
    """The probability of each band for a coefficient with this standard error: normal, cut off at -1 and 1."""
    if not (math.isfinite(value) and error > 0):
        raise ValueError(f"Need a finite value and a standard error above zero; got {value} and {error}.")
    above = 1.0
    whole = _between(value, error, -1.0, 1.0)
    bands, cumulative = [], 0.0
    for name, bound in SCALES[scale]:
        probability = _between(value, error, bound, above) / whole
        cumulative = min(1.0, cumulative + probability)
        bands.append(Band(name, bound, above, probability, cumulative))
        above = bound
    return tuple(bands)


def _between(value: float, error: float, low: float, high: float) -> float:
    return float(ndtr((value - low) / error) - ndtr((value - high) / error))
