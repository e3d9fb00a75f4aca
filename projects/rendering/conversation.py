"""Messages as the tools write them, brought to one shape: who speaks, and which parts the message has.

Understood: OpenAI (`tool_calls`, `function_call`, content parts), Anthropic (`tool_use`, `tool_result`,
`thinking`), LangChain and Inspect (`name`, `args` or `arguments` in the call), ShareGPT (`from`, `value`).
Identifiers of calls pair calls with results and are never shown: their prefix would name the system.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ROLES = {
    **dict.fromkeys(("user", "human", "prompter", "customer"), "user"),
    **dict.fromkeys(("assistant", "ai", "gpt", "bot", "chatbot", "model"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "ipython", "tool_result", "observation"), "tool"),
}
_TEXT_TYPES = frozenset({"text", "input_text", "output_text", "refusal"})
_REASONING_TYPES = frozenset({"thinking", "reasoning"})
_IMAGE_TYPES = frozenset({"image", "image_url", "input_image"})
_SOUND_TYPES = frozenset({"audio", "audio_url", "input_audio"})
_CALL_TYPES = frozenset({"tool_use", "function_call", "tool_call"})
_RESULT_TYPES = frozenset({"tool_result", "function_call_output"})


@dataclass(slots=True)
class Text:
    text: str


@dataclass(slots=True)
class Reasoning:
    text: str


@dataclass(slots=True)
class Image:
    address: str
    alt: str = ""
    word: str = "image"  # or sound


@dataclass(slots=True)
class Other:
    value: object


@dataclass(slots=True)
class Result:
    content: object
    name: str = ""
    call_id: str = ""


@dataclass(slots=True)
class Call:
    name: str
    arguments: object
    call_id: str = ""
    result: Result | None = None


Part = Text | Reasoning | Image | Other | Result | Call


@dataclass(slots=True)
class Message:
    role: str
    label: str
    parts: list[Part] = field(default_factory=list)


def read(messages: Sequence[Any]) -> list[Message]:
    """Every message with its parts; a result is moved into the call that it answers."""
    participants: dict[str, str] = {}
    waiting: dict[str, list[Call]] = {}
    found = []
    for raw in messages:
        message = _message(raw, participants)
        message.parts = [part for part in message.parts if not _answers(part, waiting)]
        for part in message.parts:
            if isinstance(part, Call) and part.call_id:
                waiting.setdefault(part.call_id, []).append(part)
        if message.parts:
            found.append(message)
    return found


def _answers(part: Part, waiting: dict[str, list[Call]]) -> bool:
    if not (isinstance(part, Result) and waiting.get(part.call_id)):
        return False
    waiting[part.call_id].pop(0).result = part
    return True


def _message(raw: object, participants: dict[str, str]) -> Message:
    if not isinstance(raw, Mapping):
        return Message("user", "User", [Text(raw)] if isinstance(raw, str) else [Other(raw)])
    written = str(raw.get("role") or raw.get("from") or raw.get("type") or "user").lower()
    role = _ROLES.get(written, "participant")
    label = role.capitalize()
    if role == "participant":
        # A role's own name may be a model's name, so participants are numbered.
        label = participants.setdefault(written, f"Participant {len(participants) + 1}")
    content = raw.get("content") if "content" in raw else raw.get("value")
    if role == "tool":
        content = raw.get("output") if content is None else content
        identity = str(raw.get("tool_call_id") or raw.get("tool_use_id") or "")
        return Message(role, label, [Result(_joined(content), str(raw.get("name") or ""), identity)])
    return Message(role, label, [*_content(content), *_refusal(raw), *_calls(raw)])


def _joined(content: object) -> object:
    """A result given as text parts is one text; anything else stays what it is."""
    if isinstance(content, Sequence) and not isinstance(content, str) and content:
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(map(str, texts))
    return content


def _content(content: object) -> Iterator[Part]:
    if content is None or content == "":
        return
    if isinstance(content, str):
        yield Text(content)
    elif isinstance(content, Sequence):
        for part in content:
            yield _part(part)
    else:
        yield _part(content)


def _part(part: object) -> Part:
    if isinstance(part, str):
        return Text(part)
    if not isinstance(part, Mapping):
        return Other(part)
    kind = str(part.get("type") or "text")
    if kind in _TEXT_TYPES | _REASONING_TYPES:
        text = part.get("text") or part.get("refusal") or part.get("thinking") or part.get("reasoning")
        if isinstance(text, str):
            return Reasoning(text) if kind in _REASONING_TYPES else Text(text)
    if kind in _IMAGE_TYPES:
        return _image(part)
    if kind in _SOUND_TYPES and (address := _address(part)):
        return Image(address, str(part.get("alt") or ""), "sound")
    if kind in _CALL_TYPES:
        return _call(part)
    if kind in _RESULT_TYPES:
        content = part.get("output") if "output" in part else part.get("content")
        identity = str(part.get("tool_use_id") or part.get("call_id") or "")
        return Result(_joined(content), str(part.get("name") or ""), identity)
    return Other(part)


def _image(part: Mapping[str, Any]) -> Image:
    source = part.get("image_url") or part.get("source") or part.get("image") or ""
    if isinstance(source, Mapping):
        source = source.get("url") or f"embedded {source.get('media_type') or 'image'}"
    return Image(str(source), str(part.get("alt") or ""))


def _address(part: Mapping[str, Any]) -> str:
    source = part.get("audio_url") or part.get("audio") or part.get("source") or part.get("path")
    if isinstance(source, Mapping):
        source = source.get("url") or source.get("path")
    return source if isinstance(source, str) else ""


def _refusal(raw: Mapping[str, Any]) -> Iterator[Part]:
    if isinstance(raw.get("refusal"), str) and raw["refusal"]:
        yield Text(raw["refusal"])


def _calls(raw: Mapping[str, Any]) -> Iterator[Call]:
    calls = raw.get("tool_calls")
    if isinstance(calls, Sequence) and not isinstance(calls, str):
        yield from (_call(call) for call in calls)
    if isinstance(raw.get("function_call"), Mapping):
        yield _call(raw["function_call"])


def _call(call: object) -> Call:
    if not isinstance(call, Mapping):
        return Call("tool", call)
    inner = call.get("function")
    source: Mapping[str, Any] = inner if isinstance(inner, Mapping) else call
    name = source.get("name") or (inner if isinstance(inner, str) else "") or "tool"
    arguments = next((source[key] for key in ("arguments", "args", "input") if key in source), None)
    return Call(str(name), arguments, str(call.get("id") or call.get("call_id") or ""))
