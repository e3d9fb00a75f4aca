"""Which screens `make shots` takes: name, who looks, address, and what is done before the picture."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import FilePayload, Page

DEMO = "/p/brambleway/"
Act = Callable[[Page], None]


@dataclass(frozen=True)
class Screen:
    """`whole`: the whole page, else what fits the window. `status`: what the address answers. `needs`: the screens
    whose acts must have been done before."""

    name: str
    role: str  # whose log-in; "" is nobody
    url: str
    acts: tuple[Act, ...] = ()
    whole: bool = True
    status: int = 200
    needs: tuple[str, ...] = ()


def click(name: str, role: str = "link", nth: int = 0) -> Act:
    return lambda page: page.get_by_role(role, name=name).nth(nth).click()  # type: ignore[arg-type]


def follow(selector: str, nth: int = 0) -> Act:
    return lambda page: page.locator(selector).nth(nth).click()


def unfold(page: Page) -> None:
    page.locator("article.report").wait_for()
    page.evaluate("() => document.querySelectorAll('article details').forEach((each) => { each.open = true; })")


def press(*keys: str) -> Act:
    def act(page: Page) -> None:
        page.locator("[data-raw-switch]").first.wait_for(state="visible")  # the script has begun
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(150)

    return act


def judge(*keys: str) -> Act:
    """Answer and submit; a second time where the screen asks whether it was read."""

    def act(page: Page) -> None:
        press(*keys, "Enter")(page)
        if page.locator("[data-missing][data-asked]").count():
            press("Enter")(page)

    return act


def in_card(title: str, name: str) -> Act:
    return lambda page: page.locator(".card", has_text=title).get_by_role("link", name=name).click()


def enter(title: str) -> Act:
    """The rater's round of that title, through the first page."""
    return lambda page: (
        page.locator(".card", has_text=title)
        .get_by_role("link", name="Start")
        .or_(page.locator(".card", has_text=title).get_by_role("link", name="Go on"))
        .first.click()
    )


def rate(title: str) -> Act:
    """The same, past the instructions, which come once."""

    def act(page: Page) -> None:
        enter(title)(page)
        if (start := page.get_by_role("button", name="Start judging")).count():
            start.click()

    return act


def same_tab(page: Page) -> None:
    address = page.get_by_role("link", name="Guidelines").get_attribute("href") or "/"
    page.goto(address)


def up(page: Page) -> None:
    page.goto(page.url.removesuffix("history/"))


PEOPLE = "Ines Roth <ines@example.org>\njo@example.org; kim@example.org\nnot an address\njo@example.org"


def fill(label: str, text: str) -> Act:
    return lambda page: page.get_by_label(label).fill(text)


def tag_all(page: Page) -> None:
    page.locator("#tag-name").fill("checked")
    page.locator("input[name=all]").check()


def open_invitation(page: Page) -> None:
    page.goto(page.locator("#invitation-link").input_value())


def open_rater_link(page: Page) -> None:
    page.goto(page.locator("#rater-link-1").input_value())


def upload(page: Page) -> None:
    rows = [
        {"item": f"week-{n}", "prompt": f"What is in the box of week {n}?", "system": system, "output": "Leeks.",
         "latency_ms": 90 + n, "relevance": "n/a" if n == 3 else 0.5 + n / 20, "note from chef": "x"}
        for n in range(8)
        for system in ("sprout-3", "sprout-2")
    ]  # fmt: skip
    rows.append({"item": "", "prompt": "?", "system": "sprout-3", "output": "No item."})
    body = "\n".join(json.dumps(row) for row in rows).encode()
    file = FilePayload(name="nightly.jsonl", mimeType="application/jsonl", buffer=body)
    page.locator("input[type=file]").set_input_files(files=[file])
    page.get_by_role("button", name="Read the file").click()


# A white square of 8 by 8.
SQUARE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP8zwABTAwUMQBJQQEPkWFcdwAAAABJRU5ErkJggg=="
)


def add_picture(page: Page) -> None:
    file = FilePayload(name="box.png", mimeType="image/png", buffer=SQUARE)
    page.locator("input[type=file]").set_input_files(files=[file])
    page.get_by_role("button", name="Add files").click()


SCORING_STUDY = """\
project: brambleway
rubric:
  name: Support answer quality, next
  criteria:
    - key: correct
      question: Is the answer correct?
      guidance: Judge by the source, not by what you happen to know.
      type: scale
      level_of_measurement: ordinal
      levels:
        - {value: 1, label: Wrong, anchor: Following it would cost the customer money or time.}
        - {value: 2, label: Mostly wrong, anchor: The main step is wrong or missing.}
        - {value: 3, label: Partly right, anchor: The main step is right; a detail the customer relies on is wrong.}
        - {value: 4, label: Mostly right, anchor: One slip that does not change what the customer does.}
        - {value: 5, label: Right, anchor: Every step and figure is right.}
    - {key: act, question: "Could the customer act on it without asking again?", type: yes_no, cannot_judge: true}
    - {key: minutes, question: "How long would it take them?", type: number, unit: minutes, required: false}
    - {key: why, question: "Why?", type: text, required: false}
guidelines: |
  - Read the question and the source before the answer.
  - Length is no merit.
round: {name: Scores, title: "Support answers: scores", mode: score, overlap: 2, seed: 7, state: open}
"""
SHORT_STUDY = """\
project: brambleway
rubric: support-answer-quality
round: {name: Short, title: "Support answers: a single task", mode: score, overlap: 1, cap_per_rater: 1, state: open}
"""
STUDIES = (SCORING_STUDY, SHORT_STUDY)

