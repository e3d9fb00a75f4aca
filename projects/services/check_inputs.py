"""An output as a check reads it: its text, the tools it called, and what its item expects."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from projects.checks.base import Given

_EXPECTED = ("expected_tool_calls", "tool_calls")


def given_of(
    text: str, messages: list[dict[str, Any]], reference: list[Any], language: str, metadata: dict[str, Any]
) -> Given:
    expected = next((metadata[key] for key in _EXPECTED if isinstance(metadata.get(key), list)), None)
    return Given(
        text=text or _last_text(messages),
        calls=tuple(_calls(call for message in messages for call in message.get("tool_calls") or ())),
        reference=tuple(each for each in reference if isinstance(each, str)),
        language=language,
        expected_calls=None if expected is None else tuple(_calls(expected)),
    )


def _last_text(messages: list[dict[str, Any]]) -> str:
    """What the assistant said last; of several parts, those that are text."""
    for message in reversed(messages):
        if message.get("role") in {"user", "system", "tool"}:
            continue
        content = message.get("content")
        if isinstance(content, list):
            parts = (part.get("text") if isinstance(part, dict) else part for part in content)
            content = "\n".join(part for part in parts if isinstance(part, str))
        if isinstance(content, str) and content.strip():
            return content
    return ""


def _calls(found: Any) -> Iterator[dict[str, Any]]:
    """{name, arguments}, whichever way a tool writes it: flat, or with a `function` inside; arguments may be JSON."""
    for call in found:
        inner = call.get("function", call) if isinstance(call, dict) else {"name": call}
        inner = inner if isinstance(inner, dict) else {"name": inner}
        name = inner.get("name")
        if isinstance(name, str) and name:
            arguments = inner.get("arguments", inner.get("args", inner.get("input")))
            if isinstance(arguments, str):
                with contextlib.suppress(ValueError, RecursionError):
                    arguments = json.loads(arguments)
            yield {"name": name, "arguments": arguments}
