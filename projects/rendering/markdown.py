"""Markdown to HTML: CommonMark, tables and strikethrough; no raw HTML; nothing remote."""

import logging
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from projects.rendering.code import code_block
from projects.rendering.limits import MAX_HTML, MAX_NESTING, Budget, LimitReached
from projects.rendering.mathematics import mathematics
from projects.rendering.references import kind_of, local_name, marked
from projects.rendering.sanitiser import safe_text, sanitise, tidy

_log = logging.getLogger(__name__)

_MAX_ADDRESS = 200
_LINK = re.compile(r"(?:https?://[^\s/]|mailto:[^\s/])[^\s]*", re.IGNORECASE)
_WITHOUT_FORMATTING = (
    "This text is shown without formatting, because it is nested too deeply or is too intricate to format."
)


# What a step costs beside a plain inline one, as measured: a block, the start of a paragraph or cell, and
# looking ahead for the end of a link's label, which is how ten thousand brackets become slow.
_BLOCK_COST, _START_COST, _LOOK_AHEAD_COST = 4, 6, 4


def _guard_inline(state: StateInline, silent: bool) -> bool:
    state.env["budget"].step(_LOOK_AHEAD_COST if silent else 1 if state.pos else _START_COST)
    return False


def _guard_block(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    state.env["budget"].step(_BLOCK_COST, state.level)
    return False


def _address(url: str) -> str:
    cut = url if len(url) <= _MAX_ADDRESS else url[:_MAX_ADDRESS] + "…"
    return f"<code>{escape(cut)}</code>"


def _link_open(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    """A link that may not be followed keeps its words and shows its address as text."""
    token = tokens[index]
    url = str(token.attrs.get("href", ""))
    if _LINK.fullmatch(url):
        env["after_link"] = "</a>"
        return f'<a href="{escape(url)}">'
    env["after_link"] = "" if token.info == "auto" else f" {_address(url)}"
    return ""


def _link_close(_self: Any, _tokens: Sequence[Token], _index: int, _options: Any, env: Any) -> str:
    return str(env.pop("after_link", ""))


def _image(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Never an `img` of somewhere else: loading it would tell a stranger who reads what, and when. The name of a file
    that may have been uploaded is kept, for it to be put there."""
    alt = self.renderInlineAsText(tokens[index].children or [], options, env)
    source = str(tokens[index].attrs.get("src", ""))
    name = local_name(source)
    word = kind_of(name) or "image"
    shown = f'<span class="quiet">[{word}: {escape(alt)}]</span> {_address(source)}'
    return marked(name, shown) if name else shown


def _fence(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    language = (tokens[index].info.split() or [""])[0]
    return code_block(tokens[index].content, language, env["budget"]) + "\n"


def _table_open(*_: Any) -> str:
    return '<div class="table-wrap" tabindex="0"><table>'  # it may scroll, which has to work from the keyboard


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _cell_open(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Alignment as a class: style attributes are refused by the page's policy."""
    token = tokens[index]
    side = {"text-align:right": "r", "text-align:center": "m"}.get(str(token.attrs.get("style", "")))
    return f'<{token.tag} class="{side}">' if side else f"<{token.tag}>"


def _heading(_self: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Two levels down: the page's own headings are h1 and h2."""
    level = min(int(tokens[index].tag[1]) + 2, 6)
    return f"<h{level}>" if tokens[index].nesting > 0 else f"</h{level}>\n"


def _parser() -> MarkdownIt:
    # breaks: many systems do not write Markdown, and a line they broke must stay broken.
    # maxNesting lies above ours, so that the guard speaks before the parser drops text in silence.
    options = {"html": False, "linkify": False, "typographer": False, "breaks": True}
    md = MarkdownIt("commonmark", {**options, "maxNesting": MAX_NESTING + 10})
    md.enable(["table", "strikethrough"])
    md.use(mathematics)
    md.inline.ruler.before("text", "guard", _guard_inline)
    md.block.ruler.before("table", "guard", _guard_block)
    md.validateLink = lambda url: True  # type: ignore[method-assign]  # _link_open refuses
    rules = {
        "link_open": _link_open,
        "link_close": _link_close,
        "image": _image,
        "fence": _fence,
        "code_block": _fence,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _cell_open,
        "td_open": _cell_open,
        "heading_open": _heading,
        "heading_close": _heading,
    }
    for name, rule in rules.items():
        md.add_render_rule(name, rule)
    return md


_MARKDOWN = _parser()


def prose(html: str) -> str:
    """The wrapper of all reading text; its direction follows the text's first letter."""
    return f'<div class="prose" dir="auto">{html}</div>'


def cut_notice(shown: int, total: int) -> str:
    return f'<p class="quiet small">Only the first {shown:,} of {total:,} characters are shown here.</p>'


def plain_block(text: str) -> str:
    # A parser drops a line feed that follows <pre>.
    return f'<pre class="plain" dir="auto">{safe_text(text).lstrip(chr(10))}</pre>'


def _formatted(text: str, budget: Budget) -> str:
    try:
        html = _MARKDOWN.render(text, {"budget": budget})
        if len(html) > MAX_HTML:
            raise LimitReached
        return sanitise(html)
    except LimitReached:
        return f'<p class="quiet small">{_WITHOUT_FORMATTING}</p>{plain_block(text)}'
    except Exception:  # noqa: BLE001 - one output must not stop an import; escaped text is always safe
        _log.exception("A text could not be formatted and is shown plain.")
        return f'<p class="quiet small">{_WITHOUT_FORMATTING}</p>{plain_block(text)}'


def render_text(text: str, budget: Budget | None = None) -> str:
    """Markdown as safe HTML in its `prose` wrapper. Never raises; too much is cut with a notice."""
    budget = budget or Budget()
    tidied = tidy(text)
    part = budget.take(tidied)
    notice = cut_notice(len(part), len(tidied)) if len(part) < len(tidied) else ""
    return prose(_formatted(part, budget) + notice)
