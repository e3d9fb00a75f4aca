"""What the layout promises: imports point one way, the pure parts stay pure, pages carry no inline code."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each may import those before it, never one after it.
APPS = ("accounts", "projects", "rubrics", "annotation", "analytics")
PURE = ("analytics.stats", "projects.importers")
LAZY_REFERENCE = re.compile(rf"^({'|'.join(APPS)})\.[A-Za-z_][\w.]*$")


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache  # several tests ask the same files
def imported(path: Path) -> tuple[tuple[int, str], ...]:
    """Every module a file names in an import: line and dotted name, relative ones resolved."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    package = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, node.module] if node.module else above)
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and "import" in name_of(node.func):
            # import_module("name"), __import__("name")
            texts = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
            yield from ((node.lineno, text) for text in texts if isinstance(text, str))


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def lazy_references(path: Path) -> Iterator[tuple[int, str]]:
    """Names of models and modules in strings, as in ForeignKey("annotation.Round")."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and LAZY_REFERENCE.match(node.value):
            yield node.lineno, node.value


def where(path: Path, line: int, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{line}: {what}"


@pytest.mark.parametrize("app", APPS)
def test_an_app_never_reaches_for_one_above_it(app: str) -> None:
    above = set(APPS[APPS.index(app) + 1 :])
    files = python_files(app)
    assert files, f"{app} has no module, so this test would see nothing"
    wrong = [
        where(path, line, name)
        for path in files
        for line, name in (*imported(path), *lazy_references(path))
        if name.split(".")[0] in above
    ]
    assert not wrong, "\n".join(wrong)


def test_the_product_never_imports_its_tests_or_tools() -> None:
    wrong = [
        where(path, line, name)
        for path in python_files(*APPS, "config")
        for line, name in imported(path)
        if name.split(".")[0] in {"tests", "tools", "bench"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PURE)
def test_pure_parts_import_nothing_of_django_or_of_other_apps(package: str) -> None:
    files = python_files(package.replace(".", "/"))
    assert files, f"{package} has no module, so this test would see nothing"
    foreign = {"django", "rest_framework", "allauth", "config", *APPS}
    wrong = [
        where(path, line, name)
        for path in files
        for line, name in imported(path)
        if name.split(".")[0] in foreign and not f"{name}.".startswith(f"{package}.") and name != "analytics"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PURE)
def test_pure_parts_open_in_a_bare_interpreter(package: str) -> None:
    """As in a notebook: no settings, and Django never gets loaded, not even by a module further down."""
    program = f"""
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
names = [info.name for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    importlib.import_module(name)
assert names, "the package has no module"
loaded = sorted(name for name in sys.modules if name.split(".")[0] == "django")
assert not loaded, loaded[:5]
"""
    bare = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=bare, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_krippendorff_is_imported_in_one_module_only() -> None:
    """Its licence is the GPL: one module holds it and can do without it."""
    users = {
        str(path.relative_to(ROOT))
        for path in python_files(*APPS, "config", "bench")
        for _line, name in imported(path)
        if name.split(".")[0] == "krippendorff"
    }
    assert len(users) == 1, users
    assert users.pop().startswith("analytics/stats/")


INLINE = {
    "a script without src": re.compile(r"<script\b(?![^>]*\ssrc\s*=)", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an event handler attribute": re.compile(r"\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "the safe filter": re.compile(r"\|\s*safe(?:seq)?\b"),
    "autoescape off": re.compile(r"\{%-?\s*autoescape\s+off"),
}
TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}|\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}", re.DOTALL)


def inline_code(text: str) -> list[tuple[int, str]]:
    """Line and kind of everything in a template that the content security policy or escaping forbids."""
    blanked = TEMPLATE_COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    return [
        (blanked.count("\n", 0, match.start()) + 1, kind)
        for kind, pattern in INLINE.items()
        for match in pattern.finditer(blanked)
    ]


def test_no_template_holds_inline_code_or_unescaped_text() -> None:
    templates = sorted(path for folder in ("templates", *APPS) for path in (ROOT / folder).rglob("*.html"))
    assert templates, "no template was found, so this test would see nothing"
    wrong = [
        where(path, line, kind) for path in templates for line, kind in inline_code(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<script>go()</script>", "a script without src"),
        ('<script type="module">', "a script without src"),
        ("<style>p {}</style>", "a style element"),
        ('<p style="color: red">', "a style attribute"),
        ("<img\nonerror=go()>", "an event handler attribute"),
        ('<b hx-on:click="go()">', "an event handler attribute"),
        ('<a href="JavaScript:go()">', "a javascript: address"),
        ("{{ text|safe }}", "the safe filter"),
        ("{% autoescape off %}", "autoescape off"),
    ],
)
def test_inline_code_is_recognised(text: str, kind: str) -> None:
    assert inline_code(f"<p>\n{text}") == [(2, kind)]


def test_what_the_policy_allows_is_not_taken_for_inline_code() -> None:
    allowed = (
        '<script nonce="{{ csp_nonce }}" type="module" src="/static/js/rate.js" defer></script>'
        "{# <script>in a comment</script> #}{{ onboarding }} {{ item|safely_cut }}"
    )
    assert inline_code(allowed) == []