RATER = (
    Screen("rate-home", "rater", "/rate/"),
    Screen("rate-instructions", "rater", "/rate/", (enter("scores"),)),
    Screen("rate-score", "rater", "/rate/", (rate("scores"), press("3")), whole=False),
    Screen("rate-score-missing", "rater", "/rate/", (rate("scores"), press("Enter")), whole=False),
    Screen("rate-compare", "rater", "/rate/", (rate("which helps more"), judge("ArrowLeft")), whole=False),
    Screen("rate-differences", "rater", "/rate/", (rate("which helps more"), press("d")), whole=False),
    Screen("rate-raw", "rater", "/rate/", (rate("which helps more"), press("r")), whole=False),
    Screen("rate-keys", "rater", "/rate/", (rate("which helps more"), press("?")), whole=False),
    Screen("rate-skip", "rater", "/rate/", (rate("scores"), press("s")), whole=False),
    Screen("rate-flag", "rater", "/rate/", (rate("scores"), press("f")), whole=False),
    Screen("rate-pause", "rater", "/rate/", (rate("scores"), press("p")), whole=False),
    Screen("rate-undo", "rater", "/rate/", (rate("which helps more"), judge("0"), press("u")), whole=False),
    Screen(
        "rate-history", "rater", "/rate/", (in_card("which helps more", "Your last judgments"),), needs=("rate-undo",)
    ),
    Screen("rate-guidelines", "rater", "/rate/", (rate("scores"), same_tab)),
)


