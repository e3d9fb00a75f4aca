"""Several labels and a slider by keyboard, and a draft of both after a reload."""

from __future__ import annotations

from playwright.sync_api import expect

from annotation.models import Rating
from tests.annotation.test_several_and_slider import FAULTS, SURE
from tests.browser.conftest import OpenPage
from tests.browser.desk import scoring_round, sit


def test_boxes_and_the_line_are_answered_by_keyboard(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round(criteria=(FAULTS, SURE), items=2, systems=1))
    expect(desk.page.locator("[data-raw-switch]").first).to_be_visible()
    desk.press("1", "3", "0")  # none of these takes the others away
    expect(desk.page.locator("input[name=c-faults]:checked")).to_have_count(1)
    desk.press("1", "3", "j", "7", "3")
    expect(desk.page.locator("[data-slider]")).to_have_value("73")
    desk.expect_saved_draft()
    desk.page.reload()
    expect(desk.page.locator("input[name=c-faults]:checked")).to_have_count(2)
    expect(desk.page.locator("[data-slider-number]")).to_have_value("73")
    desk.judge()
    desk.judge("0", "j", "x")
    kept = [(r.label, r.number, r.cannot_judge) for r in Rating.objects.order_by("id")]
    assert kept == [("tone|truth", None, False), ("", 73.0, False), ("none", None, False), ("", None, True)]
