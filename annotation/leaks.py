"""Words in a text that tell which system wrote it. Pure: texts in, places out.

Terms come from the systems of a round, from the lead, and from a list of makers and model families. They are
matched by RE2, in time linear in the text, whatever somebody wrote into the list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import re2
from django.utils.translation import gettext_noop

Why = Literal["system", "list", "known", "identifier"]
WORDS: dict[Why, str] = {
    "system": gettext_noop("names a system of this round"),
    "list": gettext_noop("is on your list"),
    "known": gettext_noop("names a maker or a family of models"),
    "identifier": gettext_noop("is an identifier of one maker's interface"),
}
REMOVED = "[removed]"
LONGEST_TERM = 100
MOST_TERMS = 500

# Makers and families, as answers name themselves. Words that are everyday language as well (Llama, Gemini, Grok)
# are here all the same: the lead accepts what is meant otherwise.
KNOWN = (
    *("OpenAI", "ChatGPT", "GPT-3", "GPT-3.5", "GPT-4", "GPT-4o", "GPT-4.1", "GPT-5", "GPT", "davinci", "Codex"),
    *("Anthropic", "Claude", "DeepMind", "Gemini", "Gemma", "PaLM", "Google Bard", "Vertex AI"),
    *("Meta AI", "Llama", "Vicuna", "Alpaca", "Mistral", "Mixtral", "Codestral", "Magistral", "Cohere", "Command R"),
    *("DeepSeek", "Qwen", "Tongyi", "Alibaba Cloud", "Moonshot", "Kimi", "Zhipu", "ChatGLM", "MiniMax", "Baichuan"),
    *("xAI", "Grok", "Amazon Nova", "Amazon Titan", "Bedrock", "Microsoft Copilot", "Phi-3", "Phi-4", "Nemotron"),
    *("Falcon-180B", "Jamba", "AI21", "Inflection", "Perplexity", "Sonar", "Granite", "OLMo", "Yi-34B", "Aleph Alpha"),
)
# The beginnings of identifiers that the makers' interfaces give to calls, messages and answers.
IDENTIFIERS = r"\b(?:chatcmpl-|toolu_|call_|msg_|resp_|run_|asst_|thread_|srvtoolu_|fc_)[A-Za-z0-9]{8,}"

# Names that say nothing, so they are no leak by themselves; with a version they are looked for.
_EVERYDAY = frozenset(
    (
        *("a", "b", "x", "y", "one", "two", "v1", "v2", "v3", "old", "new", "next", "latest", "current", "default"),
        *("agent", "ai", "answer", "assistant", "bot", "chat", "chatbot", "faq", "llm", "model", "output", "rag"),
        *("baseline", "candidate", "control", "treatment", "test", "demo", "mock", "judge", "variant", "version"),
        *("large", "mini", "small", "turbo", "pro", "local", "main", "stable", "staging", "prod", "production"),
        *("pipeline", "provider", "run", "search", "support", "system"),
    )
)
# Between the parts of a name people write anything, or nothing: "gpt-4", "GPT 4", "gpt4".
_SEPARATORS = "-_ \t\u00a0./:@"
_GAP = r"[-_ \t\x{a0}./:@]{0,2}"


@dataclass(frozen=True, slots=True)
class Term:
    """What is looked for. Two terms that differ only in case and in what stands between their parts are one."""

    text: str
    why: Why

    @property
    def key(self) -> str:
        return "".join(_parts(self.text.casefold()))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a term stands in a text, by code points."""

    start: int
    end: int
    term: Term


def system_terms(systems: Iterable[tuple[str, str]]) -> list[Term]:
    """Terms of systems given as (name, version): the name and its parts ("openai:gpt-4o-mini" also as "openai"
    and as "gpt-4o-mini"), and the name with its version. Everyday words count only together with a version."""
    found: list[Term] = []
    for name, version in systems:
        pieces = [name, *(piece for piece in _split(name, ":/@") if piece != name)]
        found += [Term(piece, "system") for piece in pieces if _telling(piece)]
        if version:
            found.append(Term(f"{name} {version}", "system"))
            if _telling(version) and any(c.isalpha() for c in version) and len(version) > 3:
                found.append(Term(version, "system"))
    return found


