"""Pictures of every screen: `python -m tools.shots [name…]`, into var/shots/<name>-<width>[-dark].png.

A private server on demonstration data is driven by a real browser, light and dark, 1440, 900 and 390 wide. The
exit code is 1 when a page logs an error, answers otherwise than it should, or is wider than a phone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tools import chromium
from tools.console import Stop, clear_live, fail, live, say
from tools.environment import ROOT
from tools.shots_screens import SCREENS, Screen
from tools.shots_server import Server, private_server

FOLDER = ROOT / "var" / "shots"
WINDOWS = ((1440, 900), (900, 900), (390, 844))
PHONE = 390
TALLEST = 12_000


class Studio:
    """One browser context for each role, and what went wrong."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser, self.server = browser, server
        self.contexts: dict[str, BrowserContext] = {}
        self.problems: list[str] = []
        self.taken = 0

    def take(self, screen: Screen) -> None:
        page = self._context(screen.role).new_page()
        expected = f"status of {screen.status}" if screen.status != 200 else "\0"
        page.on(
            "console",
            lambda message: (
                self._note(screen, message.text) if message.type == "error" and expected not in message.text else None
            ),
        )
        page.on("pageerror", lambda error: self._note(screen, str(error)))
        try:
            self._arrive(screen, page)
            for width, height in WINDOWS:
                self._shoot(screen, page, width, height)
        except Error as error:
            self._note(screen, str(error).splitlines()[0])
        page.close()

    def _arrive(self, screen: Screen, page: Page) -> None:
        width, height = WINDOWS[0]
        page.set_viewport_size({"width": width, "height": height})
        response = page.goto(screen.url)
        if response is not None and response.status != screen.status:
            self._note(screen, f"{screen.url} answered {response.status}, not {screen.status}")
        for act in screen.acts:
            act(page)
        page.wait_for_load_state("networkidle")

    def _shoot(self, screen: Screen, page: Page, width: int, height: int) -> None:
        page.set_viewport_size({"width": width, "height": height})
        if screen.whole or width == PHONE:
            # A window as high as the page: what sticks to its edge is drawn where it would be at the end.
            tall = page.evaluate("() => document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": min(max(height, tall), TALLEST)})
        page.evaluate("() => scrollTo(0, 0)")
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        if wide > width:
            self._note(screen, f"the page is {wide} wide in a window of {width}")
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            path = FOLDER / f"{screen.name}-{width}{suffix}.png"
            page.screenshot(path=path)
            self.taken += 1
            live(str(path.relative_to(ROOT)))

    def _note(self, screen: Screen, what: str) -> None:
        self.problems.append(f"{screen.name}: {what}")

    def _context(self, role: str) -> BrowserContext:
        if role not in self.contexts:
            context = self.browser.new_context(
                base_url=self.server.url, locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
            )
            context.set_default_timeout(15_000)
            if role:
                self._log_in(context, *self.server.logins[role])
            self.contexts[role] = context
        return self.contexts[role]

    def _log_in(self, context: BrowserContext, email: str, password: str) -> None:
        page = context.new_page()
        page.goto("/accounts/login/")
        page.locator("[name=login]").fill(email)
        page.locator("[name=password]").fill(password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
        page.close()


def chosen(names: Sequence[str]) -> list[Screen]:
    """All screens, or those whose names begin with one of `names`, with those that must come before them."""
    wanted = {s.name for s in SCREENS if not names or s.name.startswith(tuple(names))}
    if not wanted:
        known = ", ".join(s.name for s in SCREENS)
        raise Stop(f"No screen begins with {' or '.join(names)}. There are: {known}.")
    wanted |= {name for s in SCREENS if s.name in wanted for name in s.needs}
    return [s for s in SCREENS if s.name in wanted]


def run(names: Sequence[str]) -> list[str]:
    screens = chosen(names)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = chromium.ensure()
    with private_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        studio = Studio(browser, server)
        for screen in screens:
            studio.take(screen)
        browser.close()
    clear_live()
    say(f"{studio.taken} pictures in {_short(FOLDER)}: {', '.join(s.name for s in screens)}")
    return studio.problems


def _short(path: Path) -> Path:
    return path.relative_to(ROOT)


def main(arguments: Sequence[str]) -> int:
    try:
        problems = run(arguments)
    except Stop as error:
        fail(error)
    for problem in problems:
        say(f"  {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
