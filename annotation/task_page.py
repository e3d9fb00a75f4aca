"""The next task as HTML, joined from parts.

Drawing the templates takes longer than everything else that a submit does, and nearly all of what they draw is the same
for every task of a round. So they are drawn once with marks where one task differs from the next, cut at the marks, and
joined after that. The templates stay the only source: what they show beside these values must be part of the key, and a
page that holds more than a fresh task (a draft, a problem, a judgment looked at again) is drawn as ever."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from dataclasses import fields, replace
from threading import Lock
from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.formats import localize
from django.utils.html import escape
from django.utils.translation import get_language

from annotation.presentation import Presentation, ShownOutput
from annotation.rating_page import Page

TEMPLATE = "annotation/_task.html"
KEPT = 256
# Nobody who writes a title or a question can know it; a word, so that nothing escapes or quotes it.
_MARK = f"m{secrets.token_hex(12)}"
_CUT = re.compile(f"{_MARK}_([a-z0-9]+)_")
# What differs from task to task; and what a fresh task has none of.
_MARKED = {"task", "key", "n", "total", "saved", "saved_id"}
_EMPTY = {"values", "problem", "said", "revising"}
# By identity: what is drawn without an answer is kept for all, and an entry holds on to what its key names.
_DRAWN = {"docked", "panel"}
# All that the templates may ask of a round.
_OF_ROUND = ("public_id", "title", "guideline_id", "lease_seconds", "state", "mode")

_Parts = list[str]
_kept: OrderedDict[Any, tuple[Page, _Parts]] = OrderedDict()
_lock = Lock()


def task_html(request: HttpRequest, page: Page) -> str:
    key = _key(page)
    if key is None:
        return render_to_string(TEMPLATE, {"page": page, "round": page.round}, request)
    values = _values(page, get_token(request))
    parts = _parts(key, page)
    # Every second part is the name of what stands there.
    return "".join(values[part] if at % 2 else part for at, part in enumerate(parts))


def _key(page: Page) -> Any:
    """Everything that the templates show beside the marked values. None: this page is not that of a fresh task."""
    if any(getattr(page, name) for name in _EMPTY) or not page.round.rubric_version.is_frozen:
        return None
    drawn = (id(page.docked), *map(id, page.panel))
    row = page.round
    about = (*(getattr(row, name) for name in _OF_ROUND), page.warns, page.break_minutes)
    others = tuple(getattr(page, name) for name in _OTHERS)
    task = (len(page.task.outputs), bool(page.task.language), bool(page.saved), bool(page.saved_id))
    return drawn, about, others, task, get_language()


_OTHERS = [f.name for f in fields(Page) if f.name not in _MARKED | _EMPTY | _DRAWN | {"round", "seat"}]


def _parts(key: Any, page: Page) -> _Parts:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][1]
    marked = _marked(page)
    text = render_to_string(TEMPLATE, {"page": marked, "round": marked.round, "csrf_token": _mark("csrf")})
    parts = _CUT.split(text)
    with _lock:
        _kept[key] = (page, parts)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return parts


def _mark(name: str) -> Any:
    return f"{_MARK}_{name}_"


def _marked(page: Page) -> Page:
    """The page with marks in it. Of its round and seat it has no more than the key: a template that shows more shows
    nothing here, and a test compares the two."""
    nobody: Any = None
    row: Any = SimpleNamespace(**{name: getattr(page.round, name) for name in _OF_ROUND})
    row.options, row.show_reference = page.round.options, False
    task = Presentation(
        assignment=0,
        public_id=_mark("task"),
        version=_mark("version"),
        prompt_html=_mark("prompt"),
        language=_mark("language") if page.task.language else "",
        outputs=tuple(
            ShownOutput(o.letter, o.target, _mark(f"html{n}"), _mark(f"text{n}"))
            for n, o in enumerate(page.task.outputs)
        ),
        digest="",
    )
    return replace(
        page,
        round=row,
        seat=nobody,
        task=task,
        key=_mark("key"),
        n=_mark("n"),
        total=_mark("total"),
        saved=_mark("saved") if page.saved else page.saved,
        saved_id=_mark("savedid") if page.saved_id else "",
    )


def _values(page: Page, token: str) -> dict[str, str]:
    found = {
        "csrf": token,
        "task": escape(page.task.public_id),
        "version": localize(page.task.version),
        "key": escape(page.key),
        "n": localize(page.n),
        "total": localize(page.total),
        "saved": localize(page.saved),
        "savedid": escape(page.saved_id),
        "language": escape(page.task.language),
        "prompt": page.prompt,
    }
    for n, (drawn, output) in enumerate(zip(page.outputs, page.task.outputs, strict=True)):
        found[f"html{n}"], found[f"text{n}"] = drawn.rendered, escape(output.text)
    return {name: str(value) for name, value in found.items()}
