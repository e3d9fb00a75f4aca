"""axe-core in a page: what it finds against WCAG 2.2 AA, in words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page, expect

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")


@cache
def _source() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """One line a violation, with the first elements that have it."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_source())
    found: list[dict[str, Any]] = page.evaluate("tags => axe.run(document, { runOnly: tags })", TAGS)["violations"]
    return [
        f"{rule['id']}: {rule['help']} ({len(rule['nodes'])}): "
        + " | ".join(
            f"{node['html'][:120]} {node['any'][0]['message'][:120] if node['any'] else ''}"
            for node in rule["nodes"][:3]
        )
        for rule in found
    ]


def everywhere(page: Page, looks: list[tuple[int, str]] | None = None) -> list[str]:
    """The violations of the page as it stands, at each width and in each scheme."""
    found = []
    for width, scheme in looks or [(w, s) for w in WIDTHS for s in SCHEMES]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found += [f"{page.url} at {width} px, {scheme}: {words}" for words in violations(page)]
    return found


def opened(page: Page, seen: set[str], looks: list[tuple[int, str]] | None = None) -> list[str]:
    """The same with every fold open, then of each popover that no page before had."""
    page.evaluate("() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    found = everywhere(page, looks)
    names: list[str] = page.evaluate("() => [...document.querySelectorAll('[popover][id]')].map((one) => one.id)")
    for name in names:
        if name not in seen:
            seen.add(name)
            page.evaluate("name => document.getElementById(name).showPopover()", name)
            expect(page.locator(f"#{name}")).to_be_visible()
            found += [f"#{name} of {words}" for words in everywhere(page, looks)]
            page.evaluate("name => document.getElementById(name).hidePopover()", name)
    return found
