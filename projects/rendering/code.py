"""Fenced code: Pygments finds the tokens, and five colours are enough to read by."""

import logging
import re
from functools import cache
from html import escape
from itertools import groupby

from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import (  # type: ignore[import-untyped]
    Comment,
    Generic,
    Keyword,
    Name,
    Number,
    String,
    _TokenType,
)
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from projects.rendering.limits import Budget

_log = logging.getLogger(__name__)

# Only lexers in wide use: a rare one may hold a regular expression that a hostile text makes slow.
_LANGUAGES = (
    "bash c c++ console cpp css diff docker dockerfile go golang graphql haskell html http"
    " ini javascript js json jsx julia kotlin kt latex lua md objective-c perl php"
    " plpgsql postgresql powershell ps1 py py3 pycon python python3 r rb rs ruby rust sh shell sql"
    " svg swift tex toml ts tsx typescript xml yaml yml zsh"
)
# The lexers of these take minutes for ten thousand hostile characters; a near relative reads them well enough.
_RELATIVES = {"java": "javascript", "c#": "javascript", "cs": "javascript", "csharp": "javascript"}
LANGUAGES = {name: name for name in _LANGUAGES.split()} | _RELATIVES | {"scala": "kotlin"}

# Lexers are quadratic, or worse, in long lines and in long runs of blank ones: such code stays plain.
_MAX_BLOCK = 10_000
_INTRICATE = re.compile(r"[^\n]{400}|\n(?:[^\S\n]*\n){12}")

_CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment.Preproc, "k"),
    (Comment, "c"),
    (Keyword, "k"),
    (String, "s"),
    (Number, "n"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Tag, "f"),
    (Name.Attribute, "f"),
    (Generic.Inserted, "gi"),
    (Generic.Deleted, "gd"),
    (Generic.Heading, "k"),
    (Generic.Subheading, "k"),
)


@cache
def _class_of(token_type: _TokenType) -> str:
    return next((name for family, name in _CLASSES if token_type in family), "")


def _lexer(language: str) -> Lexer | None:
    if language not in LANGUAGES:
        return None
    try:
        return get_lexer_by_name(LANGUAGES[language], stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def highlight(code: str, language: str, budget: Budget) -> str:
    """Escaped code with `span` marks; plain where the language is unknown or the code is long."""
    lexer = _lexer(language.strip().lower())
    if lexer is None or len(code) > min(_MAX_BLOCK, budget.highlighted) or _INTRICATE.search(code):
        return escape(code, quote=False)
    budget.highlighted -= len(code)
    try:
        tokens = list(lexer.get_tokens(code))
    except Exception:  # noqa: BLE001 - colour is a nicety: a lexer's slip must not cost the text
        _log.warning("A lexer failed; the code is shown without colour.", extra={"language": language})
        return escape(code, quote=False)
    if "".join(text for _, text in tokens) != code:
        return escape(code, quote=False)  # what is judged is what the system wrote, to the character
    return "".join(_runs(tokens))


def _runs(tokens: list[tuple[_TokenType, str]]) -> list[str]:
    marked = []
    for name, group in groupby(tokens, key=lambda pair: _class_of(pair[0])):
        text = escape("".join(part for _, part in group), quote=False)
        marked.append(f'<span class="{name}">{text}</span>' if name else text)
    return marked


def code_block(code: str, language: str, budget: Budget) -> str:
    """Code reads left to right in any language, and can be scrolled by keyboard."""
    return f'<pre class="code" dir="ltr" tabindex="0"><code>{highlight(code, language, budget)}</code></pre>'