LEAD = (
    Screen("start", "lead", "/"),
    Screen("search", "lead", "/search/?q=refund&project=brambleway"),
    Screen("search-nothing", "lead", "/search/?q=zebra"),
    Screen("project-new", "lead", "/projects/new/"),
    Screen("project", "lead", DEMO),
    Screen("import", "lead", DEMO + "import/"),
    Screen("import-preview", "lead", DEMO + "import/", (upload,)),
    Screen("items", "lead", DEMO + "items/"),
    Screen("item", "lead", DEMO + "items/", (follow("table.data tbody a"),)),
    Screen("media", "lead", DEMO + "files/"),
    Screen("media-change", "lead", DEMO + "files/", (add_picture, follow("td a"))),
    Screen("metrics", "lead", DEMO + "scores/"),
    Screen("metric", "lead", DEMO + "scores/", (click("Change"),)),
    Screen("rubrics", "lead", DEMO + "rubrics/"),
    Screen("rubric-new", "lead", DEMO + "rubrics/new/"),
    Screen("rubric", "lead", DEMO + "rubrics/support-answer-quality/"),
    Screen("rubric-library", "lead", DEMO + "rubric-library/"),
    Screen("rubric-library-entry", "lead", DEMO + "rubric-library/faithfulness-to-source/"),
    Screen("rubric-changes", "lead", DEMO + "rubrics/support-answer-quality/changes/?from=1&to=2"),
    Screen("rubric-judge", "lead", DEMO + "rubrics/support-answer-quality/v1/judge/"),
    Screen("rubric-copy", "lead", DEMO + "rubrics/support-answer-quality/v1/copy/"),
    Screen("rubric-versions", "lead", DEMO + "rubrics/support-answer-quality/versions/"),
    Screen("guidelines", "lead", DEMO + "guidelines/"),
    Screen("guideline", "lead", DEMO + "guidelines/v1/"),
    Screen("rounds", "lead", DEMO + "rounds/"),
    Screen("round-new", "lead", DEMO + "rounds/new/"),
    Screen("round", "lead", DEMO + "rounds/preference/"),
    Screen("gold", "lead", DEMO + "rounds/preference/gold/?q=a"),
    Screen("training", "lead", DEMO + "rounds/preference/training/"),
    Screen("known-task", "lead", DEMO + "rounds/preference/gold/?q=a", (follow("[aria-labelledby=add] li a"),)),
    Screen("assign", "lead", DEMO + "rounds/preference/assign/"),
    Screen("participants", "lead", DEMO + "rounds/preference/participants/"),
    Screen("leaks", "lead", DEMO + "rounds/preference/leaks/"),
    Screen("review", "lead", DEMO + "rounds/quality/review/?kind=comments"),
    Screen("review-one", "lead", DEMO + "rounds/quality/review/?kind=comments", (follow("table.data tbody a"),)),
    Screen("adjudication", "lead", DEMO + "rounds/quality/adjudication/"),
    Screen("adjudicate", "lead", DEMO + "rounds/quality/adjudication/", (click("Decide the first"),)),
    Screen("adjudicate-pair", "lead", DEMO + "rounds/side-by-side/adjudication/", (click("Decide the first"),)),
    Screen("who-answered", "lead", DEMO + "rounds/quality/key/", status=409),
    Screen("checks", "lead", DEMO + "checks/"),
    Screen("export", "lead", DEMO + "rounds/quality/export/?format=hugging_face"),
    Screen("report", "lead", DEMO + "reports/", (click("Build a report of Quality", "button"),)),
    Screen("report-pairs", "lead", DEMO + "reports/", (click("Build a report of Side by side", "button"),)),
    Screen("report-open", "lead", DEMO + "reports/", (click("Build a report of Pilot", "button"), unfold)),
    Screen("gate", "lead", DEMO + "rounds/quality/gate/"),
    Screen("reports", "lead", DEMO + "reports/"),
    Screen("items-more", "lead", DEMO + "items/?more=1&above=0.5"),
    Screen(
        "items-sure",
        "lead",
        DEMO + "items/",
        (tag_all, click("Put on", "button")),
    ),  # fmt: skip
    Screen("items-leave-out", "lead", DEMO + "items/", (tag_all, click("Leave out of new rounds", "button"))),
    Screen("items-first", "lead", DEMO + "items/", (tag_all, click("Put first", "button"), click("Go on", "button"))),
    Screen("people", "lead", DEMO + "people/"),
    Screen("round-pay", "lead", DEMO + "rounds/preference/pay/"),
    Screen(
        "round-paid", "lead", DEMO + "rounds/preference/pay/", (fill("Pay an hour", "14.5"), click("Save", "button"))
    ),
    Screen(
        "raters-add",
        "lead",
        DEMO + "rounds/preference/add-raters/",
        (click("Make the link", "button"), fill("E-mail addresses", PEOPLE), click("Check the list", "button")),
    ),  # fmt: skip
    Screen(
        "rater-link",
        "lead",
        DEMO + "rounds/preference/add-raters/",
        (click("Make the link", "button"), open_rater_link),
    ),  # fmt: skip
    Screen("people-link", "lead", DEMO + "people/", (click("Make invitation link", "button"),)),
    Screen(
        "people-list",
        "lead",
        DEMO + "people/list/",
        (fill("E-mail addresses", PEOPLE), click("Check the list", "button")),
    ),
    Screen(
        "people-list-links",
        "lead",
        DEMO + "people/list/",
        (fill("E-mail addresses", PEOPLE), click("Check the list", "button"), click("Invite ", "button")),
    ),  # fmt: skip
    Screen("invitation", "lead", DEMO + "people/", (click("Make invitation link", "button"), open_invitation)),
    Screen("member-remove", "lead", DEMO + "people/", (click("Remove Mara Lindqvist"),)),
    Screen("settings", "lead", DEMO + "settings/"),
    Screen("account", "lead", "/account/"),
    Screen("password", "lead", "/accounts/password/change/"),
    Screen("two-factor", "lead", "/accounts/2fa/"),
    Screen("log-out", "lead", "/accounts/logout/"),
    Screen("tokens", "lead", "/tokens/"),
    Screen("help", "lead", "/help/"),
    Screen("not-found", "lead", "/nowhere/", status=404),
)

# These change what the demonstration study is like, so they come last.
LATER = (
    Screen("rate-done", "rater", "/rate/", (rate("a single task"), judge("3", "y", "2", "y"))),
    Screen("round-pause", "lead", DEMO + "rounds/preference/pause/"),
    Screen("round-paused", "lead", DEMO + "rounds/preference/pause/", (click("Pause", "button"),)),
    Screen(
        "rate-paused",
        "rater",
        "/rate/",
        (in_card("which helps more", "Your last judgments"), up),
        needs=("rate-undo", "round-paused"),
    ),
    Screen("rubric-designer", "lead", DEMO + "rubrics/support-answer-quality/", (click("New version", "button"),)),
    Screen("rubric-doctor", "lead", DEMO + "rounds/pilot/doctor/"),
    Screen("rubric-screen", "lead", DEMO + "rubrics/support-answer-quality/as-a-rater/?shown=score"),
    Screen("rubric-yaml", "lead", DEMO + "rubrics/support-answer-quality/yaml/", needs=("rubric-designer",)),
    Screen("rubric-publish", "lead", DEMO + "rubrics/support-answer-quality/publish/", needs=("rubric-designer",)),
)

ANYBODY = (
    Screen("login", "", "/accounts/login/"),
    Screen("password-reset", "", "/accounts/password/reset/"),
    Screen("invitation-closed", "", "/invitation/used-already/", status=404),
)

SCREENS = (*ANYBODY, *RATER, *LEAD, *LATER)
