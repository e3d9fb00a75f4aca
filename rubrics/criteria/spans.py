"""Passages marked in an output, each with a category and a severity (MQM: multidimensional quality metrics).

`data` lists them: {"start": 5, "end": 19, "category": "accuracy", "severity": "major", "revision": …}, counted in
characters (code points) of the output's text as it came in, `revision` being that text's digest. An empty list says
that nothing is to be marked. The number is the sum of the severities' points; less is better."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_noop

from rubrics.criteria.base import CANNOT_JUDGE, SEPARATOR, Choice, CriterionType, as_number, plain
from rubrics.specs import Answer, AnswerError, CriterionSpec

NONE = "none"
MAX_MARKS = 200
MAX_NAMES = 30
QUOTES = 3  # rows of the form to quote in
ALIKE = 0.5  # of the characters that either of two marks covers: from here on they mark the same
MAX_NAME = 60
CATEGORIES = ["accuracy", "fluency", "terminology", "style"]
SEVERITIES = {"minor": 1, "major": 5}
_TAKEN = (SEPARATOR, ":", "~")


class Spans(CriterionType):
    key = "spans"
    title = "Marked passages with category and severity"
    template = "rubrics/criteria/spans.html"
    measurements = ("ratio",)
    default_measurement = "ratio"
    scopes = ("output",)
    structured = True
    tolerance = gettext_noop("marks that are missing or too many")
    reads_text = True
    config_schema = {
        "categories": {"type": "array", "minItems": 1, "maxItems": MAX_NAMES, "items": {"type": "string"}},
        "severities": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number", "minimum": 0}},
    }

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        config = {"categories": list(CATEGORIES), "severities": dict(SEVERITIES)} | dict(spec.config)
        scope = "output" if spec.scope == "task" else spec.scope  # what is marked stands in an output
        return replace(spec, config=config, levels=(), scope=scope)

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        categories, severities = spec.config["categories"], spec.config["severities"]
        if not isinstance(categories, list) or not categories:
            found.append(("categories", f"“{spec.key}” needs at least one category."))
        else:
            found += _names("categories", spec.key, categories)
        if not isinstance(severities, dict) or not severities:
            found.append(("severities", f"“{spec.key}” needs at least one severity with its points."))
            return found
        found += _names("severities", spec.key, list(severities))
        points = [as_number(given) for given in severities.values()]
        if any(each is None or each < 0 for each in points):
            found.append(("severities", f"Each severity of “{spec.key}” needs its points: a number, 0 or more."))
        return found

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        return [Choice(NONE, gettext("Nothing to mark"), "0", css="alone")]

    def cannot_judge_choice(self, spec: CriterionSpec) -> Choice | None:
        return (
            Choice(CANNOT_JUDGE, gettext("Cannot judge"), CANNOT_JUDGE, css="alone")
            if spec.allow_cannot_judge
            else None
        )

    def chosen(self, value: str) -> set[str]:
        return set(value.split(SEPARATOR))

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        said = list(_marks(value))
        if not said or len(said) > MAX_MARKS or (NONE in said and len(said) > 1):
            raise AnswerError(
                gettext("“%(key)s” has no marks that fit. Accepted: 1 to %(most)s marks, or %(none)s alone.")
                % {"key": spec.key, "most": MAX_MARKS, "none": NONE}
            )
        found = [] if said == [NONE] else [self._mark(spec, mark) for mark in said]
        unique = {json.dumps(mark, sort_keys=True): mark for mark in found}
        data = sorted(unique.values(), key=lambda m: (m["start"], m["end"], m["category"], m["severity"]))
        points = sum(float(spec.config["severities"][mark["severity"]]) for mark in data)
        return Answer(number=points, data=data)

    def _mark(self, spec: CriterionSpec, mark: Any) -> dict[str, Any]:
        if not isinstance(mark, dict):
            raise AnswerError(
                gettext("“%(mark)s” is no mark of “%(key)s”. Accepted: from, to, category and severity.")
                % {"mark": mark, "key": spec.key}
            )
        category, severity = _called(spec, mark)
        start, end = _quoted(spec, mark) if "quote" in mark else (mark.get("start"), mark.get("end"))
        if not (isinstance(start, int) and isinstance(end, int) and _lies_within(spec, start, end)):
            raise AnswerError(
                gettext(
                    "A passage of “%(key)s” from %(start)s to %(end)s does not lie within the text. "
                    "Accepted: from 0 to %(n)s."
                )
                % {"key": spec.key, "start": start, "end": end, "n": len(spec.text) or "its end"}
            )
        found = {"start": start, "end": end, "category": category, "severity": severity}
        return {**found, "revision": spec.revision} if spec.revision else found

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        if answer.data is None:
            return super().form_value(spec, answer)
        return SEPARATOR.join(_written(mark) for mark in answer.data) or NONE

    def words(self, spec: CriterionSpec, answer: Answer) -> str:
        if answer.data is None:
            return super().words(spec, answer)
        return "; ".join(_told(spec, mark) for mark in answer.data) or gettext("Nothing to mark")

    def off(self, known: Answer, given: Answer) -> float:
        """How many marks are missing or too many. Two marks are the same where category and severity are, and where
        half or more of the characters that either covers are covered by both; each is the same as one other at most."""
        if known.data is None or given.data is None:
            return math.inf
        return float(len(known.data) + len(given.data) - 2 * _alike(known.data, given.data))

    def distance(self, one: Any, other: Any) -> float:
        """The share of all marks of both that only one has: 1 − F1."""
        return self.off(Answer(data=one), Answer(data=other)) / max(1, len(one) + len(other))

    def marks(self, spec: CriterionSpec, value: str) -> list[dict[str, Any]]:
        """The marks of a form's value with the words they mark, for the page; what is none is left out."""
        found = [mark for mark in _marks(value) if isinstance(mark, dict) and "quote" not in mark]
        return [{**mark, "value": _written(mark), "words": spec.text[mark["start"] : mark["end"]]} for mark in found]

    def quotes(self, value: str) -> list[dict[str, Any]]:
        """Rows of the form: what was quoted, if it was refused, and empty ones."""
        sent = [mark for mark in _marks(value) if isinstance(mark, dict) and "quote" in mark]
        return [*sent, *({"occurrence": "1"} for _ in range(max(1, QUOTES - len(sent))))]

    def severities(self, spec: CriterionSpec) -> list[tuple[str, float]]:
        """The lightest first: a database may keep them in another order."""
        return sorted(spec.config["severities"].items(), key=lambda each: (each[1], each[0]))

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        points = ", ".join(f"`{name}` ({plain(float(n))})" for name, n in self.severities(spec))
        return [
            "a list of the passages to mark, which may be empty; each with `quote`, word for word as it stands in the "
            "answer, `occurrence` (1 for its first), `category` and `severity`",
            f"categories: {', '.join(f'`{name}`' for name in spec.config['categories'])}",
            f"severities with their points: {points}",
        ]

    def judge_schema(self, spec: CriterionSpec) -> dict[str, Any] | None:
        mark = {
            "quote": {"type": "string", "minLength": 1},
            "occurrence": {"type": "integer", "minimum": 1},
            "category": {"enum": list(spec.config["categories"])},
            "severity": {"enum": [name for name, _ in self.severities(spec)]},
        }
        item = {"type": "object", "additionalProperties": False, "required": list(mark), "properties": mark}
        return {"type": "array", "maxItems": MAX_MARKS, "items": item}

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        """The points of what was marked. Where it stands is not looked for: a score has no passages."""
        if not isinstance(value, list) or len(value) > MAX_MARKS:
            raise AnswerError(f"“{spec.key}” is answered by a list of passages, which may be empty.")
        for mark in value:
            if not isinstance(mark, dict) or not str(mark.get("quote") or "").strip():
                raise AnswerError(f"Each passage of “{spec.key}” needs quote, occurrence, category and severity.")
            _called(spec, mark)
        return sum(float(spec.config["severities"][mark["severity"]]) for mark in value)

    def score_kind(self, spec: CriterionSpec) -> str:
        return "number"

    def score_bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        return 0, None

    def score_direction(self, spec: CriterionSpec) -> str:
        return "lower"


