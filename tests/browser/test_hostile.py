"""Hostile texts and names on the pages that show them: nothing runs, nothing is loaded, nothing asks the network.

The `watch` of every page notes dialogs, policy violations, errors and requests elsewhere; what the policy would
have to stop is looked for in the document as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from annotation.models import Round
from annotation.services.rounds import round_create, round_open
from projects.models import Item, ItemRevision, Output, OutputRevision, Project
from projects.rendering import render_output, render_prompt
from rubrics.models import RubricVersion
from rubrics.services import guideline_publish, rubric_create, version_publish
from rubrics.specs import LevelSpec, RubricSpec
from tests import factories
from tests.browser.conftest import OpenPage
from tests.browser.desk import Desk, sit
from tests.browser.watch import Watch, settle
from tests.projects.rendering.vectors import VECTORS

SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"'><img src=x onerror=alert(1)>"
LINK = "[x](javascript:alert(1))"
BREAK = "</textarea></title></option><svg onload=alert(1)>"
TEMPLATE = "{{ 7|add:7 }}{% debug %}"
NAMES = (SCRIPT, IMAGE, LINK, BREAK, TEMPLATE)
PER_TURN = 24  # vectors in one conversation, each a turn of its own

# What must not stand in any document, and what must not stand in rendered text. The address of a link counts only
# when it is followed, so no watch would see it.
DANGERS = """() => {
  const found = [];
  const note = (why, e) => found.push(`${why}: ${e.outerHTML.slice(0, 200)}`);
  for (const e of document.querySelectorAll("*")) {
    for (const { name } of e.attributes) if (/^(on|hx-on|data-hx-on)/.test(name)) note("handler", e);
    if (e.matches("iframe, frame, object, embed, base, meta[http-equiv], style, [style], [srcdoc]")) note("element", e);
    if (e.matches("script:not([src^='/static/'])")) note("script", e);
    const href = e.getAttribute("href") ?? e.getAttribute("xlink:href") ?? e.getAttribute("action");
    const { protocol } = new URL(href ?? "", location.href);
    if (!["http:", "https:", "mailto:"].includes(protocol)) note("address", e);
    if (e.matches("img, audio, video, source, link, image, input[type=image]")) {
      const src = e.getAttribute("src") ?? e.getAttribute("srcset") ?? e.getAttribute("href") ?? "";
      if (new URL(src, location.href).host !== location.host) note("load", e);
    }
  }
  const inside = "script, form, input, button, select, textarea, [id], [name], [formaction], [contenteditable]";
  // What our own script puts above a turn, to the letter.
  const ours = /^<button type="button" class="turn-fold" data-turn-fold="" aria-expanded="(true|false)">\\w+<.button>$/;
  for (const e of document.querySelectorAll(".prose, [data-rendered]")) {
    for (const inner of e.querySelectorAll(inside)) {
      if (!ours.test(inner.outerHTML)) note("in the text", inner);
    }
    for (const inner of e.querySelectorAll("*"))
      for (const { name } of inner.attributes) if (/^(data-)?hx-/.test(name)) note("htmx", inner);
  }
  return found;
}"""

TEXTS = "() => [...document.querySelectorAll('[data-rendered], [data-raw]')].map((e) => e.textContent)"


def expect_harmless(page: Page) -> None:
    settle(page)
    assert page.evaluate(DANGERS) == []


def groups(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def conversation(texts: Sequence[str], role: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for text in texts]


def stored(text: str) -> str:
    """As the importers keep it: no NUL and no lone surrogate, which no database takes."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def hostile_version(project: Project, *, mode: str, published: bool = True) -> RubricVersion:
    levels = tuple(LevelSpec(str(n), name[:120], float(n), name) for n, name in enumerate(NAMES, start=1))
    example = {"text": IMAGE, "why": SCRIPT, "positive": True}
    base = factories.CORRECT if mode == "score" else factories.OVERALL
    base = replace(base, question=f"{SCRIPT} {IMAGE}", guidance=f"{BREAK} {LINK}", examples=(example,))
    criterion = replace(base, levels=levels, required=False) if mode == "score" else base
    spec = RubricSpec(name=f"{IMAGE} {mode}", criteria=(criterion,), description=SCRIPT, notes=LINK)
    version = rubric_create(project=project, spec=spec, actor=None)
    return version_publish(version=version, actor=None) if published else version


