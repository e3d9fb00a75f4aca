"""Our own words inside shown texts (who speaks, what a tool was given, where a text was cut) in the reader's language.

`projects.rendering` writes them in English when a text comes in, and what it made is kept. Nothing else can write these
elements: Markdown gives no classes, and raw HTML is shown as text."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.html import escape
from django.utils.translation import get_language, gettext, gettext_noop, ngettext

SOURCE = "en"
# Read so by the messages, and by the test that holds them to what `projects.rendering` writes.
WORDS = frozenset(
    {
        *(gettext_noop("User"), gettext_noop("Assistant"), gettext_noop("System"), gettext_noop("Tool")),
        *(gettext_noop("Source"), gettext_noop("Sources"), gettext_noop("Reference"), gettext_noop("References")),
        *(gettext_noop("Cut"), gettext_noop("System message"), gettext_noop("Reasoning")),
        *(gettext_noop("Arguments"), gettext_noop("Result"), gettext_noop("Value")),
        *(gettext_noop("called"), gettext_noop("returned"), gettext_noop("not text")),
        *(gettext_noop("This text is empty."), gettext_noop("Valid JSON.")),
        gettext_noop(
            "This text is shown without formatting, because it is nested too deeply or is too intricate to format."
        ),
    }
)
_PLACES = re.compile(
    r'(?P<open><p class="turn-who">|<summary dir="auto">|<span class="push quiet">|<dt>|<p class="quiet(?: small)?">)'
    r"(?P<words>[^<]{1,400})(?=</)"
)


def in_readers_words(html: str) -> str:
    language = get_language() or SOURCE
    if language == SOURCE:
        return html
    return _PLACES.sub(lambda found: _said(found, language), html)


def _said(found: re.Match[str], language: str) -> str:
    opened, words = found["open"], found["words"]
    said = gettext(words) if words in WORDS else _counted(words)
    if said is None:
        return found[0]
    # Scripts look for the turn with the sources by its English word.
    who = f' data-who="{words}"' if "turn-who" in opened else ""
    return f'{opened[:-1]}{who} lang="{language}">{escape(said)}'


def _counted(words: str) -> str | None:
    for pattern, say in _COUNTED:
        if (found := pattern.fullmatch(words)) is not None:
            return say(found)
    return None


def _n(text: str) -> int:
    return int(text.replace(",", ""))


def _earlier(found: re.Match[str]) -> str:
    n = _n(found[1])
    return ngettext("%(n)s earlier turn", "%(n)s earlier turns", n) % {"n": found[1]}


def _left_out(found: re.Match[str]) -> str:
    return ngettext(
        "The conversation is too long for one page: %(n)s further message is not shown here.",
        "The conversation is too long for one page: %(n)s further messages are not shown here.",
        _n(found[1]),
    ) % {"n": found[1]}


_COUNTED: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"Participant (\d+)"), lambda found: gettext("Participant %(n)s") % {"n": found[1]}),
    (re.compile(r"([\d,]+) earlier turns?"), _earlier),
    (
        re.compile(r"Only the first ([\d,]+) of ([\d,]+) characters are shown here\."),
        lambda found: (
            gettext("Only the first %(n)s of %(total)s characters are shown here.") % {"n": found[1], "total": found[2]}
        ),
    ),
    (
        re.compile(
            r"The conversation is too long for one page: ([\d,]+) further messages? (?:is|are) not shown here\."
        ),
        _left_out,
    ),
    (re.compile(r"Not valid JSON \(.*\)\."), lambda _: gettext("Not valid JSON.")),
    (re.compile(r"Valid JSON, but it repeats a key: .*\."), lambda _: gettext("Valid JSON, but it repeats a key.")),
)
