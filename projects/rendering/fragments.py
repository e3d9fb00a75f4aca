"""The fragments that pages show: an output, a prompt. Markup depends on content, never on the system."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projects.rendering import conversation
from projects.rendering.conversation import Call, Image, Message, Other, Part, Reasoning, Result, Text
from projects.rendering.limits import Budget
from projects.rendering.markdown import cut_notice, prose, render_text
from projects.rendering.references import kind_of, local_name, marked, whole_name
from projects.rendering.sanitiser import safe_text, sanitise, tidy
from projects.rendering.structured import pretty, render_json

_MAX_MESSAGES = 500
_MAX_SUMMARY = 60
_MAX_ADDRESS = 200
_OPEN_BELOW = 600  # characters: a short tool exchange or source is read at once, a long one is opened


@dataclass(frozen=True, slots=True)
class RenderedTurn:
    """One turn: `kind` is "text" or "tool"; `html` is its body without the label."""

    role: str
    label: str
    html: str
    kind: str


def _turn(label: str, html: str) -> str:
    return f'<div class="turn"><p class="turn-who">{safe_text(label)}</p>{html}</div>'


def _stacked(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f'<div class="stack stack-2">{"".join(parts)}</div>'


def _fold(summary: str, body: str, *, is_open: bool = False) -> str:
    opened = " open" if is_open else ""
    return f'<details class="fold"{opened}><summary dir="auto">{safe_text(summary)}</summary>{body}</details>'


def _shortened(text: str, limit: int = _MAX_SUMMARY) -> str:
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _text(text: str, budget: Budget) -> str:
    if not text.strip():
        return prose('<p class="quiet">This text is empty.</p>')
    if name := whole_name(text):
        return prose(f"<p>{_file(name, name, '', kind_of(name) or '')}</p>")
    return render_json(text, budget) or render_text(text, budget)


def _file(name: str, address: str, alt: str, word: str) -> str:
    """An image or a sound: in words, with the name that a file uploaded takes the place of."""
    words = f"[{kind_of(name) or word}: {alt}]" if alt else f"[{kind_of(name) or word}]"
    shown = f'<span class="quiet">{safe_text(words)}</span> '
    shown += f"<code>{safe_text(_shortened(address, _MAX_ADDRESS))}</code>"
    return marked(name, shown) if name else shown


def _pre(value: object, budget: Budget) -> str:
    text = tidy(pretty(value)).lstrip("\n")
    part = budget.take(text)
    notice = cut_notice(len(part), len(text)) if len(part) < len(text) else ""
    return f'<pre dir="auto">{safe_text(part)}</pre>{notice}'


def _arguments_in_short(arguments: object) -> str:
    """`number 2041`: enough to tell two calls apart while they are folded."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return _shortened(str(arguments))
    if not isinstance(arguments, Mapping):
        return ""
    plain = [f"{key} {value}" for key, value in arguments.items() if isinstance(value, str | int | float)]
    return _shortened(", ".join(plain[:4]))


def _tool(name: str, brief: str, state: str, rows: list[tuple[str, str]]) -> str:
    is_open = " open" if sum(len(html) for _, html in rows) < _OPEN_BELOW else ""
    body = "".join(f"<dt>{term}</dt><dd>{html}</dd>" for term, html in rows)
    summary = f"<code>{safe_text(_shortened(name))}</code>"
    summary += f'<span class="quiet">{safe_text(brief)}</span><span class="push quiet">{state}</span>'
    return f'<details class="tool"{is_open}><summary>{summary}</summary><dl>{body}</dl></details>'


def _call(call: Call, budget: Budget) -> str:
    rows = []
    if call.arguments not in (None, "", {}, "{}"):
        rows.append(("Arguments", _pre(call.arguments, budget)))
    if call.result is not None:
        rows.append(("Result", _pre(call.result.content, budget)))
    state = "called" if call.result is None else "returned"
    return _tool(call.name, _arguments_in_short(call.arguments), state, rows)


def _part(part: Part, budget: Budget) -> str:
    match part:
        case Text(text):
            return _text(text, budget)
        case Reasoning(text):
            return _fold("Reasoning", render_text(text, budget))
        case Image(address, alt, word):
            return prose(f"<p>{_file(local_name(address), address, alt, word)}</p>")
        case Call():
            return _call(part, budget)
        case Result(content, name):
            return _tool(name or "tool", "", "returned", [("Result", _pre(content, budget))])
        case Other(value):
            return _tool("content", "", "not text", [("Value", _pre(value, budget))])