def hostile_round(project: Project, mode: str) -> Round:
    """Every vector stands in a prompt, in a source and in an answer; on both sides when two are compared."""
    texts = [stored(text) for text in VECTORS.values()]
    systems = [
        factories.system_factory(project, f"{name} {n}")
        for n, name in enumerate((IMAGE, SCRIPT)[: 1 + (mode == "compare")])
    ]
    for n, group in enumerate(groups(texts, PER_TURN)):
        item = Item.objects.create(project=project, external_id=f"{n} {IMAGE}", cluster=str(n))
        asked = conversation(group, "user")
        html = render_prompt(asked, list(group), [])
        ItemRevision.objects.create(item=item, messages=asked, context=list(group), digest=f"{n:064d}", html=html)
        for system in systems:
            answered = conversation(group, "assistant")
            output = Output.objects.create(item=item, system=system)
            text = "\n\n".join(group)
            html = render_output(text, answered)
            digest = f"{system.pk}-{n}"
            OutputRevision.objects.create(output=output, text=text, messages=answered, digest=digest, html=html)
    row = round_create(
        project=project,
        name=f"{IMAGE} {mode}",
        title=f"{BREAK} {mode}",
        mode=mode,
        rubric_version=hostile_version(project, mode=mode),
        guideline=guideline_publish(project=project, text="\n\n".join([*NAMES, *texts]), actor=None),
        systems=systems,
        overlap=1,
        actor=None,
    )
    return round_open(round=row, actor=None)


def test_there_are_enough_vectors() -> None:
    assert len(VECTORS) >= 80


@pytest.mark.parametrize("mode", ["score", "compare"])
def test_the_rating_page_shows_hostile_texts_harmlessly(open_page: OpenPage, mode: str) -> None:
    """Each task twice: as a whole page, and as the fragment that the submit before it brought."""
    round = hostile_round(factories.project_factory(IMAGE), mode)
    desk = sit(open_page, round, factories.member(round.project, "rater", name=IMAGE))
    total, turns = len(list(groups(list(VECTORS), PER_TURN))), 0
    for n in range(total):
        desk.expect_place(n + 1, total)
        expect_harmless(desk.page)
        desk.open()
        texts = desk.page.evaluate(TEXTS)
        turns += desk.page.locator(".turn").count()
        expect_harmless(desk.page)
        desk.press("d", "r", "r", "l", "l", "o", "o")  # texts are cut into pieces, marked, put together again
        assert desk.page.evaluate(TEXTS) == texts
        desk.press("d")
        settle(desk.page)
        desk.judge(*(["ArrowLeft"] if mode == "compare" else []))
    desk.expect_heading("The round is finished. Thank you.")
    assert turns >= len(VECTORS) * (3 if mode == "compare" else 2)
    for address in ("", f"{round.public_id}/history/", f"{round.public_id}/guidelines/"):
        desk.page.goto(f"/rate/{address}")
        expect_harmless(desk.page)
    expect(desk.page.locator("#main")).to_contain_text("alert(1)")


@dataclass(frozen=True)
class Upload:
    name: str
    rows: list[dict[str, str]]

    @property
    def payload(self) -> dict[str, object]:
        body = "\n".join(json.dumps(row) for row in self.rows)
        return {"name": self.name, "mimeType": "application/jsonl", "buffer": body.encode()}


def hostile_upload() -> Upload:
    """All vectors as answers, a few items with many systems each; columns and names are hostile too."""
    rows = [
        {
            "item": f"{n // 20} {NAMES[n % 2]}"[:150],
            "prompt": text,
            "system": f"{n} {NAMES[n % 5]}",
            "output": text,
            f"{IMAGE} score": "0.5",
            SCRIPT: LINK,
        }
        for n, text in enumerate(VECTORS.values())
    ]
    for row in rows:  # one prompt an item
        row["prompt"] = next(other["prompt"] for other in rows if other["item"] == row["item"])
    rows.append({"item": BREAK, "system": SCRIPT, "output": "", "latency_ms": IMAGE})  # a problem to report
    return Upload(f"{IMAGE}.jsonl".replace("/", ""), rows)


