"""The curve over ε as a page shows it: steps, table and words agree."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from analytics.report_epsilon import epsilon_curve

TEST: dict[str, Any] = {
    "annotators": [{}, {}, {}, {}],
    "curve": [{"epsilon": e, "winning_rate": rate} for e, rate in ((0.0, 0.0), (0.1, 0.25), (0.2, 0.75))],
    "passes_from": 0.2,
}


def test_the_curve_and_its_table_say_the_same() -> None:
    curve = epsilon_curve("judge", TEST)
    assert curve is not None
    assert curve.rows[1:] == [("0.10", "1 of 4", "25 %", "does not pass"), ("0.20", "3 of 4", "75 %", "passes")]
    x, y, further, level = curve.drawn.steps[0]
    assert (x, y, further, level) == ("0.00%", "100.00%", "25.00%", "100.00%")
    assert curve.drawn.steps[-1][3] == "25.00%"
    shown = render_to_string("analytics/_epsilon_curve.html", {"curve": curve})
    assert "passes from ε = 0.20 on" in shown
    assert "style=" not in shown


def test_without_anybody_to_test_there_is_no_curve() -> None:
    assert epsilon_curve("judge", {"annotators": [], "curve": [], "passes_from": None}) is None
    assert epsilon_curve("judge", {}) is None
    never = epsilon_curve("judge", {**TEST, "passes_from": None})
    assert never is not None
    assert "at no ε" in never.description
