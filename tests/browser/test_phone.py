"""The lead's lists on a phone: nothing is cut off, and a table that is wider than its card says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from analytics.services import report_build
from projects.models import Metric
from tests.browser.conftest import OpenPage
from tests.browser.desk import comparing_round, sit
from tests.factories import member, round_factory

PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}
# How far a list goes beyond its card, and the shade at the card's edge.
BEYOND = "() => Math.max(...[...document.querySelectorAll('.table-wrap')].map(w => w.scrollWidth - w.clientWidth))"
SHADE = "() => getComputedStyle(document.querySelector('.card > .table-wrap')).backgroundAttachment"


@pytest.mark.django_db(transaction=True)
def test_lists_fit_and_wider_tables_show_that_they_go_on(open_page: OpenPage) -> None:
    round_ = round_factory(items=2, systems=2, overlap=2)
    project, lead = round_.project, member(round_.project, "lead")
    member(project, "rater")
    report_build(round=round_, actor=lead)
    Metric.objects.create(project=project, key="a_rather_long_name_of_a_metric", kind="number", direction="higher")
    page = open_page(lead, **PHONE)
    for address in ("items", "rounds", "people", "reports", ""):
        page.goto(f"/p/{project.slug}/{address}{'/' if address else ''}")
        assert page.locator(".table-wrap tbody tr").count(), address
        assert page.evaluate(BEYOND) <= 0, address
        assert page.get_by_role("row").count() > page.locator("tbody tr").count(), f"{address}: no longer a table"
    page.goto(f"/p/{project.slug}/scores/")
    assert page.evaluate(BEYOND) > 0
    assert page.evaluate(SHADE) == "local, local, scroll, scroll"


# Which of the two answers fills the window.
IN_VIEW = """() => [...document.querySelectorAll('.compare > .sheet')].filter(side => {
  const { left, right } = side.getBoundingClientRect();
  return left >= -1 && right <= innerWidth + 1;
}).map(side => side.id)"""


@pytest.mark.django_db(transaction=True)
def test_a_pair_is_rated_with_one_thumb(open_page: OpenPage) -> None:
    desk = sit(open_page, comparing_round(), has_touch=True, **PHONE)
    page, strip = desk.page, desk.page.get_by_role("navigation", name="Parts of the task")
    a, b = strip.get_by_role("link", name="Go to A"), strip.get_by_role("link", name="Go to B")
    expect(a).to_have_attribute("aria-current", "true")
    assert page.evaluate(IN_VIEW) == ["side-a"]
    b.tap()
    expect(b).to_have_attribute("aria-current", "true")
    assert page.evaluate(IN_VIEW) == ["side-b"]
    page.evaluate("() => document.querySelector('.compare').scrollTo({ left: 0, behavior: 'instant' })")  # a swipe
    expect(a).to_have_attribute("aria-current", "true")
    small = [
        control.inner_text()
        for control in [*strip.get_by_role("link").all(), *page.locator(".pref label").all()]
        if (box := control.bounding_box()) is None or box["height"] < 44 or box["width"] < 44
    ]
    assert small == []
    strip.get_by_role("link", name="Decide").tap()
    page.locator(".pref label", has_text="A better").tap()
    page.get_by_role("button", name="Submit").tap()
    desk.expect_place(2, 3)
    assert page.evaluate("() => scrollY") == 0
    assert page.evaluate(IN_VIEW) == ["side-a"]


@pytest.mark.django_db(transaction=True)
def test_without_scripts_a_pair_stands_one_above_the_other(open_page: OpenPage) -> None:
    desk = sit(open_page, comparing_round(), java_script_enabled=False, **PHONE)
    tops = [desk.page.locator(f"#side-{side}").bounding_box() for side in "ab"]
    assert tops[0] is not None
    assert tops[1] is not None
    assert tops[1]["y"] >= tops[0]["y"] + tops[0]["height"]