def _turns_of(message: Message, budget: Budget) -> list[RenderedTurn]:
    """Words first, as one turn; then its tools, as another."""
    words = [part for part in message.parts if not isinstance(part, Call | Result)]
    tools = [part for part in message.parts if isinstance(part, Call | Result)]
    turns = []
    if words:
        html = sanitise(_stacked([_part(part, budget) for part in words]))
        turns.append(RenderedTurn(message.role, message.label, html, "text"))
    if tools:
        html = sanitise(_stacked([_part(part, budget) for part in tools]))
        turns.append(RenderedTurn("tool", "Tool", html, "tool"))
    return turns


def _left_out(count: int) -> RenderedTurn:
    words = "1 further message is" if count == 1 else f"{count:,} further messages are"
    html = f'<p class="quiet small">The conversation is too long for one page: {words} not shown here.</p>'
    return RenderedTurn("notice", "Cut", html, "text")


def _turns(messages: list[Message], budget: Budget) -> list[RenderedTurn]:
    turns: list[RenderedTurn] = []
    for index, message in enumerate(messages):
        if index >= _MAX_MESSAGES or budget.characters <= 0:
            return [*turns, _left_out(len(messages) - index)]
        turns += _turns_of(message, budget)
    return turns


def render_messages(messages: Sequence[Mapping[str, Any]]) -> list[RenderedTurn]:
    """A conversation as turns; tool calls carry their results."""
    return _turns(conversation.read(messages), Budget())


def _has_text(messages: list[Message], text: str) -> bool:
    parts = (part.text for message in messages for part in message.parts if isinstance(part, Text))
    return any(text.strip() in written for written in parts)


def render_output(text: str, messages: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The body of an output: a `turn` for each speaker; a plain answer is one turn of the assistant.

    Text that no message holds is not lost: it follows as the last turn.
    """
    found = conversation.read(messages or [])
    if not found or (text.strip() and not _has_text(found, text)):
        found.append(Message("assistant", "Assistant", [Text(text)]))
    return sanitise("".join(_turn(turn.label, turn.html) for turn in _turns(found, Budget())))


def _earlier(messages: list[Message], budget: Budget) -> str:
    count = len(messages)
    summary = "1 earlier turn" if count == 1 else f"{count:,} earlier turns"
    return _fold(summary, "".join(_turn(turn.label, turn.html) for turn in _turns(messages, budget)))


def _question(messages: list[Message], budget: Budget) -> list[str]:
    """What the user said last stands open; what came before is folded above it.

    Questions in a row, as of a set conversation whose answers are the outputs, all stand open."""
    last_asked = len(messages) - 1
    asked = max((n for n, message in enumerate(messages) if message.role == "user"), default=last_asked)
    while asked > 0 and messages[asked].role == messages[asked - 1].role == "user":
        asked -= 1
    system = [message for message in messages[:asked] if message.role == "system"]
    earlier = [message for message in messages[:asked] if message.role != "system"]
    last, *rest = _turns(messages[asked : asked + 1], budget) or [_left_out(1)]
    above = [_fold("System message", turn.html) for turn in _turns(system, budget)]
    if earlier:
        above.append(_earlier(earlier, budget))
    following = [*rest, *_turns(messages[asked + 1 :], budget)]
    return [
        _turn(last.label, _stacked([*above, last.html])),
        *(_turn(turn.label, turn.html) for turn in following),
    ]


def _source(number: int, text: str, *, is_open: bool, budget: Budget) -> str:
    words = text.strip()
    if words.startswith("#"):  # a heading of its own
        words = words.splitlines()[0].strip("# ") or words
    body = render_text(text, budget).replace('class="prose"', 'class="prose source"', 1)
    return _fold(f"{number} · {_shortened(words)}", body, is_open=is_open)


def _sources(label: str, texts: Sequence[str], budget: Budget) -> list[str]:
    """Numbered folds: answers cite sources by number."""
    short = sum(map(len, texts)) < _OPEN_BELOW
    folds = [_source(n, text, is_open=short, budget=budget) for n, text in enumerate(texts, start=1)]
    return [_turn(label if len(folds) == 1 else f"{label}s", _stacked(folds))] if folds else []


def render_prompt(
    messages: Sequence[Mapping[str, Any]],
    context: Sequence[str] = (),
    reference: str | Sequence[str] = (),
) -> str:
    """What the system was asked: the question, its sources, and the reference answers if given."""
    budget = Budget()
    references = [reference] if isinstance(reference, str) else list(reference)
    found = conversation.read(messages)
    turns = _question(found, budget) if found else []
    turns += _sources("Source", [text for text in context if text.strip()], budget)
    turns += _sources("Reference", [text for text in references if text.strip()], budget)
    return sanitise("".join(turns))
