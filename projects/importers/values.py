"""One cell at a time: texts, numbers, score values, lists, conversations. Missing is missing, never 0."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from projects.importers import limits
from projects.importers.jsonscan import clean_text, loads
from projects.importers.records import Message

# What spreadsheets and data frames write for "nothing here".
MISSING = frozenset({"", "nan", "n/a", "na", "null", "#n/a", "<na>"})
TRUE = frozenset({"true", "yes"})
FALSE = frozenset({"false", "no"})
PREFERENCES = ("a", "b", "tie", "both_good", "both_bad")

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_ROLES = {"human": "user", "gpt": "assistant", "ai": "assistant", "bot": "assistant", "model": "assistant"}


class Value(NamedTuple):
    """A score as read: kind '' with a reason when missing, ``wrong`` when it cannot be accepted."""

    kind: str = ""
    number: float | None = None
    label: str = ""
    missing: str = ""
    wrong: str = ""


def is_missing(cell: Any) -> bool:
    if cell is None:
        return True
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    return isinstance(cell, float) and math.isnan(cell)


def text(cell: Any) -> str:
    """A cell as text for an id, a name, a note: trimmed, '' when missing; 5.0 is '5'."""
    if cell is None or isinstance(cell, float):
        if cell is None or math.isnan(cell):
            return ""
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell) if abs(cell) < 10**30 else ""
    return cell.strip() if isinstance(cell, str) else str(cell)


def body(cell: Any) -> str | None:
    """A cell as the text of a prompt or an answer: kept as it stands; None when there is none."""
    if isinstance(cell, str):
        return cell
    return None if is_missing(cell) else text(cell)


def finite(cell: Any) -> float | None:
    """A finite number, or None when the cell is anything else. True is not a number here."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, str):
        cell = cell.strip()
        if not _NUMBER.fullmatch(cell):
            return None
    elif not isinstance(cell, int | float):
        return None
    try:
        number = float(cell)
    except OverflowError:  # an int beyond 1e308
        return None
    return number if math.isfinite(number) else None


def count(cell: Any) -> int | None:
    number = finite(cell)
    if number is None or not number.is_integer() or not 0 <= number <= limits.MAX_COUNT:
        return None
    return int(number)


def amount(cell: Any) -> float | None:
    """A finite number that is not negative: latencies, costs."""
    number = finite(cell)
    return None if number is None or number < 0 else number


def milliseconds(seconds: float | None) -> float | None:
    """Seconds as milliseconds, without the digits that only the binary fraction brings."""
    return None if seconds is None or not math.isfinite(seconds * 1000) else round(seconds * 1000, 6)


def truth(cell: Any) -> bool | None:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str):
        word = cell.strip().lower()
        return True if word in TRUE else False if word in FALSE else None
    return None


def score(cell: Any, kind: str = "") -> Value:
    """A score value of the kind the metric has ('' = tell from the cell). Bool comes before number."""
    if is_missing(cell):
        return Value(missing=_why_missing(cell))
    if isinstance(cell, dict | list):
        return Value(wrong=f"The value is {_shape(cell)}; accepted: a number, yes or no, or a label.")
    if _infinite(cell):
        return Value(wrong=f"The value {_shown(cell)} is not finite; accepted: a finite number, yes or no, or a label.")
    kind = kind or guess_kind(cell)
    return _READERS[kind](cell)


def guess_kind(cell: Any) -> str:
    if truth(cell) is not None:
        return "bool"
    return "number" if finite(cell) is not None else "label"


def common_kind(cells: Iterable[Any]) -> str:
    """The kind of a metric from a sample of its values; '' when all are missing.

    Four numbers in five make it a number: the rest are reported by row rather than turning it into labels.
    """
    kinds = [guess_kind(cell) for cell in cells if not is_missing(cell)]
    if not kinds:
        return ""
    if len(set(kinds)) == 1:
        return kinds[0]
    if "label" not in kinds or kinds.count("number") >= 0.8 * len(kinds):
        return "number"
    return "label"


def _number(cell: Any) -> Value:
    if (number := finite(cell)) is not None:
        return Value("number", number)
    if (yes := truth(cell)) is not None:
        return Value("number", float(yes))
    hint = " Write decimals with a point." if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) else ""
    return Value(wrong=f"The value {_shown(cell)} is not a number, as the other values of this metric are.{hint}")


