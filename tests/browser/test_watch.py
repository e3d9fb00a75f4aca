"""The watch itself: what it must notice is planted, so that its silence elsewhere means something."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from tests.browser.watch import Watch, settle

POLICY = "default-src 'self'; script-src 'nonce-good'"


def serve(page: Page, body: str, policy: str = POLICY) -> None:
    def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html"}
        route.fulfill(body=f"<!doctype html><title>t</title>{body}", headers=headers)

    page.route("**/planted", answer)
    page.goto("/planted")
    settle(page)


@pytest.mark.parametrize(
    ("body", "noticed"),
    [
        ("<script>alert(1)</script>", "content security policy: script-src"),
        ("<p style='color: red'>red</p>", "content security policy: style-src"),
        ("<img src='https://elsewhere.example/x.png'>", "content security policy: img-src"),
        ("<script nonce='good'>alert('hello')</script>", "dialog: alert hello"),
        ("<script nonce='good'>console.error('oh no')</script>", "console: oh no"),
        ("<script nonce='good'>throw new Error('lost')</script>", "uncaught: "),
    ],
)
def test_what_a_page_must_not_do_is_noticed(page: Page, watch: Watch, body: str, noticed: str) -> None:
    serve(page, body)
    assert any(text.startswith(noticed) for text in watch.problems), watch.problems
    watch.allow("")


@pytest.mark.parametrize(
    "body",
    [
        "<img src='https://elsewhere.example/x.png'>",
        "<script>fetch('http://elsewhere.example/').catch(() => 0)</script>",
        "<script>new WebSocket('ws://elsewhere.example/')</script>",
    ],
)
def test_a_request_to_another_host_is_noticed(page: Page, watch: Watch, body: str) -> None:
    serve(page, body, policy="default-src * 'unsafe-inline'")
    assert any(text.startswith("request to") and "elsewhere" in text for text in watch.problems), watch.problems
    watch.allow("")


def test_a_quiet_page_gives_no_problem(page: Page, watch: Watch) -> None:
    serve(page, "<p>quiet</p><script nonce='good'>console.log('fine')</script>")
    assert watch.seen == []


def test_only_what_is_allowed_is_forgiven(page: Page, watch: Watch) -> None:
    serve(page, "<script nonce='good'>console.error('one'); console.error('two')</script>")
    watch.allow("console: one")
    assert [text.split(" (")[0] for text in watch.problems] == ["console: two"]
    watch.allow("console: two")