def lead_of(project: Project) -> User:
    return factories.member(project, "lead", name=SCRIPT)


def test_import_preview_and_item_pages_show_hostile_texts_harmlessly(open_page: OpenPage) -> None:
    project = factories.project_factory(BREAK)
    page = open_page(lead_of(project))
    page.goto(f"/p/{project.slug}/import/")
    page.locator("input[type=file]").set_input_files(files=[hostile_upload().payload])  # type: ignore[list-item]
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("Nothing is saved until you confirm")).to_be_visible()
    expect_harmless(page)
    page.locator("#import-form button.btn-primary").click()
    expect(page.get_by_role("link", name="Look at the items")).to_be_visible()
    expect_harmless(page)
    shown = 0
    for item in project.items.all():
        for number in range(1, 3):
            page.goto(f"/p/{project.slug}/items/{item.pk}/?page={number}")
            expect_harmless(page)
            shown += page.locator("article.sheet").count()
            if page.locator("article.sheet").count() >= item.outputs.count():
                break
    assert shown >= 80
    for address in ("", "items/", "import/", "scores/", "people/", "settings/"):
        page.goto(f"/p/{project.slug}/{address}")
        expect_harmless(page)


def test_rubrics_and_rounds_show_hostile_names_harmlessly(open_page: OpenPage) -> None:
    project = factories.project_factory(IMAGE)
    lead = lead_of(project)
    factories.output_factory(factories.item_factory(project, IMAGE), factories.system_factory(project, SCRIPT))
    version = hostile_version(project, mode="score")
    draft = hostile_version(project, mode="score", published=False)
    guideline_publish(project=project, text="\n\n".join(NAMES), actor=lead)
    row = round_create(
        project=project,
        name=IMAGE,
        title=BREAK,
        mode="score",
        rubric_version=version,
        systems=[],
        overlap=1,
        actor=lead,
    )
    page = open_page(lead)
    addresses = [
        "rubrics/",
        f"rubrics/{draft.rubric.slug}/",
        f"rubrics/{draft.rubric.slug}/yaml/",
        f"rubrics/{draft.rubric.slug}/publish/",
        f"rubrics/{version.rubric.slug}/v1/",
        f"rubrics/{version.rubric.slug}/versions/",
        "guidelines/",
        "guidelines/v1/",
        "rounds/",
        "rounds/new/",
        f"rounds/{row.slug}/",
    ]
    for address in addresses:
        response = page.goto(f"/p/{project.slug}/{address}")
        assert response is not None
        assert response.status == 200, address
        expect_harmless(page)


def test_the_live_preview_of_a_rubric_is_harmless(open_page: OpenPage) -> None:
    project = factories.project_factory()
    draft = hostile_version(project, mode="score", published=False)
    page = open_page(lead_of(project))
    page.goto(f"/p/{project.slug}/rubrics/{draft.rubric.slug}/")
    for text in NAMES:
        typed = f"Typed {text}"[:300]
        with page.expect_response("**/preview/"):
            page.get_by_label("Question").fill(stored(typed).replace("\n", " "))
        expect(page.locator("#preview legend").first).to_contain_text("Typed")
        expect_harmless(page)


@pytest.mark.parametrize(
    ("html", "noticed"),
    [
        (SCRIPT, "script"),
        ("<img src=x onerror=alert(1)>", "handler"),
        ("<a href='javascript:alert(1)'>x</a>", "address"),
        ("<img src='https://evil.example/x.png'>", "load"),
        ("<input name=task>", "in the text"),
        ("<p hx-get='/accounts/logout/' hx-trigger=load>x</p>", "htmx"),
    ],
)
def test_a_text_that_was_not_made_safe_would_be_noticed(
    open_page: OpenPage, watch: Watch, html: str, noticed: str
) -> None:
    watch.allow("")
    round = factories.round_factory(overlap=1)
    OutputRevision.objects.update(html=f"<div class=prose>{html}</div>")
    desk: Desk = sit(open_page, round)
    settle(desk.page)
    dangers = desk.page.evaluate(DANGERS)
    assert any(text.startswith(noticed) for text in dangers), dangers
    if noticed in {"script", "handler", "load"}:
        assert watch.seen, "the watch saw nothing"
