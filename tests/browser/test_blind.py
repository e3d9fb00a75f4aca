"""Blinding: nothing that a rater's browser receives names a system, and the two sides look alike.

Every name that a rater must not see carries a marker, and every row that could be named by its number has a number
that cannot stand there by chance. A rater then uses everything a rater can reach, and all that the browser got is
searched: bodies, headers, addresses, cookies, storage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import get_resolver
from playwright.sync_api import APIResponse, BrowserContext, Page, Route, expect

from accounts.models import User
from annotation.models import Round
from annotation.services.rounds import round_create, round_open
from annotation.services.seats import instructions_read, seat_for
from annotation.views import rater
from projects.models import Item, ItemRevision, Metric, Output, OutputRevision, Project, System
from rubrics.services import guideline_publish
from tests import factories
from tests.browser.conftest import OpenPage
from tests.browser.desk import Desk, sit
from tests.browser.watch import Watch

MARK = "zqcanary"
NUMBER = 918_273_640  # the first of the row numbers that would tell
CANARY = re.compile(rf"{MARK}|9182736\d\d", re.IGNORECASE)


def marked_round(mode: str) -> Round:
    """Five items answered by two systems. Names, versions and files are marked, row numbers unmistakable."""
    project = factories.project_factory(f"{MARK} project {mode}")
    systems = [
        System.objects.create(id=NUMBER + n, project=project, name=f"{MARK}-model-{n}", version=f"{MARK}-v{n}")
        for n in range(2)
    ]
    for n in range(5):
        item = Item.objects.create(
            id=NUMBER + 10 + n, project=project, external_id=f"{MARK}-{n}", cluster=f"{MARK}-family-{n}"
        )
        text = f"Question {n}?"
        ItemRevision.objects.create(item=item, messages=[], digest=f"{n:064d}", html=f"<p>{text}</p>")
        for k, system in enumerate(systems):
            add_output(NUMBER + 20 + 2 * n + k, item, system)
    Metric.objects.create(project=project, key=f"{MARK}-metric", source="llm", kind="number")
    row = round_create(
        project=project,
        name=f"{MARK} 4.1 against 4.0",
        title="Answers, November",
        mode=mode,
        rubric_version=factories.rubric_factory(
            project, (factories.CORRECT if mode == "score" else factories.OVERALL,)
        ),
        guideline=guideline_publish(project=project, text="Judge what is there.", actor=None),
        systems=systems,
        overlap=1,
        actor=None,
    )
    return round_open(round=row, actor=None)


def add_output(pk: int, item: Item, system: System) -> None:
    output = Output.objects.create(id=pk, item=item, system=system, latency_ms=NUMBER)
    write(output, 1, "The same answer.")


def write(output: Output, revision: int, text: str) -> None:
    output.revisions.update(current=False)
    OutputRevision.objects.create(
        output=output, revision=revision, text=text, digest=f"{MARK}{output.pk}{revision}", html=f"<p>{text}</p>"
    )


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: str
    body: str


class Received:
    """All that a browser context got from the server, searched for the marks."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.answers: list[Answer] = []
        self.kept: list[tuple[str, str]] = []
        context.route(re.compile(r"^(?!.*/static/)"), self._pass_on)

    def _pass_on(self, route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        self._keep(answer)
        route.fulfill(response=answer)

    def _keep(self, answer: APIResponse) -> None:
        self.answers.append(Answer(answer.url, answer.status, json.dumps(answer.headers), answer.text()))

    def get(self, page: Page, address: str) -> None:
        """A page without its styles and scripts: quick."""
        self._keep(page.request.get(address, max_redirects=0))

    def post(self, page: Page, address: str, form: dict[str, str | float | bool], script: bool) -> None:
        """A form sent by hand, as no page of ours would."""
        headers = {"Referer": page.url} | ({"X-Rate": "1"} if script else {})
        self._keep(page.request.post(address, form=form, headers=headers, max_redirects=0))

    def keep_storage(self, page: Page) -> None:
        stored = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])"
        self.kept.append(("storage", page.evaluate(stored)))
        self.kept.append(("cookies", json.dumps(self.context.cookies())))  # type: ignore[arg-type]

    def leaks(self, asked: re.Pattern[str] | None = None) -> list[str]:
        """Where a mark stands. `asked` is what the rater put into an address, which errors may repeat."""
        found = []
        for where, text in [*self.kept, *self._parts()]:
            text = asked.sub("", text) if asked else text
            found += [f"{where}: …{text[max(0, m.start() - 40) : m.end() + 40]}…" for m in CANARY.finditer(text)]
        return found

    def _parts(self) -> Iterator[tuple[str, str]]:
        for answer in self.answers:
            yield "address", answer.url
            yield f"headers of {answer.url}", answer.headers
            yield f"body of {answer.url}", answer.body


