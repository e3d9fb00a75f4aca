"""Scores of one promptfoo result: named metrics, unnamed assertions, the overall score, a person's thumb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from projects.importers import limits, values
from projects.importers.records import (
    HumanRatingRecord,
    OutputRecord,
    Problem,
    Record,
    ScoreRecord,
    note,
    problem,
)
from projects.importers.shapes import as_dict, as_list, as_text

OVERALL_SCORE = "promptfoo score"
OVERALL_VERDICT = "promptfoo pass"
HUMAN_METRIC = "promptfoo manual rating"

# Assertion types whose score a model gives; a prefix "not-" changes the score, not who gives it.
_BY_MODEL = frozenset(
    {
        "llm-rubric",
        "g-eval",
        "factuality",
        "model-graded-factuality",
        "model-graded-closedqa",
        "answer-relevance",
        "context-recall",
        "context-relevance",
        "context-faithfulness",
        "conversation-relevance",
        "select-best",
        "pi",
        "search-rubric",
        "agent-rubric",
        "trajectory:goal-success",
    }
)
# Types whose score is what a function of the user's returns: no scale is known.
_ANY_SCALE = frozenset({"javascript", "python", "ruby", "webhook", "assert-set", ""})


class Component(NamedTuple):
    """One assertion's result."""

    type: str
    metric: str
    score: Any
    passed: bool | None
    reason: str
    weight: float
    judge: str
    comment: str
    value: Any
    answer: dict[str, Any]  # of an entry that our export wrote: criterion, value, rater

    @property
    def base(self) -> str:
        return self.type.removeprefix("not-")


class Scores:
    def __init__(self, name: str, number: int, row: dict[str, Any], target: OutputRecord) -> None:
        self.name, self.number, self.row, self.target = name, number, row, target
        self.grading = as_dict(row.get("gradingResult"))
        self.all = _components(self.grading, _default_judge(row))
        self.automated = [each for each in self.all if each.base != "human"]
        self.overridden = len(self.automated) < len(self.all)

    def read(self) -> Iterator[Record | Problem]:
        yield from self._named()
        yield from self._unnamed()
        if self.overridden:
            yield from self._human()
        else:
            yield from self._overall()

    def _named(self) -> Iterator[Record | Problem]:
        """A named score is promptfoo's own combination of the assertions that share the name."""
        named = as_dict(self.row.get("namedScores")) or as_dict(self.grading.get("namedScores"))
        for metric, value in named.items():
            yield from self._score(metric, value, [each for each in self.automated if each.metric == metric])
        by_name: dict[str, list[Component]] = {}
        for each in self.automated:
            if each.metric and each.metric not in named:
                by_name.setdefault(each.metric, []).append(each)
        for metric, parts in by_name.items():
            yield from self._score(metric, _combined(parts), parts)

    def _unnamed(self) -> Iterator[Record | Problem]:
        """Assertions without a metric go by type; several of one type are combined as promptfoo would."""
        by_type: dict[str, list[Component]] = {}
        for each in self.automated:
            if not each.metric and each.type and each.type != "assert-set":
                by_type.setdefault(each.type, []).append(each)
        for kind, parts in by_type.items():
            yield from self._score(kind, _combined(parts), parts)

    def _score(self, metric: str, value: Any, parts: list[Component]) -> Iterator[Record | Problem]:
        column = f"namedScores.{metric}"
        if not metric.strip() or len(metric) > limits.MAX_METRIC_CHARS:
            yield problem(
                self.name,
                f"A metric's name has 1 to {limits.MAX_METRIC_CHARS} characters.",
                self.number,
                "namedScores",
            )
            return
        read = values.score(value, "number")
        if read.wrong:
            yield problem(self.name, read.wrong, self.number, column)
            return
        if read.missing:
            why = f"{read.missing} The score of metric '{metric}' is recorded as missing, not as 0."
            yield note(self.name, why, self.number, column)
        by_model = [each for each in parts if each.base in _BY_MODEL]
        known_scale = bool(parts) and not any(each.base in _ANY_SCALE for each in parts)
        passes = [each.passed for each in parts]
        yield self._record(
            metric,
            read,
            passed=None if not passes or None in passes else all(passes),
            source="llm" if by_model else "code",
            judge=by_model[0].judge[: limits.MAX_NAME_CHARS] if by_model else "",
            explanation="\n".join(dict.fromkeys(each.reason for each in parts if each.reason)),
            scale=(0.0, 1.0) if known_scale else (None, None),
        )

    def _overall(self) -> Iterator[Record | Problem]:
        score = values.score(self.row.get("score"), "number")
        if score.kind:
            yield self._record(
                OVERALL_SCORE,
                score,
                passed=values.truth(self.row.get("success")),
                explanation=as_text(self.grading.get("reason")),
            )
        passed = values.truth(self.row.get("success"))
        if passed is not None:
            yield self._record(OVERALL_VERDICT, values.score(passed), passed=passed)

    def _record(
        self,
        metric: str,
        value: values.Value,
        *,
        passed: bool | None = None,
        source: Any = "code",
        judge: str = "",
        explanation: str = "",
        scale: tuple[float | None, float | None] = (None, None),
    ) -> ScoreRecord:
        target, kind = self.target, "bool" if value.kind == "bool" else "number"
        return ScoreRecord(
            metric=metric,
            item=target.item,
            system=target.system,
            repeat=target.repeat,
            kind=kind,  # type: ignore[arg-type]
            number=value.number,
            label=value.label,
            passed=passed,
            source=source,
            minimum=scale[0],
            maximum=scale[1],
            direction="higher",
            judge=judge,
            explanation=explanation,
            missing_reason=value.missing,
        )

    def _human(self) -> Iterator[Record | Problem]:
        """The last thumb wins, as in the viewer, and the tool does not say whose it is. Entries that our export wrote
        say who answered which question, and how, so each of them is an answer."""
        thumbs = [each for each in self.all if each.base == "human"]
        named = [each for each in thumbs if each.answer]
        for each in named:
            yield self._answer(each)
        if thumbs[-1].answer:
            return
        thumb = thumbs[-1]
        number = values.finite(thumb.score)
        if number is None and thumb.passed is not None:
            number = float(thumb.passed)
        label = "" if thumb.passed is None else "pass" if thumb.passed else "fail"
        comment = thumb.comment or as_text(self.grading.get("comment"))
        yield HumanRatingRecord(
            HUMAN_METRIC, self.target.item, self.target.system, "", number, label, comment, self.target.repeat
        )

    def _answer(self, entry: Component) -> Record | Problem:
        told = values.score(entry.answer.get("value"))
        if not told.kind:
            return problem(
                self.name, f"A person's answer has no value. {told.wrong}".strip(), self.number, "gradingResult"
            )
        rater = as_text(entry.answer.get("rater"))[: limits.MAX_NAME_CHARS]
        metric = (as_text(entry.answer.get("criterion")) or HUMAN_METRIC)[: limits.MAX_METRIC_CHARS]
        return HumanRatingRecord(
            metric, self.target.item, self.target.system, rater, told.number, told.label, entry.comment,
            self.target.repeat,
        )  # fmt: skip


