"""Notes what a page must never do, while a test uses it: the `page` fixture fails on any of these."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, WebError, WebSocket

# Chromium also prints a violation to the console; the event says which directive and what it met.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  window.reportPolicyViolation(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
});
"""


class Watch:
    """Policy violations, console errors, uncaught errors, dialogs, and requests to anywhere else."""

    def __init__(self, base_url: str) -> None:
        self.host = urlsplit(base_url).netloc
        self.seen: list[str] = []
        self.allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """Expect something in this test, e.g. the console's word on an answer 404: allow("status of 404")."""
        self.allowed.append(re.compile(pattern))

    @property
    def problems(self) -> list[str]:
        return [text for text in self.seen if not any(pattern.search(text) for pattern in self.allowed)]

    def attach(self, context: BrowserContext) -> None:
        context.expose_binding("reportPolicyViolation", self._on_violation)
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("dialog", self._on_dialog)
        context.on("request", self._on_request)
        context.on("page", lambda page: page.on("websocket", self._on_websocket))

    def _on_violation(self, source: object, text: str) -> None:
        self.seen.append(f"content security policy: {text}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self.seen.append(f"uncaught: {error.error}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.type} {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Request) -> None:
        self._note_address(request.url)

    def _on_websocket(self, socket: WebSocket) -> None:
        self._note_address(socket.url)

    def _note_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob", "about"} and parts.netloc != self.host:
            self.seen.append(f"request to {url}")


def settle(page: Page) -> None:
    """Let what the page has already started come to an end, so that the watch has seen it."""
    if not page.is_closed():
        page.evaluate("() => new Promise((done) => setTimeout(done, 0))")
