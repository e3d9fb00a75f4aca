"""A rubric's whole way by keyboard alone: built from nothing, published, changed, compared, and carried as YAML into
another project; and what a pilot suggests, opened in the designer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from annotation.models import Round
from projects.models import Membership
from rubrics.changes import Kind, Meaning, changes
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.yaml_form import yaml_of
from tests.browser.conftest import OpenPage
from tests.browser.demo_pages import demo_lead
from tests.factories import member, project_factory

pytestmark = pytest.mark.slow
KEYS_A_SECOND = 4  # of somebody who types with all fingers and reads what comes
MINUTES = 5
FOCUSED = """() => (e => e === document.body ? '' : [
  e.name, e.value, e.labels?.[0]?.innerText, e.getAttribute('aria-label'), e.innerText,
].join('|'))(document.activeElement)"""


@dataclass
class Hands:
    """Somebody without a mouse, whose keys are counted."""

    page: Page
    keys: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def write(self, words: str) -> None:
        self.page.keyboard.type(words)
        self.keys += len(words)

    def to(self, wanted: str, key: str = "Tab") -> None:
        """On to what says so: its name, its value, its label or its words."""
        for _ in range(120):
            self.press(key)
            if wanted in self.page.evaluate(FOCUSED):
                return
        raise AssertionError(f"no {key} leads to {wanted}")

    def fill(self, wanted: str, words: str) -> None:
        self.to(wanted)
        self.press("Control+a")
        self.write(words)

    def follow(self, wanted: str, address: str) -> None:
        self.to(wanted)
        self.press("Enter")
        self.page.wait_for_url(address)
        self.page.wait_for_load_state()

    def add(self, title: str, question: str) -> None:
        """A criterion of that type."""
        self.to("new_type")
        self.write(title)
        self.press("Tab", "Enter")
        expect(self.page.locator("[name=question]")).to_be_focused()
        self.page.wait_for_load_state()
        self.write(question)


def built(hands: Hands) -> None:
    """Five questions, as a support team would ask them."""
    page = hands.page
    hands.fill("Name", "Support answer quality")
    hands.fill("What it is for", "Answers to customers.")
    hands.fill("The first question", "Is every claim true?")
    hands.press("Enter")
    page.wait_for_url("**/rubrics/support-answer-quality/")
    page.wait_for_load_state()
    hands.fill("guidance", "Look each claim up in the policy.")
    for label, anchor in (
        ("Wrong", "A claim is false."),
        ("Partly", "A detail is."),
        ("True", "All of it is."),
    ):
        hands.fill("level_label", label)
        hands.fill("level_anchor", anchor)
    hands.add("Yes", "Does it do what was asked?")
    hands.fill("guidance", "Yes where nothing that was asked is missing.")
    hands.add("Several", "Which faults of tone has it?")
    for label, value, anchor in (
        ("Curt", "curt", "No greeting, no thanks."),
        ("Stiff", "stiff", "Office words."),
    ):
        hands.fill("level_value", value)
        hands.fill("level_label", label)
        hands.fill("level_anchor", anchor)
    hands.add("Slider", "How sure could the customer be?")
    for anchor in ("Not at all.", "As after a guess.", "As after looking it up."):
        hands.fill("level_anchor", anchor)
    hands.add("Text", "What would you change?")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved")


def version(number: int) -> RubricVersion:
    return RubricVersion.objects.get(rubric__slug="support-answer-quality", number=number, rubric__project__slug="one")


def published(hands: Hands, number: int) -> None:
    hands.follow("Publish", "**/publish/")
    hands.follow(f"Publish version {number}", "**/v*/")
    assert version(number).is_frozen


def test_a_rubric_from_nothing_to_another_project_by_keys_alone(open_page: OpenPage) -> None:
    one, two = project_factory("One"), project_factory("Two")
    lead = member(one, "lead")
    Membership.objects.create(project=two, user=lead, role="lead")
    page = open_page(lead)
    page.goto("/p/one/rubrics/new/")
    page.wait_for_load_state()
    hands = Hands(page)
    built(hands)
    published(hands, 1)
    by_hand = hands.keys / KEYS_A_SECOND
    assert by_hand < MINUTES * 60, f"{hands.keys} keys"
    spec = spec_of(version(1))
    assert [c.type for c in spec.criteria] == ["scale", "yes_no", "several_of", "slider", "text"]
    assert [level.anchor for level in spec.criteria[0].levels][1] == "A detail is."
    assert [level.anchor for level in spec.criteria[3].levels][2] == "As after looking it up."

    changed(hands)
    carried(hands)


def changed(hands: Hands) -> None:
    """An anchor in a new version: what differs, and what it means."""
    page = hands.page
    hands.to("New version")
    hands.press("Enter")
    page.wait_for_url("**/rubrics/support-answer-quality/")
    page.wait_for_load_state()
    hands.to("level_anchor")
    hands.fill("level_anchor", "A detail or a number is wrong.")
    expect(page.locator("[data-saved]")).to_have_text("Draft saved")
    published(hands, 2)
    page.goto("/p/one/rubrics/support-answer-quality/changes/")
    main = page.locator("main")
    for words in ("A detail", "or a number", "the anchor of 2", "Comparable with care"):
        expect(main).to_contain_text(words)
    [change] = changes(spec_of(version(1)), spec_of(version(2)))
    assert (change.kind, change.meaning) == (Kind.ANCHOR, Meaning.WITH_CARE)


def carried(hands: Hands) -> None:
    """The file of the YAML tab, put into another project."""
    page = hands.page
    page.goto("/p/one/rubrics/support-answer-quality/yaml/")
    page.wait_for_load_state()
    hands.to("Download")
    with page.expect_download() as download:
        hands.press("Enter")
    page.goto("/p/two/rubrics/new/")
    page.wait_for_load_state()
    hands.to("From a YAML file")
    hands.press("Enter")
    hands.to("file")  # the window in which a file is chosen is the system's
    page.locator("input[type=file]").set_input_files(download.value.path())
    hands.follow("Make it from the file", "**/p/two/rubrics/support-answer-quality/")
    twin = RubricVersion.objects.get(rubric__project__slug="two")
    assert yaml_of(spec_of(twin)) == yaml_of(spec_of(version(2)))


def test_what_a_pilot_suggests_opens_in_the_designer_by_keys(open_page: OpenPage) -> None:
    lead: User = demo_lead()
    page = open_page(lead)
    before = RubricVersion.objects.count()
    pilot = Round.objects.select_related("project").get(slug="pilot")
    page.goto(f"/p/{pilot.project.slug}/rounds/pilot/doctor/")
    page.wait_for_load_state()
    hands = Hands(page)
    hands.to("Join the two levels in a draft")
    hands.press("Enter")
    page.wait_for_url("**/rubrics/**criterion=**")
    expect(page.locator("[data-editor]")).to_be_visible()
    assert RubricVersion.objects.count() == before + 1
