"""A conversation judged turn by turn by keyboard: the turn that is asked about is marked, and comes into view."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from annotation.models import FreeText, Rating
from projects.models import OutputRevision
from projects.rendering import render_output
from tests.annotation.test_turns import SAYS, TALK, WHY, talk
from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.desk import comparing_round, scoring_round, sit
from tests.factories import CORRECT, OVERALL

LONG = [*TALK, talk("And if it is broken?", "user"), talk("Then send it back at any time. " * 60)]
SHOTS = os.environ.get("TURNS_SHOTS")


def look(page: Page, name: str) -> None:
    """Pictures for people, where `TURNS_SHOTS` names a folder."""
    for width in (1440, 390) if SHOTS else ():
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png")
    page.set_viewport_size({"width": 1440, "height": 900})


@pytest.mark.slow
def test_a_conversation_is_judged_turn_by_turn_by_keyboard(open_page: OpenPage) -> None:
    round_ = scoring_round(criteria=(SAYS, WHY, CORRECT), items=2, systems=1)
    OutputRevision.objects.update(html=render_output("", LONG))
    desk = sit(open_page, round_)
    page = desk.page
    expect(page.locator("[data-raw-switch]").first).to_be_visible()
    expect(page.locator("#o0t0.is-asked")).to_have_count(1)
    expect(page.locator("[data-shown-field]:visible")).to_have_count(0)
    desk.press("y", "n")
    expect(page.locator(".is-asked")).to_have_count(1)
    expect(page.locator("#o0t2.is-asked")).to_be_in_viewport()
    expect(page.locator("[data-shown-field]:visible")).to_have_count(1)
    look(page, "one")
    assert violations(page) == []
    desk.expect_saved_draft()
    page.reload()
    expect(page.locator("input[type=radio]:checked")).to_have_count(2)
    desk.press("y", "2", "k", "k")
    expect(page.locator("[name=c-why-o0t1]")).to_be_focused()
    page.keyboard.type("Nobody says so.")
    page.keyboard.press("Escape")
    desk.judge()
    assert list(Rating.objects.order_by("target").values_list("target", "number")) == [
        ("", 2.0), ("o0t0", 1.0), ("o0t1", 0.0), ("o0t2", 1.0),
    ]  # fmt: skip
    assert FreeText.objects.get().target == "o0t1"


@pytest.mark.slow
def test_two_conversations_are_judged_turn_by_turn(open_page: OpenPage) -> None:
    round_ = comparing_round(criteria=(SAYS, OVERALL), items=1)
    OutputRevision.objects.update(html=render_output("", LONG))
    desk = sit(open_page, round_)
    expect(desk.page.locator("#o0t0.is-asked")).to_have_count(1)
    desk.press("y", "y", "y")
    expect(desk.page.locator("#o1t0.is-asked")).to_have_count(1)
    box, dock = desk.page.locator(".criterion.is-current").bounding_box(), desk.page.locator(".dock").bounding_box()
    assert box is not None
    assert dock is not None
    assert box["y"] + box["height"] <= dock["y"], "the question does not lie under the decision"
    look(desk.page, "two")
    assert violations(desk.page) == []
    desk.judge("y", "y", "y", "ArrowLeft")
    assert Rating.objects.filter(target__startswith="o1t").count() == 3
