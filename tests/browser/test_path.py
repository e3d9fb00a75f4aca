"""The whole path in the browser: a file becomes a rubric, a round, judgments of two people, and a report.

Nothing is set up beforehand but the first account, as `create_lead` makes it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import FilePayload, Page, expect

from annotation.models import Judgment, Round
from projects.models import Membership
from tests.browser.conftest import OpenPage

PASSWORD = "several words in a row"
PROMPTFOO = Path(__file__).resolve().parents[3] / "shared/data/formats/promptfoo/output.json"
LEVELS = (("1", "Wrong", "It would mislead."), ("2", "Partly", "Something is missing."), ("3", "Right", "All true."))


def small_csv() -> FilePayload:
    """Five questions answered by two systems, with a score and a latency."""
    lines = ["item,prompt,system,output,latency_ms,relevance"]
    for n in range(5):
        for system in ("Harbor-1", "Harbor-2"):
            lines.append(f"q{n},What is {n} + {n}?,{system},It is **{2 * n}**.,{100 + n},0.{n + 3}")
    return FilePayload(name="nightly.csv", mimeType="text/csv", buffer="\n".join(lines).encode())


def promptfoo_file() -> FilePayload:
    if not PROMPTFOO.exists():
        pytest.skip("promptfoo's sample file is not on this machine: shared/data/formats/promptfoo/output.json")
    return FilePayload(name="output.json", mimeType="application/json", buffer=PROMPTFOO.read_bytes())


@pytest.mark.parametrize(
    ("make_file", "recognised"),
    [
        pytest.param(small_csv, "CSV", marks=pytest.mark.slow, id="csv"),
        pytest.param(promptfoo_file, "promptfoo", id="promptfoo"),
    ],
)
def test_from_a_file_to_a_report(
    open_page: OpenPage, tmp_path: Path, make_file: type[FilePayload], recognised: str
) -> None:
    file = make_file()
    lead = first_lead(open_page, tmp_path)
    make_project(lead)
    import_file(lead, file, recognised)
    make_rubric(lead)
    open_round(lead)
    for name in ("Bob Keller", "Carol Ames"):
        rater = open_page()
        join(rater, invite(lead), name)
        judge_ten(rater)
    read_report(lead)


def first_lead(open_page: OpenPage, folder: Path) -> Page:
    secret = folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    call_command("create_lead", "alice@example.org", name="Alice Moreau", password_file=str(secret), verbosity=0)
    page = open_page()
    page.goto("/")
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Start with a question")
    return page


def make_project(page: Page) -> None:
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name").fill("Harbor")
    page.get_by_role("button", name="Make project").click()
    expect(page.locator(".sidenav")).to_contain_text("Overview")


def import_file(page: Page, file: FilePayload, recognised: str) -> None:
    go_to(page, "Import")
    page.get_by_label("File of your evaluation tool").set_input_files(files=[file])
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("Recognised as")).to_contain_text(recognised)
    page.get_by_role("button", name=re.compile("^Import .*5 items")).click()
    page.get_by_role("link", name="Look at the items").click()
    expect(page.locator("table.data tbody tr")).to_have_count(5)


def make_rubric(page: Page) -> None:
    go_to(page, "Rubrics")
    page.get_by_role("link", name="Make a rubric").click()
    page.get_by_label("Name").fill("Answer quality")
    page.get_by_label("The first question").fill("Is the answer correct?")
    page.get_by_label("Answer", exact=True).select_option("scale")
    page.get_by_role("button", name="Make rubric").click()
    while page.locator("[name=level_value]").count() > len(LEVELS):
        page.get_by_role("button", name=re.compile("Remove level")).last.click()
    for n, (value, label, anchor) in enumerate(LEVELS):
        page.locator("[name=level_value]").nth(n).fill(value)
        page.locator("[name=level_label]").nth(n).fill(label)
        page.locator("[name=level_anchor]").nth(n).fill(anchor)
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.locator("#preview")).to_contain_text("Something is missing.")
    page.get_by_role("link", name="Publish version 1").click()
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.locator("#main")).to_contain_text("Published")


def open_round(page: Page) -> None:
    go_to(page, "Rounds")
    page.get_by_role("link", name=re.compile("round", re.IGNORECASE)).last.click()
    page.get_by_label("Name", exact=True).fill("First round")
    for box in page.locator("[name=systems]").all():
        box.check()
    page.get_by_label("Raters for each task").fill("2")
    page.get_by_role("button", name="Plan round").click()
    page.get_by_role("link", name="Open…").click()
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#main")).to_contain_text("Open")
    assert Round.objects.get().state == Round.State.OPEN


def invite(page: Page) -> str:
    go_to(page, "People")
    page.get_by_label("Role", exact=True).select_option("rater")
    page.get_by_role("button", name="Make invitation link").click()
    return page.locator("#invitation-link").input_value()


def join(page: Page, link: str, name: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail").fill(f"{name.split()[0].lower()}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make account and join").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your rounds")
    assert Membership.objects.filter(user__name=name, role="rater").exists()


def judge_ten(page: Page) -> None:
    page.get_by_role("link", name="Start").click()
    expect(page.locator("[data-raw-switch]").first).to_be_visible()  # the script has begun
    for n in range(10):
        expect(page.locator(".topbar")).to_contain_text(f"{n + 1} of ")
        page.keyboard.press(str(n % 3 + 1))
        page.keyboard.press("Enter")
    # A small round is finished then; a larger one says that the tenth is saved and goes on.
    expect(page.get_by_text("Thank you.").or_(page.get_by_text("Judgment 10 saved"))).to_be_visible()


def read_report(page: Page) -> None:
    assert Judgment.objects.filter(current=True).count() == 20
    go_to(page, "Reports")
    page.get_by_role("button", name="Build a report").click()
    report = page.locator("article.report")
    expect(report.get_by_role("heading", level=1)).not_to_be_empty()
    agreement = report.locator("#agreement")
    expect(agreement).to_contain_text("Krippendorff")
    expect(agreement.locator("tbody").first).to_contain_text(re.compile(r"\d"))
    expect(report.locator("#scores")).to_contain_text("Is the answer correct?")
    expect(report.locator("#raters tbody").first.locator("tr")).to_have_count(2)
    expect(report).not_to_contain_text("Bob Keller")
    with page.expect_download() as download:
        page.locator("summary", has_text="Take it along").click()
        page.get_by_role("link", name="JSON", exact=True).click()
    assert "krippendorff" in Path(download.value.path()).read_text(encoding="utf-8").lower()


def go_to(page: Page, name: str) -> None:
    page.locator(".sidenav").get_by_role("link", name=name).first.click()
    expect(page.locator(".sidenav [aria-current]")).to_contain_text(name)
