"""Marking passages with the mouse, with the keyboard and by what the accessibility tree names."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from annotation.models import Rating
from tests.annotation.test_spans import ERRORS, marking_round
from tests.browser.conftest import OpenPage
from tests.browser.desk import sit

TEXT = "😀 The policy says **30 days**.\nIt says so twice."


def words_of(marks: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(TEXT[m["start"] : m["end"]], m["category"], m["severity"]) for m in marks]


def test_passages_are_marked_by_keyboard_by_mouse_and_by_names(open_page: OpenPage) -> None:
    desk = sit(open_page, marking_round(TEXT, items=3))
    page = desk.page
    state = page.locator("[data-question=c-errors] [data-state]")
    expect(page.locator("pre.raw")).to_be_visible()  # what is marked is the raw text
    # By keyboard: the third word, two words long, major.
    desk.press("m", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "2")
    expect(state).to_have_text("✓ 1 marked")
    desk.press(*["ArrowRight"] * 4, "Tab", "s", "1", "Escape")  # another category, minor
    expect(state).to_have_text("✓ 2 marked")
    desk.expect_saved_draft()
    page.reload()
    expect(state).to_have_text("✓ 2 marked")
    desk.judge()
    # With the mouse: a double click takes a word; a mark is changed, another removed.
    pre = page.locator("pre.raw")
    for x, y in ((60, 12), (30, 34)):
        pre.dblclick(position={"x": x, "y": y})
        page.locator("[data-mark-bar]").get_by_role("button", name="minor").click()
    expect(state).to_have_text("✓ 2 marked")
    page.get_by_role("listitem").first.get_by_label("Severity of this mark").select_option("major")
    page.get_by_role("listitem").last.get_by_role("button", name="Remove").click()
    expect(state).to_have_text("✓ 1 marked")
    desk.judge()
    # By names alone.
    page.get_by_text("Mark by quoting the words").click()
    group = page.get_by_role("group", name="Passage 1")
    group.get_by_role("textbox", name="Words, as they stand in the answer").fill("says")
    group.get_by_role("textbox", name="Which time they stand there").fill("2")
    group.get_by_role("combobox", name="Category").select_option("style/tone")
    page.get_by_role("button", name="Add this mark").click()
    expect(page.get_by_role("list", name="Marked passages").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Submit").click()
    desk.expect_heading("The round is finished. Thank you.")
    kept = [words_of(r.data) for r in Rating.objects.order_by("id")]
    assert kept[0] == [("policy says", "accuracy", "major"), ("days", "style/tone", "minor")]
    assert [(c, s) for _, c, s in kept[1]] == [("accuracy", "major")]
    assert kept[2] == [("says", "style/tone", "minor")]
    assert Rating.objects.order_by("id")[2].data[0]["start"] == TEXT.rindex("says")
    assert ERRORS.scope == "output"
