"""What tools pass to a system and get back: a text, messages, or an object with keys of the user's own."""

from __future__ import annotations

from typing import Any, NamedTuple

from projects.importers import limits, values
from projects.importers.identity import digest_id, user_message
from projects.importers.literals import parsed
from projects.importers.records import Message
from projects.importers.shapes import as_dict, as_list, as_text

_ID_KEYS = ("item_id", "itemId")
_MESSAGES = ("messages", "chat_history", "conversation")
_CONTEXTS = ("context", "contexts", "retrieved_contexts", "retrieved_documents", "documents", "sources")
_ANSWERS = ("answer", "output", "response", "completion", "content", "text", "result", "generated_text", "message")


class Asked(NamedTuple):
    messages: tuple[Message, ...]
    context: tuple[str, ...] = ()


class Answered(NamedTuple):
    text: str | None = None
    messages: tuple[Message, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.text is None and not self.messages

    def output(self, error: str, empty: str) -> dict[str, Any]:
        """What an output's record says of its content. What failed has none, whatever the file holds beside the error,
        and an answer that is not there is an error (`empty`), not an empty answer."""
        if error:
            return {"text": None, "messages": (), "error": error}
        return {"text": self.text, "messages": self.messages, "error": empty if self.is_empty else ""}


def named_id(*places: Any) -> str:
    """The id that the user named for matching, in the metadata or the inputs; '' when there is none."""
    for place in places:
        for key in _ID_KEYS:
            cell = as_dict(place).get(key)
            word = "" if isinstance(cell, dict | list | bool) else values.text(cell)
            if 0 < len(word) <= limits.MAX_ID_CHARS:
                return word
    return ""


def fitting_id(cell: Any) -> str:
    """A tool's own id, '' when it is none that can be stored."""
    word = "" if isinstance(cell, dict | list | bool) or values.is_missing(cell) else values.text(cell)
    return word if len(word) <= limits.MAX_ID_CHARS else ""


def asked(cell: Any) -> Asked:
    """The prompt in a text, a list of messages, or an object of inputs."""
    found = parsed(cell)
    if isinstance(found, list) and (messages := conversation_or_none(found)):
        return Asked(messages)
    if not isinstance(found, dict):
        text = values.dump(found) if isinstance(found, list) and found else values.body(found) if found != [] else ""
        return Asked(user_message(text) if text and text.strip() else ())
    inputs = {key: parsed(value) for key, value in found.items() if not values.is_missing(value) and value != []}
    context: tuple[str, ...] = ()
    for key in _CONTEXTS:
        if len(inputs) > 1 and key in inputs and not context:
            context = values.texts(inputs.pop(key))
    for key in _MESSAGES:
        if messages := conversation_or_none(inputs.get(key)):
            rest = {name: value for name, value in inputs.items() if name != key and name not in _ID_KEYS}
            return Asked((*messages, *(user_message(values.dump(rest)) if rest else ())), context)
    told = {key: value for key, value in inputs.items() if key not in _ID_KEYS}
    if not told:
        return Asked((), context)
    only = next(iter(told.values()))
    text = values.text(only) if len(told) == 1 and not isinstance(only, dict | list) else values.dump(told)
    return Asked(user_message(text) if text.strip() else (), context)


def answered(cell: Any) -> Answered:
    """The answer in a text, a list of messages, or an object of outputs; a chat completion is one too."""
    found = parsed(cell)
    if isinstance(found, list):
        messages = conversation_or_none(found)
        return Answered(None, messages) if messages else Answered(values.dump(found) if found else None)
    if not isinstance(found, dict):
        return Answered(values.body(found))
    if as_list(found.get("choices")):
        content = as_dict(as_dict(found["choices"][0]).get("message")).get("content")
        if isinstance(content, str):
            return Answered(content)
    outputs = {key: value for key, value in found.items() if not values.is_missing(value)}
    if not outputs:
        return Answered()
    named = next((key for key in _ANSWERS if isinstance(outputs.get(key), str)), "")
    if named:
        return Answered(outputs[named])
    if len(outputs) == 1:
        only = next(iter(outputs.values()))
        return answered(only) if isinstance(only, dict | list) else Answered(values.text(only))
    return Answered(values.dump(outputs))


def conversation_or_none(cell: Any) -> tuple[Message, ...]:
    """Messages, or () for anything else."""
    if not isinstance(cell, list) or not cell:
        return ()
    try:
        return values.conversation(cell)
    except ValueError:
        return ()


def split(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """What came before the system first spoke is the item, the rest is the output."""
    spoke = next((n for n, turn in enumerate(turns) if turn["role"] not in {"user", "system"}), len(turns))
    return turns[:spoke], turns[spoke:]


def said(turns: tuple[Message, ...]) -> Answered:
    """One answer is a text, several turns are messages."""
    if len(turns) == 1 and turns[0]["role"] == "assistant" and turns[0].keys() == {"role", "content"}:
        content = turns[0]["content"]
        if isinstance(content, str):
            return Answered(content)
    return Answered(None, turns)


def identity(messages: tuple[Message, ...], *ids: str) -> str:
    """The first id there is, else a digest of what was asked."""
    return next((each for each in ids if each), "") or digest_id(list(messages))


def part_text(content: Any) -> str | None:
    """The text of a message's content: a text, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = [as_text(as_dict(part).get("text")) for part in as_list(content)]
    return "\n".join(part for part in parts if part) if any(parts) else None
