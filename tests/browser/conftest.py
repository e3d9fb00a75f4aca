"""A real Chromium for the browser tests, and a page that fails the test when it misbehaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.watch import Watch, settle
from tools import chromium

HERE = Path(__file__).resolve().parent
TIMEOUT = 15_000  # ms, for any one step: two busy cores are slow at times
OpenPage = Callable[..., Page]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


# Of the package, not of the session: Playwright keeps an event loop in this thread while it runs, and tests
# elsewhere must not find one. Beside a loop Django refuses the database; the variable lets it, meanwhile.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.HELP, pytrace=False)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=TIMEOUT)
        running = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        yield running
        running.close()


@pytest.fixture
def watch(live_server: LiveServer) -> Watch:
    return Watch(live_server.url)


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer, watch: Watch) -> Iterator[OpenPage]:
    """Open a page in a context of its own: `open_page(user=alice, color_scheme="dark")`."""
    contexts: list[tuple[BrowserContext, bool]] = []  # and whether scripts run in it

    def open_(user: Any = None, **options: Any) -> Page:
        options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options
        context = browser.new_context(base_url=live_server.url, locale="en-GB", timezone_id="UTC", **options)
        contexts.append((context, options.get("java_script_enabled", True)))
        context.set_default_timeout(TIMEOUT)
        watch.attach(context)
        if user is not None:
            _log_in(context, user, live_server.url)
        return context.new_page()

    yield open_
    for context, scripted in contexts:
        for page in context.pages if scripted else []:
            settle(page)
        context.close()
    if watch.problems:
        pytest.fail("The page did what it must not:\n  " + "\n  ".join(watch.problems), pytrace=False)


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


def _log_in(context: BrowserContext, user: Any, url: str) -> None:
    """Put a session's cookie into the context; the log-in page has its own test."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    host = urlsplit(url).hostname or "localhost"
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "domain": host, "path": "/"}])
