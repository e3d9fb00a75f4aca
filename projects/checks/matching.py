"""How near an output comes to the item's reference answers, and whether it calls the tools it should.

Several references are alternatives: the best one counts. Without a reference there is a reason, never a zero."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from typing import Any

from projects.checks.base import Check, Found, Given, NoValue, Option, Options, one_of

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_WORD = re.compile(r"[^\w\s]|_")
_TYPES = ("rouge1", "rouge2", "rougeL")


def _both(given: Given) -> tuple[str, list[str]]:
    references = [each for each in given.reference if each.strip()]
    if not references:
        raise NoValue("The item has no reference answer.")
    if not given.text.strip():
        raise NoValue("The output has no text.")
    return given.text, references


def exact(given: Given, options: Options) -> Found:
    output, references = _both(given)
    return Found(output.strip() in {each.strip() for each in references})


def plain(words: str) -> str:
    """As SQuAD's script compares: no capitals, punctuation, English articles or spaces beyond one."""
    bare = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", words).casefold())
    return " ".join(_ARTICLES.sub(" ", bare).split())


def normalised(given: Given, options: Options) -> Found:
    output, references = _both(given)
    return Found(plain(output) in {plain(each) for each in references})


@lru_cache(maxsize=4)
def _scorer(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

    return RougeScorer([kind])


def rouge(given: Given, options: Options) -> Found:
    output, references = _both(given)
    kind = options["type"]
    return Found(max(float(_scorer(kind).score(each, output)[kind].fmeasure) for each in references))


def bleu(given: Given, options: Options) -> Found:
    import sacrebleu

    output, references = _both(given)
    return Found(_percent(sacrebleu.sentence_bleu(output, references, use_effective_order=True).score))


def chrf(given: Given, options: Options) -> Found:
    import sacrebleu

    output, references = _both(given)
    return Found(_percent(sacrebleu.sentence_chrf(output, references).score))


def _percent(score: float) -> float:
    return min(100.0, max(0.0, round(float(score), 6)))  # a perfect match is 100.00000000000004 there


# --- tool calls


def _calls(given: Given) -> tuple[dict[str, Any], ...]:
    if given.expected_calls is None:
        raise NoValue("The item does not say which tools are to be called (metadata tool_calls).")
    return given.expected_calls


def tool_names(given: Given, options: Options) -> Found:
    wanted, called = [[each["name"] for each in calls] for calls in (_calls(given), given.calls)]
    same = wanted == called if options["order"] == "as given" else sorted(wanted) == sorted(called)
    return Found(same, f"Called {', '.join(called) or 'nothing'}; expected {', '.join(wanted) or 'nothing'}.")


def tool_arguments(given: Given, options: Options) -> Found:
    """Each expected call has a call of its own with the same name and equal arguments."""
    left = [_canonical(each) for each in given.calls]
    for each in _calls(given):
        wanted = _canonical(each)
        if wanted not in left:
            return Found(False, f"No call of {each['name']} has the arguments {wanted[1][:200]}.")
        left.remove(wanted)
    return Found(not left, f"Called {left[0][0]} beyond what was expected." if left else "")


def _canonical(call: dict[str, Any]) -> tuple[str, str]:
    return str(call["name"]), json.dumps(call.get("arguments"), sort_keys=True)


_ORDER = Option("order", "Order of the calls", one_of("any", "as given"), "any", choices=("any", "as given"))
CHECKS = (
    Check("exact_match", "Exact match", "The output is a reference answer, letter by letter.", "1", exact),
    Check("normalised_match", "Normalised match", "The same without capitals, punctuation and articles.", "1",
          normalised),
    Check("rouge", "ROUGE", "Overlap of words with the best reference (F-measure, rouge-score).", "1", rouge,
          kind="number", scale=(0.0, 1.0), name=lambda options: str(options["type"]),
          options=(Option("type", "Type", one_of(*_TYPES), "rougeL", choices=_TYPES),)),
    Check("bleu", "BLEU", "Overlap of word sequences with the references, by sentence (sacreBLEU).", "1", bleu,
          kind="number", scale=(0.0, 100.0)),
    Check("chrf", "chrF", "Overlap of letter sequences with the references, by sentence (sacreBLEU).", "1", chrf,
          kind="number", scale=(0.0, 100.0)),
    Check("tool_names", "Tools called", "The tools that the item expects are called, and no other.", "1", tool_names,
          options=(_ORDER,)),
    Check("tool_arguments", "Tool arguments", "The expected tools are called with the expected arguments.", "1",
          tool_arguments),
)  # fmt: skip
