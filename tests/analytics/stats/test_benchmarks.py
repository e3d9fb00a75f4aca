"""Words for a coefficient come from its lower limit, never from its point value."""

from __future__ import annotations

import pytest

from analytics.stats.benchmarks import SCALES, band_probabilities, benchmark
from analytics.stats.results import Estimate


def test_a_high_value_with_a_low_limit_is_not_called_high():
    wide, narrow = Estimate(0.82, 0.55, 1.0), Estimate(0.82, 0.801, 0.84)
    assert benchmark(wide).by_limit == "not reliable"
    assert benchmark(narrow).by_limit == "reliable"
    assert benchmark(Estimate(0.75, 0.67, 0.83)).by_limit == "tentative"
    assert benchmark(wide, "landis_koch").by_limit == "moderate"


def test_gwet_keeps_the_best_band_reached_with_probability_95():
    """His own example: AC1 = .775 with standard error .143 is moderate."""
    found = benchmark(Estimate(0.77544, 0.77544 - 1.959964 * 0.14295, 1.0), "landis_koch")
    assert found.by_probability == "moderate"
    assert found.bands[-1].cumulative == pytest.approx(1)


@pytest.mark.parametrize("scale", list(SCALES))
def test_bands_cover_everything_once(scale: str):
    bands = band_probabilities(0.3, 0.4, scale)
    assert sum(band.probability for band in bands) == pytest.approx(1)
    assert bands[0].high == 1
    assert bands[-1].low == -1
    assert all(upper.low == lower.high for upper, lower in zip(bands, bands[1:], strict=False))


def test_without_an_interval_there_is_no_word():
    found = benchmark(Estimate.insufficient(0.9, reason="Only 4 prompts."))
    assert (found.by_limit, found.by_probability, found.bands) == (None, None, ())
    assert found.reason == "Only 4 prompts."


def test_unknown_scales_and_impossible_errors_are_refused():
    with pytest.raises(ValueError, match="Unknown scale"):
        benchmark(Estimate(0.5, 0.4, 0.6), "cicchetti")
    with pytest.raises(ValueError, match="above zero"):
        band_probabilities(0.5, 0.0, "altman")
