"""The turns of an output that a criterion can be asked about: its answers, numbered from 0 in the order written.

A turn is what the assistant says and does until somebody else speaks. What follows its own tool belongs to it; an
answer straight after an answer, as of a set conversation whose questions stand in the prompt, is the next turn.

They are read from the HTML of the text, which is what a rater sees: nothing else can write these elements (see
`projects.shown_words`), and whoever claims a task reads nothing more for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.translation import gettext

MOST = 50  # of one output are asked about: a form must stay one that can be sent
_SPEAKS = re.compile(r'<div class="turn">(?P<who><p class="turn-who"(?P<said>[^>]*)>(?P<words>[^<]*)</p>)')
_SAID = re.compile(r'data-who="([^"]*)"')
_OTHERS = frozenset({"User", "System", "Cut"})
_TOOL = "Tool"


def turns_in(html: str) -> int:
    """How many turns of this output are asked about; a text that tells none is one."""
    return max(1, min(MOST, sum(n is not None for _, n in _starts(html))))


def with_turns(html: str, target: str) -> str:
    """The same HTML, each turn with its number and an address to link to: `o0t2`. One turn alone needs neither."""
    starts = [(found, n) for found, n in _starts(html) if n is not None]
    if len(starts) < 2:
        return html
    parts, at = [], 0
    for found, n in starts:
        words = gettext("turn %(n)s") if n < MOST else gettext("turn %(n)s, not asked about")
        parts += [html[at : found.start()], f'<div class="turn" id="{target}t{n}" tabindex="-1">']
        parts.append(f"{found['who'].removesuffix('</p>')} · {escape(words % {'n': n + 1})}</p>")
        at = found.end()
    return "".join([*parts, html[at:]])


def _starts(html: str) -> Iterator[tuple[re.Match[str], int | None]]:
    """Who speaks, in order, with the number of the turn that begins there."""
    n, within, tool = -1, False, False
    for found in _SPEAKS.finditer(html):
        english = _SAID.search(found["said"])
        who = english[1] if english else found["words"]
        goes_on = within and (who == _TOOL or tool)
        tool, within = who == _TOOL, who not in _OTHERS
        if within and not goes_on:
            n += 1
            yield found, n
        else:
            yield found, None


def turn_of(target: str) -> int:
    """1 for the first turn; 0: the target is no turn."""
    _, sign, number = target.partition("t")
    return int(number) + 1 if sign and number.isdigit() else 0


def about_words(letter: str, turn: int) -> str:
    """What a question is about, to stand before it or behind: “A”, “Turn 2”, “A, turn 2”."""
    if not turn:
        return letter
    if not letter:
        return gettext("Turn %(n)s") % {"n": turn}
    return gettext("%(letter)s, turn %(n)s") % {"letter": letter, "n": turn}


def about_what(letter: str, turn: int) -> str:
    """The same within a sentence: “about answer A”, “about turn 2”, “about turn 2 of answer A”."""
    if not turn:
        return gettext("about answer %(letter)s") % {"letter": letter} if letter else ""
    if not letter:
        return gettext("about turn %(n)s") % {"n": turn}
    return gettext("about turn %(n)s of answer %(letter)s") % {"n": turn, "letter": letter}
