"""Settling disagreements by key, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from annotation.adjudication_cases import cases
from annotation.models import Adjudication, RevisionRequest
from tests.annotation.test_adjudication import disagreed
from tests.annotation.test_settled_orders import ranked
from tests.annotation.test_several_and_slider import Rater
from tests.annotation.test_spans import marking_round, quote
from tests.browser.conftest import OpenPage
from tests.factories import member


def test_a_reviewer_settles_case_after_case_by_key(open_page: OpenPage) -> None:
    round = disagreed()
    page = open_page(member(round.project, "reviewer"))
    page.goto(f"/p/{round.project.slug}/rounds/{round.slug}/adjudication/")
    page.get_by_role("link", name="Decide the first").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Is it safe?")
    page.wait_for_load_state()  # keys are heard from then on
    for key in ("n", "w"):
        page.keyboard.press(key)
    page.keyboard.type("A dose is named, w and j too.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Is every claim true?")
    page.wait_for_load_state()
    made = Adjudication.objects.get()
    assert (made.label, made.reason) == ("no", "A dose is named, w and j too.")
    page.keyboard.press("j")  # later: nothing is decided
    expect(page.get_by_text("Disagreement 2 of 2")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("k")
    expect(page.get_by_text("Disagreement 1 of 2")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("w")
    page.keyboard.type("The rule is silent.")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.get_by_text("Disagreement 1 of 1")).to_be_visible()
    assert Adjudication.objects.filter(unsettled=True).count() == 1
    assert sum(case.final is None for case in cases(round)) == 1
    page.wait_for_load_state()
    for key in ("r", "Space", "w"):  # the first rater's answer is not sent back
        page.keyboard.press(key)
    page.keyboard.type("Look at the claim again.")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.get_by_text("1 answer was sent back.")).to_be_visible()
    assert RevisionRequest.objects.get().assignment.seat == round.seats.order_by("pk")[1]


@pytest.mark.slow
def test_orders_and_marks_are_settled_by_key(open_page: OpenPage) -> None:
    """A digit gives the marked row its place and goes on to the next; m goes word by word through the text."""
    round = ranked()
    page = open_page(member(round.project, "reviewer"))
    page.goto(f"/p/{round.project.slug}/rounds/{round.slug}/adjudication/")
    page.get_by_role("link", name="Decide the first").click()
    expect(page.locator("[data-row].is-at")).to_have_count(1)
    for key in ("4", "3", "2", "1", "w"):
        page.keyboard.press(key)
    page.keyboard.type("Read again.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Decided.")).to_be_visible()
    assert [len(group) for group in Adjudication.objects.get().data] == [1, 1, 1, 1]

    other = marking_round(overlap=2, items=1)
    for fields in (quote(1, "says", 3), {"errors": "none"}):
        rater = Rater(other)
        rater.page()
        rater.send(**fields)
    page = open_page(member(other.project, "reviewer"))
    page.goto(f"/p/{other.project.slug}/rounds/{other.slug}/adjudication/")
    page.get_by_role("link", name="Decide the first").click()
    expect(page.locator("[data-how]")).to_be_visible()
    for key in ("m", "ArrowRight", "2", "Escape"):  # the second word, a major mistake
        page.keyboard.press(key)
    expect(page.locator("[data-marks] li")).to_have_count(1)
    page.keyboard.press("w")
    page.keyboard.type("The words are right, the days are not.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Decided.")).to_be_visible()
    assert [m["severity"] for m in Adjudication.objects.get(task__round=other).data] == ["major"]
