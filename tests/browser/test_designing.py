"""The designer in a real browser: built by keys alone, saved while typing, moved by keys and by dragging, and two
people at one draft."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from projects.models import Project
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.services import rubric_create
from tests.browser.conftest import OpenPage
from tests.browser.watch import Watch
from tests.factories import member, project_factory
from tests.rubrics.helpers import SPEC, url


def _tab_to(page: Page, wanted: str) -> None:
    """Tab on until what has the focus says so: its label, its words or its value."""
    said = "() => (e => [e.name, e.value, e.labels?.[0]?.innerText, e.innerText].join('|'))(document.activeElement)"
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted in page.evaluate(said):
            return
    raise AssertionError(f"no Tab leads to {wanted}")


def _type(page: Page, wanted: str, words: str) -> None:
    _tab_to(page, wanted)
    page.keyboard.press("Control+a")
    page.keyboard.type(words)


def _saved(page: Page) -> None:
    expect(page.locator("[data-saved]")).to_have_text("Draft saved")


def test_a_rubric_is_built_from_nothing_by_keys_alone(open_page: OpenPage) -> None:
    project = project_factory("Desk")
    page = open_page(member(project, "lead"))
    page.goto(f"/p/{project.slug}/rubrics/new/")
    _type(page, "Name", "Support answer quality")
    _type(page, "The first question", "Is the answer correct?")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rubrics/support-answer-quality/")
    for label, anchor in (
        ("Wrong", "A central claim is false."),
        ("Partly", "A detail is."),
        ("Right", "All is true."),
    ):
        _type(page, "level_label", label)
        _type(page, "level_anchor", anchor)
    _tab_to(page, "Add a level")
    page.keyboard.press("Enter")
    expect(page.locator("[name=level_label]").nth(3)).to_be_focused()  # where one goes on
    page.keyboard.type("Right and complete")
    _type(page, "level_anchor", "Nothing is left out either.")
    page.locator("[data-row] .grip").first.wait_for()
    _tab_to(page, "new_type")
    page.keyboard.type("Yes")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[name=question]")).to_be_focused()
    page.keyboard.type("Could the customer act on it?")
    _saved(page)
    version = RubricVersion.objects.get()
    assert [c.key for c in spec_of(version).criteria] == ["is-the-answer-correct", "could-the-customer-act-on-it"]
    first = spec_of(version).criteria[0]
    assert [level.label for level in first.levels] == ["Wrong", "Partly", "Right", "Right and complete"]
    page.reload()
    grip = page.get_by_role("button", name="Move “Could the customer act on it?”")
    grip.focus()
    page.keyboard.press("ArrowUp")
    expect(grip).to_be_focused()
    expect(page.locator("[data-moved]")).to_contain_text("place 1 of 2")
    _saved_order(page, version, ["could-the-customer-act-on-it", "is-the-answer-correct"])
    page.set_viewport_size({"width": 1440, "height": 1600})
    other = page.locator("[data-row]").nth(1)
    box, below = grip.bounding_box(), other.bounding_box()
    assert box is not None
    assert below is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(below["x"] + 5, below["y"] + below["height"] + 5, steps=4)
    page.mouse.up()
    _saved_order(page, version, ["is-the-answer-correct", "could-the-customer-act-on-it"])


def _saved_order(page: Page, version: RubricVersion, order: list[str]) -> None:
    for _ in range(60):
        if [c.key for c in spec_of(version).criteria] == order:
            break
        page.wait_for_timeout(100)
    assert [c.key for c in spec_of(version).criteria] == order
    _saved(page)


@pytest.mark.slow
def test_two_people_at_one_criterion_see_both_texts_and_choose(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 409")
    project: Project = project_factory("Desk")
    draft = rubric_create(project=project, spec=SPEC, actor=None)
    one, two = open_page(member(project, "lead")), open_page(member(project, "lead"))
    for page in (one, two):
        page.goto(url(draft) + "?criterion=correct")
        page.wait_for_load_state()
    one.locator("[name=question]").fill("Is it true, says one?")
    _saved(one)
    # Another criterion is no clash: both stand.
    two.goto(url(draft) + "?criterion=why")
    two.wait_for_load_state()
    one.locator("[name=guidance]").fill("Look twice.")
    _saved(one)
    two.locator("[name=question]").fill("Why so?")
    expect(two.locator("[data-saved]")).to_contain_text("Somebody else changed other parts")
    two.goto(url(draft) + "?criterion=correct")
    two.wait_for_load_state()
    one.locator("[name=question]").fill("Is it true?")
    expect(one.locator("[data-saved]")).to_contain_text("Draft saved")
    two.locator("[name=question]").fill("Is all of it true, says two?")
    two.get_by_role("button", name="See both texts").click()
    clashes = two.locator(".clashes")
    expect(clashes).to_contain_text("Is it true?")
    expect(clashes).to_contain_text("Is all of it true, says two?")
    assert spec_of(draft).criterion("correct").question == "Is it true?"  # nothing yet
    two.get_by_role("button", name="Save mine").click()
    two.wait_for_url("**criterion=correct")
    spec = spec_of(draft)
    assert spec.criterion("correct").question == "Is all of it true, says two?"
    assert (spec.criterion("correct").guidance, spec.criterion("why").question) == ("Look twice.", "Why so?")
