"""WCAG 2.2 AA by axe-core: every page of raters and leads, wide and narrow, light and dark."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotation.models import Round
from annotation.services.rounds import round_close
from projects.models import ItemRevision
from projects.rendering import render_prompt
from rubrics.services import guideline_publish
from tests.browser.axe import everywhere, opened
from tests.browser.conftest import OpenPage
from tests.browser.demo_pages import OF_NOBODY, addresses, demo_lead, demo_rater, rater_addresses, report_files
from tests.browser.desk import Desk, comparing_round, scoring_round
from tests.browser.test_reading import LEFT, RIGHT, SOURCES, write
from tests.browser.watch import Watch
from tests.factories import member, project_factory
from tests.permission_world import build
from tests.test_permissions import PAGES, parameters
from tools.shots_screens import add_picture, follow

LOOKS = [(1440, "light"), (390, "dark")]  # each width and each scheme once; all four are in the slow test


def test_the_rating_pages_have_no_violation(open_page: OpenPage) -> None:
    project = project_factory()
    guideline = guideline_publish(project=project, text="# Read\n\nAll of it.", actor=None)
    compare = comparing_round(project=project, guideline=guideline, options={"rating": {"ask_confidence": True}})
    ItemRevision.objects.update(html=render_prompt([{"role": "user", "content": "Which?"}], SOURCES))
    write([f"By [1]: {LEFT}", f"```json\n{{}}\n```\n{RIGHT}"])
    score = scoring_round(project=project)
    rater = member(project, "rater")
    page = open_page(rater)
    page.goto(f"/rate/{compare.public_id}/")
    expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
    found = everywhere(page, LOOKS)
    desk = Desk(page, compare, rater).open()
    desk.press("d")
    found += everywhere(desk.page, LOOKS)
    desk.press("Escape", "ArrowLeft", "3", "Enter", "Enter")
    desk.expect_place(2, 3)
    for address in ("history", "guidelines"):
        desk.page.goto(f"/rate/{compare.public_id}/{address}/")
        found += everywhere(desk.page, LOOKS)
    desk.page.goto("/rate/")
    found += everywhere(desk.page, LOOKS)
    scoring = Desk(desk.page, score, desk.rater).open()
    desk.press("Enter")  # two questions need an answer
    found += everywhere(scoring.page, LOOKS)
    desk.press("s")
    found += everywhere(scoring.page, LOOKS[1:])
    round_close(round=score, actor=None)
    scoring.open()
    found += everywhere(scoring.page, LOOKS)
    assert found == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("person", ["lead", "rater"])
def test_no_page_has_a_violation(open_page: OpenPage, watch: Watch, person: str) -> None:
    watch.allow("status of")
    world = build()
    page = open_page()
    _log_in(page, watch, world.sessions[person])
    found: list[str] = []
    seen: set[str] = set()
    for row in PAGES:
        if row.method == "GET" and person in row.who and row.but.get(person, row.status) == 200:
            found += _page(page, row.name, world.own, seen)
    assert found == []


def _log_in(page: Page, watch: Watch, session: str) -> None:
    host = re.sub(r"^https?://|:\d+.*$", "", watch.host)
    cookie = {"name": "adjudge_session", "value": session, "domain": host, "path": "/"}
    page.context.add_cookies([cookie])  # type: ignore[list-item]


def _page(page: Page, name: str, own: dict[str, Any], seen: set[str]) -> list[str]:
    address = reverse(name, kwargs={part: own[part] for part in parameters(name)})
    headers = page.request.get(address).headers
    if "html" not in headers.get("content-type", "") or "attachment" in headers.get("content-disposition", ""):
        return []
    return _at(page, address, seen)


def _at(page: Page, address: str, seen: set[str]) -> list[str]:
    page.goto(address)
    expect(page.locator("body")).to_be_visible()
    return opened(page, seen)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nothing_in_the_demonstration_study_has_a_violation(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 40[49]")
    lead = demo_lead()
    page, found, seen = open_page(lead), list[str](), set[str]()
    for address in addresses(lead):
        found += _at(page, address, seen)
    for text in report_files():
        page.goto("about:blank")
        page.set_content(text)
        found += opened(page, seen, LOOKS)  # what the report's page shows, with the file's own styles
    nobody = open_page()
    for name in OF_NOBODY:
        found += _at(nobody, reverse(name), seen)
    person = demo_rater()
    rater = open_page(person)
    for address in rater_addresses():
        found += _at(rater, address, seen)
    for slug in ("second-look", "preference"):
        found += opened(Desk(rater, Round.objects.get(slug=slug), person).open().page, seen)
    assert found == []


WRONG = ("projects:new", "projects:import", "projects:people", "rubrics:new", "rubrics:guidelines",
         "annotation:round_new", "annotation:exclusion", "annotation:case", "accounts:tokens")  # fmt: skip


WRONGLY = """form => {
  for (const one of form.querySelectorAll("input:not([type=hidden], [type=checkbox]), textarea")) {
    one.value = one.type === "email" ? "nobody" : "";
  }
  HTMLFormElement.prototype.submit.call(form);
}"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_a_form_says_is_wrong_has_no_violation(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 422")
    world = build()
    page, found, seen = open_page(), list[str](), set[str]()
    _log_in(page, watch, world.sessions["lead"])
    for name in WRONG:
        page.goto(reverse(name, kwargs={part: world.own[part] for part in parameters(name)}))
        with page.expect_navigation():
            page.locator("main form[novalidate]").first.evaluate(WRONGLY)
        expect(page.locator(".field-error, [role=alert]").first).to_be_visible()
        found += opened(page, seen)
    assert found == []


PASTED = "email,languages,qualifications\njo@example.org,de,expert\nnobody,,\nkim@example.org,Basque,"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_is_asked_before_an_act_has_no_violation(open_page: OpenPage, watch: Watch) -> None:
    """Pages that only an answer to a form shows: plans, previews, links that were made."""
    watch.allow("status of 422")
    page, found, seen = open_page(demo_lead()), list[str](), set[str]()

    def press(name: str) -> None:
        page.get_by_role("button", name=name).first.click()
        nonlocal found
        expect(page.locator("h1")).to_be_visible()
        found += opened(page, seen)

    for name in ("Add to a round", "Put first in a round", "Leave out of new rounds", "Bring back", "Put on"):
        page.goto("/p/brambleway/items/")
        page.locator("#tag-name").fill("checked")
        page.locator("input[name=all]").check()
        press(name)
        if page.get_by_role("button", name="Go on").count():
            press("Go on")
    page.goto("/p/brambleway/people/list/")
    page.get_by_label("E-mail addresses").fill(PASTED)
    press("Check the list")
    press("Invite 1 person")
    page.goto("/p/brambleway/rounds/preference/add-raters/")
    page.get_by_label("E-mail addresses").fill(PASTED)
    press("Check the list")
    press("Add these people")
    page.goto("/p/brambleway/files/")
    add_picture(page)
    follow("td a")(page)
    press("Replace")
    assert found == []
