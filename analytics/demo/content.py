"""The written part of the study: prompts, the answers of three systems, and how good each answer is by design.

`prompts/*.yaml` hold lists of prompts. Of each:

- `id`, `tags`, and `language` if it is not English;
- `ask`, or `talk` for a conversation: what the customer and the assistant said in turn, the customer last;
- `sources`: keys of passages in `handbook.yaml`; `extra`: further passages, written out;
- `reference`: what a good answer says, where that is not plain;
- one answer for each system: its `text`, or the `error` that kept it from answering.

`is` holds the truth about an answer, which the simulated raters and judges see through their own faults:
`correct` (1 to 4), `grounded`, `detail` (1 to 3), `tone` (1 to 5), `safe`, on the scales of `studies/`. `invents: yes`
marks a rule, menu or figure told with confidence that does not exist. `note` is what a rater might write about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
NEW, OLD, SEARCH = "sprout-2", "sprout-1", "faq-search"
SYSTEMS = (NEW, OLD, SEARCH)


@dataclass(frozen=True, slots=True)
class Truth:
    correct: int
    grounded: bool
    detail: int
    tone: int
    safe: bool


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    truth: Truth
    invents: bool = False
    note: str = ""

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Prompt:
    id: str
    tags: tuple[str, ...]
    language: str
    messages: tuple[dict[str, str], ...]
    sources: tuple[str, ...]
    reference: str
    answers: dict[str, Answer]
    errors: dict[str, str]


# What begins a line that goes on from none: a list item, a table row, a heading, code, a formula, nothing.
_OPENS = re.compile(r"[-*] |\d{1,2}\. |[|#]|```|\$\$|$")
_CLOSED = re.compile(r"[|#]|```|\$\$|$")  # and what no line goes on from


def unwrapped(text: str) -> str:
    """Paragraphs on one line each, as systems write them: the files are wrapped for those who edit them, and the
    rating page keeps every line break."""
    lines: list[str] = []
    is_code, before = False, ""
    for line in text.strip().splitlines():
        words = line.lstrip("> ")
        quoted_alike = line.startswith(">") == bool(lines and lines[-1].startswith(">"))
        if not (is_code or _OPENS.match(words) or _CLOSED.match(before)) and quoted_alike:
            lines[-1] += f" {words}"
        else:
            lines.append(line)
        is_code ^= words.startswith("```")
        before = words
    return "\n".join(lines)


@cache
def prompts() -> tuple[Prompt, ...]:
    """All prompts, in the order of the files and within them."""
    files = sorted((HERE / "prompts").glob("*.yaml"))
    return tuple(_prompt(row) for path in files for row in _read(path))


@cache
def answers() -> dict[tuple[str, str], Answer]:
    """By prompt and system."""
    return {(prompt.id, system): answer for prompt in prompts() for system, answer in prompt.answers.items()}


def _read(path: Path) -> Any:
    # The loader in C takes a tenth of the time; it is not there everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - both are safe


@cache
def passages() -> dict[str, str]:
    """The help centre, by key: each passage under a heading of its own."""
    book = _read(HERE / "handbook.yaml")
    return {key: f"# {passage['title']}\n\n{unwrapped(passage['text'])}" for key, passage in book.items()}


def _prompt(row: dict[str, Any]) -> Prompt:
    told = {system: row[system] for system in SYSTEMS}
    return Prompt(
        id=row["id"],
        tags=tuple(row["tags"]),
        language=row.get("language", "en"),
        messages=tuple(_messages(row)),
        sources=(
            *(passages()[key] for key in row.get("sources", ())),
            *(unwrapped(text) for text in row.get("extra", ())),
        ),
        reference=row.get("reference", ""),
        answers={system: _answer(given) for system, given in told.items() if "text" in given},
        errors={system: given["error"] for system, given in told.items() if "error" in given},
    )


def _messages(row: dict[str, Any]) -> Iterator[dict[str, str]]:
    for number, said in enumerate(row.get("talk") or [row["ask"]]):
        yield {"role": "assistant" if number % 2 else "user", "content": unwrapped(said)}


def _answer(given: dict[str, Any]) -> Answer:
    return Answer(unwrapped(given["text"]), Truth(**given["is"]), bool(given.get("invents")), given.get("note", ""))