def _called(spec: CriterionSpec, mark: dict[str, Any]) -> tuple[str, str]:
    """Category and severity of a mark, if the rubric has them."""
    category, severity = str(mark.get("category", "")), str(mark.get("severity", ""))
    if category not in spec.config["categories"]:
        accepted = ", ".join(spec.config["categories"])
        raise AnswerError(
            gettext("“%(category)s” is not a category of “%(key)s”. Accepted: %(accepted)s.")
            % {"category": category, "key": spec.key, "accepted": accepted}
        )
    if severity not in spec.config["severities"]:
        accepted = ", ".join(spec.config["severities"])
        raise AnswerError(
            gettext("“%(severity)s” is not a severity of “%(key)s”. Accepted: %(accepted)s.")
            % {"severity": severity, "key": spec.key, "accepted": accepted}
        )
    return category, severity


def _alike(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> int:
    """How many marks of the one are in the other, those that overlap most first."""
    pairs = [(-_overlap(a, b), n, m) for n, a in enumerate(one) for m, b in enumerate(other)]
    left, right = set[int](), set[int]()
    for overlap, n, m in sorted(pairs):
        if -overlap >= ALIKE and n not in left and m not in right:
            left.add(n)
            right.add(m)
    return len(left)


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Characters that both cover, of those that either covers; 0 where they are called otherwise."""
    if (a["category"], a["severity"]) != (b["category"], b["severity"]):
        return 0.0
    both = max(0, min(a["end"], b["end"]) - max(a["start"], b["start"]))
    return both / (a["end"] - a["start"] + b["end"] - b["start"] - both)


def _told(spec: CriterionSpec, mark: dict[str, Any]) -> str:
    words = spec.text[mark["start"] : mark["end"]]
    where = f"“{words[:80]}”" if words else gettext("%(start)s to %(end)s") % mark
    return f"{where} ({mark['category']}, {mark['severity']})"


def _names(field: str, key: str, names: list[Any]) -> list[tuple[str, str]]:
    if len(names) > MAX_NAMES:
        return [(field, f"“{key}” has {len(names)} {field}; at most {MAX_NAMES} fit.")]
    for name in names:
        wrong = not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME
        if wrong or any(sign in name for sign in _TAKEN):
            signs = " ".join(_TAKEN)
            said = f"“{name}” cannot be one of the {field} of “{key}”"
            return [(field, f"{said}: accepted are 1 to {MAX_NAME} characters without {signs}.")]
    if len(set(names)) < len(names):
        return [(field, f"The {field} of “{key}” must differ.")]
    return []


def _lies_within(spec: CriterionSpec, start: int, end: int) -> bool:
    """Where the text is not known, as in a file of judgments, only the order can be checked."""
    return not isinstance(start, bool) and 0 <= start < end and (not spec.text or end <= len(spec.text))


def _written(mark: dict[str, Any]) -> str:
    return f"{mark['start']}-{mark['end']}:{mark['category']}:{mark['severity']}"


def _marks(value: Any) -> Iterator[Any]:
    """Marks of a form ("5-19:accuracy:major", or as JSON with a quote) or of a file (a list); what is none as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, list):
        yield from value or [NONE]
        return
    for part in filter(None, map(str.strip, str(value).split(SEPARATOR))):
        yield _parsed(part)


