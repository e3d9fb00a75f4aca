"""The lead's lists on a phone: nothing is cut off, and a table that is wider than its card says so."""

from __future__ import annotations

import pytest

from analytics.services import report_build
from projects.models import Metric
from tests.browser.conftest import OpenPage
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
