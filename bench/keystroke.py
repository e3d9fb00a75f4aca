"""From the key that submits to the next task painted, in Chromium on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench import figures
from bench.scratch import Kind, Scratch, serving
from tools import chromium
from tools.console import Stop, say

MEDIAN_MS, P95_MS = 80, 150
WARM, TASKS = 5, 60
ANSWERS = ("3", "3", "4", "4", "y", "ArrowLeft")  # the questions of the study in the order asked
# Two frames after the new task stands in the page it has been painted. Times are the browser's own.
WATCH = """() => {
  const root = document.querySelector("[data-rate]");
  const task = () => root.querySelector("#answers input[name=task]")?.value;
  let pressed = 0;
  window.painted = [];
  document.addEventListener("keydown", (event) => { if (event.key === "Enter") pressed = event.timeStamp; }, true);
  let before = task();
  new MutationObserver(() => {
    if (!task() || task() === before) return;
    before = task();
    requestAnimationFrame(() => requestAnimationFrame(() => painted.push(performance.now() - pressed)));
  }).observe(root, { childList: true, subtree: true });
}"""


def measure(kinds: list[Kind]) -> str:
    rows = []
    for kind in kinds:
        times = _times(kind.scratch("keystroke"))
        rows.append(
            [kind.title, f"{len(times)}", figures.number(figures.percentile(times, 0.5)),
             figures.number(figures.percentile(times, 0.95)), figures.number(max(times))]
        )  # fmt: skip
    text = figures.table(["database", "tasks", "ms, median", "ms, p95", "ms, longest"], rows)
    text += f"\n\nThe promise is a median of {MEDIAN_MS} ms and a p95 of {P95_MS} ms."
    say(text)
    return text


def _times(database: Scratch) -> list[float]:
    # A browser keeps the cookie of a session only over the scheme it was made for: so plain HTTP, as on one machine.
    local = {"ADJUDGE_ENV": "local", "ALLOWED_HOSTS": "127.0.0.1,localhost", "BASE_URL": ""}
    settings = {name: value for name, value in (database.settings | local).items() if value}
    plain = replace(database, settings=settings)
    study = plain.python("bench.study", {"tasks": 300, "rounds": 1, "overlap": 1, "raters": 1})
    with serving(plain) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=list(chromium.FLAGS))
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        cookie = {"name": "adjudge_session", "value": study["sessions"][0], "domain": "127.0.0.1", "path": "/"}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        answer = page.goto(f"http://127.0.0.1:{served.port}/rate/{study['rounds'][0]}/")
        if answer is None or answer.status != 200:
            raise Stop(f"The rating page answered {answer.status if answer else 'nothing'}.")
        page.locator("[data-raw-switch]").first.wait_for(state="visible")
        times = _judged(page)
        browser.close()
    return times[WARM:]


def _judged(page: Page) -> list[float]:
    page.evaluate(WATCH)
    for n in range(WARM + TASKS):
        for key in ANSWERS:
            page.keyboard.press(key)
        page.wait_for_timeout(300)  # a rater reads; and the draft of these answers is not on its way just now
        page.keyboard.press("Enter")
        if page.locator("[data-missing][data-asked]").count():
            page.keyboard.press("Enter")
        _until(page, n + 1)
    found: list[Any] = page.evaluate("() => painted")
    return [float(each) for each in found]


def _until(page: Page, n: int) -> None:
    page.wait_for_function("n => painted.length >= n", arg=n, timeout=15_000)