def _parsed(part: str) -> Any:
    if part.startswith("{"):
        try:
            return json.loads(part)
        except ValueError:
            return part
    place, _, rest = part.partition(":")
    category, _, severity = rest.partition(":")
    start, _, end = place.partition("-")
    if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in (start, end)):
        return part
    return {"start": int(start), "end": int(end), "category": category, "severity": severity}


def _quoted(spec: CriterionSpec, mark: dict[str, Any]) -> tuple[int, int]:
    """Where the words stand that a mark quotes."""
    quote, given = str(mark["quote"]).strip(), str(mark.get("occurrence") or "1").strip()
    if not spec.text:
        raise AnswerError(gettext("“%(key)s” cannot look for a quote here: give start and end.") % {"key": spec.key})
    words = next((each for each in (quote, quote.replace("\r\n", "\n")) if each and each in spec.text), "")
    if not words:
        raise AnswerError(
            gettext("“%(quote)s” of “%(key)s” does not stand in the answer. Accepted: words as they stand there.")
            % {"quote": quote[:80], "key": spec.key}
        )
    times = spec.text.count(words)
    if not given.isascii() or not given.isdigit() or len(given) > 6 or not 1 <= int(given) <= times:
        raise AnswerError(
            gettext("“%(quote)s” stands %(times)s times in the answer. Accepted: 1 to %(times)s.")
            % {"quote": quote[:80], "times": times}
        )
    at = -1
    for _ in range(int(given)):
        at = spec.text.index(words, at + 1 if at < 0 else at + len(words))
    return at, at + len(words)