def _bool(cell: Any) -> Value:
    yes = truth(cell)
    if yes is None and finite(cell) in (0.0, 1.0):
        yes = finite(cell) == 1.0
    if yes is None:
        return Value(wrong=f"The value {_shown(cell)} is not yes or no; accepted: true, false, yes, no, 1, 0.")
    return Value("bool", float(yes), "true" if yes else "false")


def _label(cell: Any) -> Value:
    word = text(cell)
    if _DECIMAL_COMMA.fullmatch(word):
        return Value(wrong=f"The value {_shown(cell)} has a decimal comma; write decimals with a point.")
    if len(word) > limits.MAX_NAME_CHARS:
        return Value(
            wrong=f"The value is a text of {len(word):,} characters; a label has at most {limits.MAX_NAME_CHARS}."
        )
    return Value("label", None, word)


def _preference(cell: Any) -> Value:
    word = text(cell).lower().replace(" ", "_").replace("-", "_")
    if word in PREFERENCES:
        return Value("preference", None, word)
    if (number := finite(cell)) is not None:
        return Value("preference", number)
    accepted = ", ".join(PREFERENCES)
    return Value(wrong=f"The value {_shown(cell)} is not a preference; accepted: {accepted}, or a signed number.")


_READERS = {"number": _number, "bool": _bool, "label": _label, "preference": _preference}


def _why_missing(cell: Any) -> str:
    if isinstance(cell, str) and cell.strip():
        return f"The value is {_shown(cell)}."
    return "The value is NaN." if isinstance(cell, float) else "The value is empty."


def _infinite(cell: Any) -> bool:
    if isinstance(cell, float):
        return math.isinf(cell)
    if isinstance(cell, str):
        word = cell.strip()
        return bool(_INFINITE.fullmatch(word)) or (bool(_NUMBER.fullmatch(word)) and math.isinf(float(word)))
    return isinstance(cell, int) and finite(int(cell)) is None


def _shape(cell: Any) -> str:
    return "a list" if isinstance(cell, list) else "an object"


def _shown(cell: Any) -> str:
    word = clean_text(text(cell)) or "of this size"
    return f"'{word[:60]}…'" if len(word) > 60 else f"'{word}'"


def texts(cell: Any) -> tuple[str, ...]:
    """A list of texts: a JSON list, or one text."""
    if is_missing(cell):
        return ()
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = loads(cell).value
        except ValueError:
            return (str(cell),)
    if isinstance(cell, list):
        return tuple(each if isinstance(each, str) else dump(each) for each in cell if not is_missing(each))
    return (cell if isinstance(cell, str) else dump(cell),)


def tags(cell: Any) -> tuple[str, ...]:
    if isinstance(cell, str) and not cell.lstrip().startswith("["):
        parts: Iterable[str] = re.split("[;,]", cell)
    else:
        parts = texts(cell)
    return tuple(
        dict.fromkeys(
            p for p in (clean_text(part).strip()[: limits.MAX_METRIC_CHARS] for part in parts) if not is_missing(p)
        )
    )


def conversation(cell: Any) -> tuple[Message, ...]:
    """Messages from a list, or from JSON text: {role, content} or ShareGPT's {from, value}."""
    if isinstance(cell, str):
        cell = loads(cell).value
    if not isinstance(cell, list) or not cell:
        raise ValueError("The conversation must be a list of messages, each with role and content.")
    return tuple(_message(each, position) for position, each in enumerate(cell, start=1))


def looks_like_conversation(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and all(isinstance(e, dict) and "role" in e for e in cell)


def _message(entry: Any, position: int) -> Message:
    if not isinstance(entry, dict):
        raise ValueError(f"Message {position} of the conversation is not an object with role and content.")
    role = entry.get("role") or entry.get("from") or entry.get("type")
    if not isinstance(role, str) or not role.strip():
        raise ValueError(f"Message {position} of the conversation has no role.")
    content = entry.get("content", entry.get("value"))
    rest = {k: plain(v) for k, v in entry.items() if k not in {"role", "from", "type", "content", "value"}}
    word = role.strip().lower()
    return {"role": _ROLES.get(word, word), "content": "" if content is None else plain(content), **rest}


def plain(value: Any) -> Any:
    """A value as strict JSON can hold it: no NaN, no dates, no half characters."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value) if abs(value) < 10**30 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean_text(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return clean_text(str(value))


def dump(value: Any) -> str:
    """Structured content as text a person can read."""
    return json.dumps(plain(value), ensure_ascii=False, indent=2)
