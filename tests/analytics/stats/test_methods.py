"""The methods page is the registry's, word for word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from analytics.stats import methods
from analytics.stats.metric import Design, Invariance, Kind, merged
from analytics.stats.registry import METRICS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "methods.md"


def test_the_committed_page_is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == methods.page(), (
        "run: python -m analytics.stats.methods > docs/methods.md"
    )


def test_every_statistic_has_its_place_on_the_page():
    text = methods.page()
    assert [name for name in METRICS if f"- Name: `{name}`" not in text] == []
    assert [name for name, metric in METRICS.items() if len(methods.description(metric)) < 20] == []


def test_every_word_of_the_registry_is_explained():
    assert set(methods.TITLES) == set(get_args(Kind))
    assert set(methods.DESIGNS) == set(get_args(Design))
    assert set(methods.UNCHANGED) == set(get_args(Invariance))


def test_a_change_of_the_registry_changes_the_page(monkeypatch: pytest.MonkeyPatch):
    before = methods.page()
    monkeypatch.setitem(METRICS, "holm", replace(METRICS["holm"], source="Somebody else"))
    assert methods.page() != before


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="Registered twice: holm"):
        merged({"holm": METRICS["holm"]}, {"holm": METRICS["holm"]})
