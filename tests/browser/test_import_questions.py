"""Importing in a real browser: what the file does not say is asked; a cancelled import leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from projects.models import ImportBatch, Metric
from tests.browser.conftest import OpenPage
from tests.browser.test_path import first_lead, go_to, make_project, small_csv


@pytest.mark.slow
def test_questions_are_answered_and_an_import_is_cancelled(open_page: OpenPage, tmp_path: Path) -> None:
    page = first_lead(open_page, tmp_path)
    make_project(page)
    look_at_the_file(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("nightly.csv was not imported")).to_be_visible()
    assert not ImportBatch.objects.exists()
    look_at_the_file(page)
    page.get_by_label("Which way is better: relevance").select_option("higher")
    page.get_by_label("Lowest value of relevance").fill("0")
    page.get_by_label("Highest value of relevance").fill("1")
    page.get_by_role("button", name="Import 5 items").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Imported")
    metric = Metric.objects.get()
    assert (metric.key, metric.direction, metric.scale_min, metric.scale_max) == ("relevance", "higher", 0.0, 1.0)
    assert ImportBatch.objects.count() == 1


def look_at_the_file(page: Page) -> None:
    go_to(page, "Import")
    page.get_by_label("File of your evaluation tool").set_input_files(files=[small_csv()])
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("heading", name="What the file does not say")).to_be_visible()