def _combined(parts: list[Component]) -> float | None:
    """Weighted mean, promptfoo's own rule; None as soon as one part has no number."""
    numbers = [values.finite(each.score) for each in parts]
    if any(number is None for number in numbers):
        return None
    weight = sum(each.weight for each in parts)
    if not weight:
        return sum(number or 0.0 for number in numbers) / len(numbers)
    return sum((number or 0.0) * each.weight for number, each in zip(numbers, parts, strict=True)) / weight


def _default_judge(row: dict[str, Any]) -> str:
    test = as_dict(as_dict(row.get("testCase")).get("options"))
    return _provider(test.get("provider")) or _provider(
        as_dict(as_dict(row.get("prompt")).get("config")).get("provider")
    )


def _provider(value: Any) -> str:
    return as_text(value) or as_text(as_dict(value).get("label")) or as_text(as_dict(value).get("id"))


def _components(grading: dict[str, Any], judge: str) -> list[Component]:
    """Assertion results, with those in assert-sets, which newer versions write a second time at the top."""
    found: list[Component] = []
    nested: list[Component] = []
    for entry in as_list(grading.get("componentResults")):
        found.append(_component(as_dict(entry), judge))
        nested.extend(_inside(as_dict(entry), judge))
    for each in nested:
        if each not in found:
            found.append(each)
    return found


def _inside(entry: dict[str, Any], judge: str) -> Iterator[Component]:
    for inner in as_list(entry.get("componentResults")):
        yield _component(as_dict(inner), judge)
        yield from _inside(as_dict(inner), judge)  # bounded: the file's depth is


def _component(entry: dict[str, Any], judge: str) -> Component:
    assertion = as_dict(entry.get("assertion"))
    kind = as_text(assertion.get("type")).strip()
    if not kind and as_list(entry.get("componentResults")):
        kind = "assert-set"
    weight = values.amount(assertion.get("weight"))
    return Component(
        type=kind[: limits.MAX_METRIC_CHARS],
        metric=as_text(assertion.get("metric")).strip(),
        score=entry.get("score"),
        passed=values.truth(entry.get("pass")),
        reason=as_text(entry.get("reason")),
        weight=1.0 if weight is None else weight,
        judge=_provider(assertion.get("provider")) or judge,
        comment=as_text(entry.get("comment")),
        value=assertion.get("value"),
        answer=as_dict(as_dict(entry.get("metadata")).get("adjudge")) if kind == "human" else {},
    )
