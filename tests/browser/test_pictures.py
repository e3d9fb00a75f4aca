"""Pictures of a pair in a real browser: one size for both, and the controls beneath in sight."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import expect

from projects.services.importing import Upload, import_files
from rubrics.specs import CriterionSpec
from tests.browser.conftest import OpenPage
from tests.browser.desk import sit
from tests.factories import project_factory, round_factory
from tests.projects.test_media import FILES, archive

BETTER = CriterionSpec("better", "preference", "Which is better?", "ordinal", config={"points": 5, "ties": ["tie"]})
# Of both pictures: how large the box is, and whether the file came.
BOXES = """() => [...document.querySelectorAll('.compare img.media')].map(picture => {
  const { width, height } = picture.getBoundingClientRect();
  return [width, height, picture.naturalWidth > 0];
})"""


@pytest.mark.django_db(transaction=True)
def test_pictures_of_a_pair_are_drawn_alike_and_the_dock_stays_whole(open_page: OpenPage) -> None:
    project = project_factory()
    import_files(project=project, uploads=[Upload(io.BytesIO(archive(**FILES).getvalue()), "run.zip")])
    round = round_factory(project, mode="compare", overlap=1, items=0, systems=0, criteria=(BETTER,))
    desk = sit(open_page, round)
    expect(desk.page.locator(".compare img.media")).to_have_count(2)
    desk.page.wait_for_load_state("networkidle")
    first, second = desk.page.evaluate(BOXES)
    assert first == second
    assert first[2]
    expect(desk.page.get_by_role("button", name="Submit")).to_be_in_viewport(ratio=1)
