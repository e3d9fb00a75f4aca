"""What machines say about the answers: what each took, what two rules count, and what an LLM judge thinks.

Everything follows from the texts, the truth written beside them and a seed. The judge's faults are planted, so that
a reader can see the report find them (docs/demo-study.md): it likes length, it likes the answers of the model family
it is of, it takes a confident invention for the truth, and of a pair it likes the one that it reads first.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from analytics.demo.content import NEW, OLD, SEARCH, SYSTEMS, Answer, Prompt, prompts

JUDGE = "house-judge"
LIKES_LENGTH = 1.8  # points from the shortest to the longest answers
LIKES_ITS_OWN = 0.45  # points for answers of its own family
LIKES_THE_FIRST = 0.6  # points for the answer read first, of two
WEIGHT_OF_TRUTH = 0.5  # how much of a point it sees of each point of the truth
NOISE = 0.4
UNREADABLE = 0.03  # share of verdicts that hold no number
QUOTED_WORDS = 6

_WORD = re.compile(r"\w+")


def draws(seed: int, *about: str) -> random.Random:
    """Chance that depends on what it is about and never on the order of asking."""
    return random.Random("/".join([str(seed), *about]))  # noqa: S311 - a simulation


def length(answer: Answer) -> float:
    """0 for ten words or fewer, 1 for 160 or more; the logarithm between."""
    return min(1.0, max(0.0, math.log(answer.words / 10) / math.log(16)))


# -- what it took ---------------------------------------------------------------------------------------

# milliseconds before the first token and for each; tokens of the standing instructions; dollars a million tokens
_MODELS = {NEW: (620, 11.5, 910, 2.5, 10.0), OLD: (380, 7.0, 540, 0.5, 1.5)}


def _tokens(text: str) -> int:
    """About four letters a token, and less than two of scripts that tokenisers know less well."""
    rare = sum(character > "\u0500" and character.isalpha() for character in text)
    return math.ceil((len(text) - rare) / 4.1 + rare / 1.9)


def measures(prompt: Prompt, system: str, seed: int) -> dict[str, Any]:
    """Latency, tokens and cost. The search has no tokens: that is no zero."""
    draw = draws(seed, "measures", prompt.id, system)
    if system == SEARCH:
        return {"latency_ms": round(draw.gauss(105, 18)), "cost_usd": 0.0001}
    first, each, standing, cost_in, cost_out = _MODELS[system]
    asked = "".join(message["content"] for message in prompt.messages) + "".join(prompt.sources)
    tokens_in, tokens_out = standing + _tokens(asked), _tokens(prompt.answers[system].text)
    ttft = first * math.exp(draw.gauss(0, 0.15)) + 0.05 * tokens_in
    return {
        "latency_ms": round(ttft + tokens_out * each * math.exp(draw.gauss(0, 0.12))),
        "ttft_ms": round(ttft),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost_usd": round((tokens_in * cost_in + tokens_out * cost_out) / 1e6, 6),
    }


def output_rows(seed: int) -> Iterator[dict[str, Any]]:
    """The answers as a team would send them: one row an answer."""
    for prompt in prompts():
        asked = {
            "item": prompt.id,
            "messages": list(prompt.messages),
            "context": list(prompt.sources),
            "reference": [prompt.reference] if prompt.reference else None,
            "tags": list(prompt.tags),
            "language": prompt.language,
        }
        for system in SYSTEMS:
            if system in prompt.errors:
                yield asked | {"system": system, "error": prompt.errors[system], "latency_ms": 10_000}
            else:
                text = prompt.answers[system].text
                yield asked | {"system": system, "output": text, **measures(prompt, system, seed)}


# -- rules and judges -----------------------------------------------------------------------------------


def quotes_source(prompt: Prompt, answer: Answer) -> bool:
    """Six words in a row as they stand in a source."""
    said = " ".join(_WORD.findall(answer.text.lower()))
    for source in prompt.sources:
        words = _WORD.findall(source.lower())
        if any(" ".join(words[n : n + QUOTED_WORDS]) in said for n in range(len(words) - QUOTED_WORDS + 1)):
            return True
    return False


def opinion(prompt: Prompt, system: str, seed: int) -> float:
    """What the judge thinks of an answer before it says a number: planted faults and chance."""
    answer = prompt.answers[system]
    seen = 4 if answer.invents else answer.truth.correct
    found = 0.8 + WEIGHT_OF_TRUTH * (seen - 1) + LIKES_LENGTH * length(answer)
    found += LIKES_ITS_OWN if system != SEARCH else 0
    return found + draws(seed, "judge", prompt.id, system).gauss(0, NOISE)


def score_rows(seed: int) -> Iterator[dict[str, Any]]:
    """One row a score. A verdict that could not be read is missing with its reason; it is no zero."""
    for prompt in prompts():
        for system, answer in prompt.answers.items():
            row = {"item": prompt.id, "system": system}
            yield row | {"metric": "words", "kind": "number", "source": "code", "value": answer.words}
            if prompt.sources:
                quoted = quotes_source(prompt, answer)
                yield row | {"metric": "quotes-source", "kind": "bool", "source": "code", "value": quoted}
            verdict: dict[str, Any] = {"metric": "judge", "kind": "number", "source": "llm", "judge": JUDGE}
            if draws(seed, "unreadable", prompt.id, system).random() < UNREADABLE:
                why = "The judge wrote about the answer and gave no number."
                yield row | verdict | {"value": "n/a", "explanation": why}
            else:
                yield row | verdict | {"value": min(4, max(1, round(opinion(prompt, system, seed))))}


def pair_rows(seed: int) -> Iterator[dict[str, Any]]:
    """Every pair in both orders, so that what the order did can be told apart."""
    for prompt in prompts():
        for a, b in combinations(prompt.answers, 2):
            for position in ("a_first", "b_first"):
                lean = opinion(prompt, b, seed) - opinion(prompt, a, seed)
                lean += LIKES_THE_FIRST if position == "b_first" else -LIKES_THE_FIRST
                lean += draws(seed, "pair", prompt.id, a, b, position).gauss(0, NOISE)
                value = "tie" if abs(lean) < 0.15 else ("b" if lean > 0 else "a")
                yield {
                    "item": prompt.id, "system": a, "system_b": b, "position": position, "metric": "judge-pair",
                    "kind": "preference", "source": "llm", "judge": JUDGE, "value": value,
                }  # fmt: skip
