"""Settling disagreements by key, in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from annotation.adjudication_cases import cases
from annotation.models import Adjudication
from tests.annotation.test_adjudication import disagreed
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
