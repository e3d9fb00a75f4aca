"""Several answers put in order: by keys, by dragging, and through the accessibility tree."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from annotation.models import Rating
from tests.annotation.test_ranking import ENDS, ORDER, STRICT
from tests.browser.conftest import OpenPage
from tests.browser.desk import sit
from tests.factories import round_factory


def drag(page: Page, chip: str, zone: str) -> None:
    page.locator(f"[data-question=c-order] [data-chip={chip}]").hover()
    page.mouse.down()
    page.locator(f"[data-question=c-order] [data-zone='{zone}']").hover()
    page.mouse.up()


def test_a_ranking_by_keys_by_dragging_and_by_names(open_page: OpenPage) -> None:
    round_ = round_factory(mode="rank", items=3, systems=4, overlap=1, criteria=(ORDER, STRICT))
    desk = sit(open_page, round_)
    page = desk.page
    expect(page.locator("[data-question=c-order] .is-at")).to_have_count(1)
    # By keys: a place for A, B, C, D; where no two may share one, the earlier gives way.
    desk.press("2", "2", "1", "3", "1", "1", "2", "3", "4")
    expect(page.locator("[data-question=c-order] [data-state]")).to_have_text("✓ C › A = B › D")
    expect(page.locator("[data-question=c-strict] [data-state]")).to_have_text("✓ B › C › D › A")
    desk.expect_saved_draft()
    page.reload()
    expect(page.locator("[data-question=c-strict] [data-state]")).to_have_text("✓ B › C › D › A")
    desk.judge()
    # By dragging, also to change one's mind.
    for chip, zone in (("A", "1"), ("B", "3"), ("C", "2"), ("D", "4"), ("B", "1")):
        drag(page, chip, zone)
    expect(page.locator("[data-question=c-order] [data-state]")).to_have_text("✓ A = B › C › D")
    desk.press("j", "1", "2", "3", "4")
    desk.judge()
    # By what the accessibility tree names.
    for question, places in (("Rank the answers.", "4321"), ("Rank them without ties.", "2143")):
        group = page.get_by_role("group", name=question)
        for letter, place in zip("ABCD", places, strict=True):
            group.get_by_role("radio", name=f"{letter}: place {place} of 4").check()
    page.get_by_role("button", name="Submit").click()
    desk.expect_heading("The round is finished. Thank you.")
    kept = list(Rating.objects.order_by("id").values_list("data", flat=True))
    assert kept == [
        [[2], [0, 1], [3]], [[1], [2], [3], [0]],
        [[0, 1], [2], [3]], [[0], [1], [2], [3]],
        [[3], [2], [1], [0]], [[1], [0], [3], [2]],
    ]  # fmt: skip


def test_the_best_and_the_worst_by_keys_and_by_dragging(open_page: OpenPage) -> None:
    desk = sit(open_page, round_factory(mode="rank", items=2, systems=4, overlap=1, criteria=(ENDS,)))
    page = desk.page
    state = page.locator("[data-question=c-ends] [data-state]")
    expect(page.locator("[data-question=c-ends] .is-at")).to_have_count(1)
    desk.press("2", "2", "1", "4")  # the second “2” takes it from the best, which is asked for again
    expect(state).to_have_text("✓ Best A, Worst D")
    desk.judge()
    for chip, zone in (("C", "best"), ("A", "worst")):
        page.locator(f"[data-chip={chip}]").hover()
        page.mouse.down()
        page.locator(f"[data-zone={zone}]").hover()
        page.mouse.up()
    expect(state).to_have_text("✓ Best C, Worst A")
    desk.judge()
    kept = list(Rating.objects.order_by("id").values_list("data", flat=True))
    assert kept == [{"best": 0, "worst": 3}, {"best": 2, "worst": 0}]