def use_everything(desk: Desk, received: Received, key: str) -> None:
    """All the rater's screens and acts, with whole pages and with the script's fragments."""
    page, base = desk.page, f"/rate/{desk.round.public_id}/"
    page.goto("/rate/")
    page.goto("/")
    desk.open()
    desk.press(key)
    desk.expect_saved_draft()
    received.keep_storage(page)
    desk.press("f", "Space", "Enter")
    desk.expect_said("Flagged")
    desk.press("c")
    page.keyboard.type("Hm.")
    desk.press("Tab", "Enter")
    desk.expect_said("comment was sent")
    expect(page.locator("#comment")).to_be_hidden()
    desk.judge()
    desk.press("s", "Space", "Enter")
    expect(page.locator("#skip")).to_be_hidden()
    desk.judge(key)
    for address in ("guidelines/", "history/"):
        page.goto(base + address)
    # This round has neither practice nor pictures. With them the canaries of tests/annotation read these addresses.
    for address in ("practice/", "feedback/nonsense/", "shown/nonsense/1/"):
        received.get(page, base + address)
    with page.expect_navigation():
        page.get_by_role("link", name="Look at it again").first.click()
    desk.judge(key)
    received.keep_storage(page)


def knock(desk: Desk, received: Received) -> None:
    """Addresses that a rater may not see, or that make no sense; and forms that are wrong."""
    page, base, project = desk.page, f"/rate/{desk.round.public_id}/", desk.round.project
    page.goto(base)
    token = page.locator("#answers input[name=csrfmiddlewaretoken]").get_attribute("value") or ""
    for address in (
        "/rate/nonsense/",
        base + "again/nonsense/",
        f"/p/{project.slug}/",
        f"/p/{project.slug}/items/{NUMBER + 10}/",
        f"/p/{project.slug}/rounds/{desk.round.slug}/",
        "/api/v1/",
        "/api/v1/rounds/",
        f"/api/v1/projects/{project.slug}/items/",
        "/account/",
        "/tokens/",
        "/help/",
        "/nowhere",
    ):
        received.get(page, address)
    for act in ("submit", "draft", "skip", "flag", "comment"):
        for script in (True, False):
            form = {"csrfmiddlewaretoken": token, "task": "nonsense", "key": "x" * 12, "version": "99", "reason": "?"}
            received.post(page, f"{base}{act}/", form, script)
    received.post(page, base + "submit/", {}, script=False)


def visited_names(received: Received) -> set[str]:
    resolver = get_resolver()
    return {
        resolver.resolve("/" + answer.url.split("/", 3)[3].partition("?")[0]).view_name or ""
        for answer in received.answers
        if "/rate/" in answer.url
    }


def rater_routes() -> set[str]:
    """The names of all addresses under /rate/."""
    names = get_resolver().namespace_dict["annotation"][1].reverse_dict
    return {f"annotation:{name}" for name, at in _items(names) if isinstance(name, str) and at.startswith("rate/")}


def _items(names: Any) -> list[tuple[Any, str]]:
    return [(name, possibilities[0][0]) for name, (possibilities, *_) in names.items()]


@pytest.mark.parametrize(("mode", "key"), [("score", "2"), ("compare", "ArrowLeft")])
def test_nothing_a_rater_receives_tells_which_system_answered(
    open_page: OpenPage, watch: Watch, mode: str, key: str
) -> None:
    watch.allow("status of 4")
    round = marked_round(mode)
    rater = factories.member(round.project, "rater")
    desk = Desk(open_page(rater), round, rater)
    received = Received(desk.page.context)
    use_everything(desk, received, key)
    assert visited_names(received) == rater_routes()
    assert len(rater_routes()) >= 10
    assert received.leaks() == []
    knock(desk, received)
    # The rater typed the project's slug and a number; an address that was asked for is no leak.
    typed = re.compile(rf"{re.escape(round.project.slug)}|{round.slug}|items/\d+")
    assert received.leaks(asked=typed) == []


