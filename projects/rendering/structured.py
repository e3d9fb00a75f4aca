"""JSON shown as JSON: laid out, no number, key or order changed, its validity in words."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

from projects.rendering.code import code_block
from projects.rendering.limits import Budget
from projects.rendering.markdown import cut_notice, prose
from projects.rendering.sanitiser import safe_text, sanitise, tidy

_MAX_DEPTH = 60
_LEXEMES = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
_MEANT_AS_JSON = re.compile(r"""\{\s*["'}]|\[\s*[{\]]""")


class _NotJson(Exception):
    pass


def _no_constant(name: str) -> NoReturn:
    raise _NotJson(f"{name} is not a JSON value")


def _pairs_into(repeated: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(found)
        if len(keys) < len(found) and len(repeated) < 3:
            counts = Counter(name for name, _ in found)
            repeated.extend([name for name, count in counts.items() if count > 1][:3])
        return keys

    return pairs


def _checked(text: str) -> list[str]:
    """Keys that an object repeats (three at most); raises _NotJson with a sentence."""
    repeated: list[str] = []
    try:
        # Numbers are not read: their size is no question here, and reading a long one is slow.
        json.loads(
            text,
            object_pairs_hook=_pairs_into(repeated),
            parse_constant=_no_constant,
            parse_int=str,
            parse_float=str,
        )
    except json.JSONDecodeError as error:
        raise _NotJson(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise _NotJson("it is nested too deeply") from error
    return repeated


def laid_out(text: str) -> str:
    """Valid JSON with our indentation, every string and number as it was written."""
    lexemes = _LEXEMES.findall(text)
    depth = deepest = 0
    out: list[str] = []
    for index, lexeme in enumerate(lexemes):
        if lexeme in "{[":
            depth += 1
            deepest = max(deepest, depth)
            out.append(lexeme if _closes(lexemes, index + 1) else f"{lexeme}\n{'  ' * depth}")
        elif lexeme in "}]":
            depth -= 1
            out.append(lexeme if lexemes[index - 1] in "{[" else f"\n{'  ' * depth}{lexeme}")
        elif lexeme == ",":
            out.append(f",\n{'  ' * depth}")
        else:
            out.append(": " if lexeme == ":" else lexeme)
        if deepest > _MAX_DEPTH:
            return text  # indentation would outgrow the text
    return "".join(out)


def _closes(lexemes: list[str], index: int) -> bool:
    return index < len(lexemes) and lexemes[index] in "}]"


def pretty(value: object) -> str:
    """A tool's arguments or result, for reading: JSON laid out, other text as it is."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped[:1] not in ("{", "["):
            return value
        try:
            _checked(stripped)
        except _NotJson:
            return value
        return laid_out(stripped)
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (RecursionError, ValueError, TypeError):
        return "This value is nested too deeply to be shown."


def _verdict(text: str) -> tuple[str, str] | None:
    """The text to show and a sentence on its validity; None when it was not meant as JSON."""
    try:
        repeated = _checked(text)
    except _NotJson as problem:
        return (text, f"Not valid JSON ({problem}).") if _MEANT_AS_JSON.match(text) else None
    if repeated:
        names = ", ".join(f"“{name[:40]}”" for name in repeated[:3])
        return laid_out(text), f"Valid JSON, but it repeats a key: {names}."
    return laid_out(text), "Valid JSON."


def render_json(text: str, budget: Budget | None = None) -> str | None:
    """A text that is as a whole a JSON object or array, laid out; None for any other text."""
    stripped = tidy(text).strip()
    if (stripped[:1], stripped[-1:]) not in (("{", "}"), ("[", "]")):
        return None
    budget = budget or Budget()
    if len(stripped) > budget.characters:
        return None  # cut JSON is not JSON: shown as text, with its notice
    verdict = _verdict(stripped)
    if verdict is None:
        return None
    shown, sentence = verdict
    part = budget.take(shown)
    notice = cut_notice(len(part), len(shown)) if len(part) < len(shown) else ""
    block = sanitise(code_block(part, "json", budget))
    return prose(f'<p class="quiet small">{safe_text(sentence)}</p>{block}{notice}')