def own_terms(text: str) -> list[Term]:
    """The lead's own list, a term a line. Raises ValueError with a sentence for what cannot be looked for."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        if len(line) > LONGEST_TERM:
            raise ValueError(f"“{line[:40]}…” is longer than {LONGEST_TERM} characters.")
        if not _parts(line):
            raise ValueError(f"“{line}” holds no letter and no digit, so it cannot be looked for.")
    if len(lines) > MOST_TERMS:
        raise ValueError(f"The list has {len(lines)} lines; at most {MOST_TERMS} are accepted.")
    return [Term(line, "list") for line in lines]


def known_terms() -> list[Term]:
    return [Term(text, "known") for text in KNOWN]


class Finder:
    """Looks for many terms at once. Earlier terms win over later ones of the same key."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms: dict[str, Term] = {}
        for term in terms:
            if term.key:
                self.terms.setdefault(term.key, term)
        options = re2.Options()
        options.case_sensitive = False
        options.max_mem = 64 << 20
        # The longest first: RE2 takes the first alternative that fits.
        ordered = sorted(self.terms.values(), key=lambda t: (-len(t.key), t.key))
        alternatives = [_GAP.join(re2.escape(part) for part in _parts(t.text)) for t in ordered]
        self._names = re2.compile("|".join(alternatives), options) if alternatives else None
        self._identifiers = re2.compile(IDENTIFIERS)

    def places(self, text: str) -> list[Place]:
        """Every place in order, none inside another."""
        found = sorted([*self._named(text), *self._identified(text)], key=lambda p: (p.start, -p.end))
        kept: list[Place] = []
        for place in found:
            if not kept or place.start >= kept[-1].end:
                kept.append(place)
        return kept

    def _named(self, text: str) -> Iterator[Place]:
        if self._names is None:
            return
        for match in self._names.finditer(text):
            start, end = match.span()
            if not _inside_word(text, start, end):
                term = self.terms.get("".join(_parts(match[0].casefold())))
                if term is not None:
                    yield Place(start, end, term)

    def _identified(self, text: str) -> Iterator[Place]:
        for match in self._identifiers.finditer(text):
            prefix = match[0][: match[0].find("_") + 1] or match[0].split("-")[0] + "-"
            yield Place(match.start(), match.end(), Term(prefix, "identifier"))


def redacted(text: str, places: Sequence[Place]) -> str:
    """The text with every place replaced by “[removed]”."""
    for place in sorted(places, key=lambda p: p.start, reverse=True):
        text = text[: place.start] + REMOVED + text[place.end :]
    return text


def snippet(text: str, place: Place, around: int = 40) -> tuple[str, str, str]:
    """(before, the words found, after) on one line."""
    before, after = text[max(0, place.start - around) : place.start], text[place.end : place.end + around]
    begin = "…" if place.start > around else ""
    end = "…" if place.end + around < len(text) else ""
    return (
        begin + " ".join(before.split()) + (" " if before[-1:].isspace() else ""),
        text[place.start : place.end],
        (" " if after[:1].isspace() else "") + " ".join(after.split()) + end,
    )


# Names of fields that pair calls with results; the page never shows what stands in them.
_UNSHOWN = frozenset({"id", "tool_call_id", "tool_use_id", "call_id", "role", "type"})


def shown_texts(value: Any) -> Iterator[str]:
    """Every text in messages that a page may show: names and arguments of calls too, identifiers not."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key not in _UNSHOWN:
                yield from shown_texts(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from shown_texts(each)


def redact_within(value: Any, finder: Finder, keys: frozenset[str]) -> Any:
    """The same messages with the terms of these keys replaced in every text that a page may show."""
    if isinstance(value, str):
        return redacted(value, [p for p in finder.places(value) if p.term.key in keys])
    if isinstance(value, Mapping):
        return {k: v if k in _UNSHOWN else redact_within(v, finder, keys) for k, v in value.items()}
    if isinstance(value, Sequence):
        return [redact_within(each, finder, keys) for each in value]
    return value


def _telling(piece: str) -> bool:
    key = "".join(_parts(piece.casefold()))
    return len(key) > 2 and key not in _EVERYDAY and not key.isdecimal()


def _split(text: str, separators: str) -> list[str]:
    for separator in separators:
        text = text.replace(separator, "\n")
    return [piece.strip() for piece in text.split("\n") if piece.strip()]


def _parts(text: str) -> list[str]:
    return [part for part in _split(text, _SEPARATORS) if any(c.isalnum() for c in part)]


def _inside_word(text: str, start: int, end: int) -> bool:
    """Whether the match is only a piece of a longer word: “gpt” in “egpt”, “ann” in “annual”."""
    return _joins(text[start - 1 : start], text[start]) or _joins(text[end : end + 1], text[end - 1])


def _joins(outside: str, inside: str) -> bool:
    if not outside or not _is_word(inside):
        return False
    # A digit ends a word and a letter ends a number: “gpt” stands alone in “gpt4”, “4” in “4o” does not matter.
    return _is_word(outside) and (outside.isalpha() == inside.isalpha())


def _is_word(character: str) -> bool:
    """Letters of scripts without capitals count as no part of a longer word: many of them write without spaces."""
    return unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Nd", "Mn", "Mc"}