def plant_in_title(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    Round.objects.filter(pk=round.pk).update(title=f"Is {MARK} better?")


def plant_in_text(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    OutputRevision.objects.filter(output__system_id=NUMBER).update(html=f"<p>As {MARK}-model-0, I cannot.</p>")


def plant_in_address(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    Round.objects.filter(pk=round.pk).update(public_id=f"r{NUMBER}")
    round.public_id = f"r{NUMBER}"


def plant_in_cookie(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    page.context.add_cookies([{"name": "side", "value": f"{MARK}-model-1", "url": page.url}])


def plant_in_storage(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    page.evaluate(f"() => localStorage.setItem('seen', '{MARK}')")


def plant_in_header(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    rendered = rater._render

    def with_header(*args: Any) -> HttpResponse:
        response = rendered(*args)
        response["X-Served"] = f"{MARK}-v1"
        return response

    patch.setattr(rater, "_render", with_header)


def plant_in_attribute(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    OutputRevision.objects.update(html=f'<p><img alt="o" src="/media/{NUMBER + 21}.png"></p>')


def plant_in_prompt(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    ItemRevision.objects.update(html=f"<p>You are {MARK.upper()}.</p>")


def plant_in_anchor(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    guideline = round.guideline
    assert guideline is not None
    type(guideline).objects.filter(pk=guideline.pk).update(html=f"<p>Beware of {MARK}.</p>")


def plant_in_raw_text(round: Round, page: Page, patch: pytest.MonkeyPatch) -> None:
    for output in Output.objects.filter(system_id=NUMBER):
        write(output, 2, f"[{MARK}-model-0] Hello.")
        output.revisions.update(html="<p>Hello.</p>")


@pytest.mark.parametrize("plant", [
    plant_in_title, plant_in_text, plant_in_address, plant_in_cookie, plant_in_storage, plant_in_header,
    plant_in_attribute, plant_in_prompt, plant_in_anchor, plant_in_raw_text,
])  # fmt: skip
def test_a_planted_leak_is_found(
    open_page: OpenPage, watch: Watch, monkeypatch: pytest.MonkeyPatch, plant: Callable[..., None]
) -> None:
    watch.allow("")
    round = marked_round("compare")
    user: User = factories.member(round.project, "rater")
    instructions_read(seat=seat_for(round=round, user=user))
    page = open_page(user)
    page.goto("/healthz")
    received = Received(page.context)
    plant(round, page, monkeypatch)
    for address in ("", "guidelines/"):
        received.get(page, f"/rate/{round.public_id}/{address}")
    received.keep_storage(page)
    assert received.leaks()


def test_both_sides_are_the_same_but_for_letter_and_text(open_page: OpenPage) -> None:
    """Answers that are alike must give markup that is alike; and boxes of one size when they are not."""
    desk = sit(open_page, marked_round("compare"))
    for _ in range(3):
        sides = [desk.page.locator(f"#side-{letter}") for letter in "ab"]
        html = [side.evaluate("(e) => e.outerHTML") for side in sides]
        assert without_letters(html[0]) == without_letters(html[1])
        boxes = [side.bounding_box() for side in sides]
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert [boxes[0][k] for k in ("y", "width", "height")] == [boxes[1][k] for k in ("y", "width", "height")]
        heads = [side.locator(".sheet-head").bounding_box() for side in sides]
        assert heads[0] is not None
        assert heads[1] is not None
        assert heads[0]["height"] == heads[1]["height"]
        desk.judge("0")


def without_letters(html: str) -> str:
    """The markup with the letter of its side, and that of the other side, made neutral."""
    html = re.sub(r'((?:id|aria-labelledby)="(?:side|head)-)[ab]"', r'\1?"', html)
    html = re.sub(r'href="#side-[ab]"', 'href="#side-?"', html)
    return re.sub(r"(Go to |</span>)[AB]<", r"\1?<", html)


def test_sides_of_unlike_answers_differ_in_their_text_only(open_page: OpenPage) -> None:
    round = marked_round("compare")
    for output in Output.objects.filter(system_id=NUMBER):
        write(output, 2, "Yes.")
    desk = sit(open_page, round)
    html = [desk.page.locator(f"#side-{letter}").evaluate("(e) => e.outerHTML") for letter in "ab"]
    neutral = [without_letters(h).replace("The same answer.", "…").replace("Yes.", "…") for h in html]
    assert neutral[0] == neutral[1]


def test_each_system_is_on_each_side(open_page: OpenPage) -> None:
    """A rater's sides are balanced, so that neither habit nor tiredness favours a system."""
    project: Project = factories.project_factory()
    round = factories.round_factory(project, mode="compare", items=6, overlap=1)
    first = round.round_systems.order_by("system_id")[0].system
    OutputRevision.objects.filter(output__system=first).update(html="<p>first</p>")
    desk = sit(open_page, round)
    left = 0
    for _ in range(6):
        left += desk.page.locator("#side-a [data-rendered]").inner_text() == "first"
        desk.judge("0")
    assert left == 3
