r"""Mathematics: finds `$ $$ \( \[ \begin`, writes MathML. What cannot be set is shown as its source."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from projects.rendering.limits import MAX_FORMULA_CHARACTERS, Budget
from projects.rendering.sanitiser import MATH_ATTRIBUTES, MATH_TAGS

_MAX_DEPTH = 40
_MAX_LINES = 200

# Definitions expand, and can expand without end; \rule draws a black box, which only misleads.
_REFUSED = re.compile(
    r"\\(?:[gex]?def|let|(?:re)?newcommand|providecommand|(?:re)?newenvironment|DeclareMathOperator"
    r"|csname|catcode|input|include|rule|require)(?![a-zA-Z])"
)
# latex2mathml would number these equations itself; a number the system did not write must not appear.
_NUMBERED = re.compile(r"\\(begin|end)\{(align|gather|equation|alignat|multline|eqnarray)\}")
_CHARACTER = re.compile(r"&#x([0-9A-Fa-f]{1,6});")
_ENVIRONMENT = re.compile(r"\\begin\{((?:align|gather|equation|alignat|multline|eqnarray)\*?)\}")


class _Unconvertible(Exception):
    pass


def _decoded(text: str | None) -> str:
    return _CHARACTER.sub(lambda found: chr(int(found[1], 16)), text or "")


def _serialised(element: Element, depth: int = 0) -> str:
    """latex2mathml's own writer does not escape text, so this one does."""
    tag, text = element.tag, _decoded(element.text)
    if tag not in MATH_TAGS or depth > _MAX_DEPTH or (len(text) > 1 and text.startswith("\\")):
        raise _Unconvertible  # the last: a command it does not know comes back as text
    attributes = "".join(
        f' {name}="{escape(_decoded(value))}"' for name, value in element.attrib.items() if name in MATH_ATTRIBUTES
    )
    children = "".join(_serialised(child, depth + 1) + escape(_decoded(child.tail)) for child in element)
    return f"<{tag}{attributes}>{escape(text)}{children}</{tag}>"


@lru_cache(maxsize=2048)
def to_mathml(latex: str, *, display: bool) -> str | None:
    """MathML of a formula, or None when it cannot be set faithfully."""
    if not latex.strip() or len(latex) > MAX_FORMULA_CHARACTERS or _REFUSED.search(latex):
        return None
    try:
        root = convert_to_element(_NUMBERED.sub(r"\\\1{\2*}", latex), display="block" if display else "inline")
        root.set("alttext", latex.strip())
        return _serialised(root)
    except Exception:  # noqa: BLE001 - the converter raises many kinds on bad input: its source is shown
        return None


def formula(latex: str, source: str, *, display: bool, budget: Budget) -> str:
    budget.formulas -= 1
    mathml = to_mathml(latex, display=display) if budget.formulas >= 0 else None
    return mathml or f"<code>{escape(source, quote=False)}</code>"


_PAIRS = {r"\(": (r"\)", False), r"\[": (r"\]", True), "$$": ("$$", True)}


def _inline(state: StateInline, silent: bool) -> bool:
    opening = state.src[state.pos : state.pos + 2]
    if opening in _PAIRS:
        closing, display = _PAIRS[opening]
        end = state.src.find(closing, state.pos + 2, state.pos + 2 + MAX_FORMULA_CHARACTERS)
        latex = state.src[state.pos + 2 : end] if end > 0 else ""
        return bool(latex.strip()) and _push(state, silent, latex, end + len(closing), display)
    if opening[:1] == "$":
        end = _closing_dollar(state.src, state.pos)
        return end > 0 and _push(state, silent, state.src[state.pos + 1 : end], end + 1, False)
    return False


def _push(state: StateInline, silent: bool, latex: str, end: int, display: bool) -> bool:
    if end > state.posMax:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.markup = latex, state.src[state.pos : end]
        token.meta = {"display": display}
    state.pos = end
    return True


def _closing_dollar(text: str, start: int) -> int:
    """Pandoc's rule, which leaves prices alone: `$x$` is a formula, "$5 and $10" and "$5-$10" are not."""
    before, after = text[start - 1 : start], text[start + 1 : start + 2]
    if not after or after.isspace() or before.isalnum() or before == "$":
        return -1
    end = start
    while True:
        end = text.find("$", end + 1, start + MAX_FORMULA_CHARACTERS)
        if end < 0 or text[end - 1] != "\\":
            break
    follows = text[end + 1 : end + 2]
    return -1 if end < 0 or text[end - 1].isspace() or follows.isdigit() else end


def _block_fence(line: str) -> tuple[str, str] | None:
    """Opening and closing sign of a displayed formula that starts this line."""
    if line.startswith("$$"):
        return "$$", "$$"
    if line.startswith(r"\["):
        return r"\[", r"\]"
    if found := _ENVIRONMENT.match(line):
        return "", rf"\end{{{found[1]}}}"
    return None


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    fence = _block_fence(first)
    if fence is None:
        return False
    opening, closing = fence
    for line in range(start, min(end, start + _MAX_LINES)):
        state.env["budget"].step()
        if state.sCount[line] < state.blkIndent:
            return False
        text = state.src[state.bMarks[line] : state.eMarks[line]].rstrip()
        body = text.strip()[len(opening) :] if line == start else text
        if not text:
            return False
        if body.endswith(closing):
            return silent or _push_block(state, start, line, opening, closing)
    return False


def _push_block(state: StateBlock, start: int, last: int, opening: str, closing: str) -> bool:
    source = state.getLines(start, last + 1, state.blkIndent, False).strip()
    inner = source[len(opening) : -len(closing)]
    if closing in inner:  # two formulas on one line: a paragraph, which sets each
        return False
    token = state.push("formula", "math", 0)
    token.block = True
    token.content, token.markup = (inner if opening else source), source
    token.meta = {"display": True}
    token.map = [start, last + 1]
    state.line = last + 1
    return True


def _render(_self: Any, tokens: Sequence[Any], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    html = formula(token.content, token.markup, display=token.meta["display"], budget=env["budget"])
    return f"<p>{html}</p>\n" if token.block else html


def mathematics(md: MarkdownIt) -> None:
    """A markdown-it plugin."""
    interrupts: dict[str, list[str]] = {"alt": ["paragraph", "blockquote", "list", "reference"]}
    md.inline.ruler.before("escape", "formula", _inline)
    md.block.ruler.before("fence", "formula", _block, interrupts)  # type: ignore[arg-type]
    rule: Callable[..., str] = _render
    md.add_render_rule("formula", rule)
