"""DeepEval: a saved test run (camelCase), or a dump of its ``EvaluationResult`` (snake_case).

Checked against version 4.3.

- A metric that failed with an error has no score.
- In older versions lower is better for bias, toxicity and hallucination, and nothing says so: whether a score
  passed is taken from the tool, the direction is left unknown.
- A case without a name of its own is called ``test_case_7`` after its place, which is no identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, sniffing, values
from projects.importers.identity import canonical, digest_id, user_message
from projects.importers.jsonscan import Document
from projects.importers.records import (
    ItemRecord,
    Message,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    SystemKey,
    SystemRecord,
    note,
    problem,
    refusal,
)
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "DeepEval test runs and evaluation results (JSON)"

_LISTS = ("testCases", "conversationalTestCases", "test_results")
_WRAPPER = "testRunData"  # of .latest_test_run.json
_PATHS = [*((name,) for name in _LISTS), *((_WRAPPER, name) for name in _LISTS)]
_UNNAMED = re.compile(r"(?:conversational_)?test_case_\d+")
_ID_KEYS = ("item_id", "itemId", "id")
_MODEL = ("model", "model_name", "llm", "generator")
_PROMPT = ("prompt_version", "prompt version", "prompt_id", "prompt_template_version", "version")
_CAMEL = re.compile(r"_([a-z])")


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if {"testCases", "conversationalTestCases", _WRAPPER} & found:
        return 0.95
    if "test_results" in found:
        return 0.9
    return 0.9 if b'"metricsData"' in head or b'"metrics_data"' in head else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    document = Document(limits.read_utf8(stream, name), name, _PATHS)
    if not any(document.count(path) for path in _PATHS):
        raise refusal(name, "The JSON holds no test case: no list testCases, conversationalTestCases or test_results.")
    yield from (note(name, each) for each in document.notes)
    head = as_dict(document.head)
    run = as_dict(head.get(_WRAPPER)) or head
    parameters = as_dict(run.get("hyperparameters"))
    system = _system(parameters, options)
    if not system[0]:
        raise beside.unknown_system(name)
    yield _run(run)
    yield SystemRecord(*system, config=values.plain(parameters))
    reader = _CaseReader(system)
    for path in _PATHS:
        for number, case, notes in document.rows(path):
            yield from (note(name, each, number) for each in notes)
            try:
                yield from reader.case(case)
            except Skip as skip:
                yield problem(name, skip.why, number, skip.column)


def _run(run: dict[str, Any]) -> RunRecord:
    kept = {key: run.get(key) for key in ("identifier", "testPassed", "testFailed", "runDuration", "metricsScores")}
    ident = as_text(run.get("test_run_id")) or as_text(run.get("testRunId")) or as_text(run.get("identifier"))
    return RunRecord(
        "DeepEval",
        run_id=ident[: limits.MAX_NAME_CHARS],
        aggregates={key: values.plain(value) for key, value in kept.items() if value is not None},
    )


def _system(parameters: dict[str, Any], options: dict[str, Any] | None) -> SystemKey:
    """The model and the version of its prompt, as the run's hyperparameters name them."""
    told = {key.strip().lower(): as_text(value).strip() for key, value in parameters.items()}
    asked = beside.asked_system(options)
    model = next((told[key] for key in _MODEL if told.get(key)), "")[: limits.MAX_NAME_CHARS]
    version = next((told[key] for key in _PROMPT if told.get(key)), "")
    return model or asked, version if len(version) <= limits.MAX_VERSION_CHARS else ""


def _get(row: Row, name: str) -> Any:
    """A field in either spelling: `actual_output`, `actualOutput`."""
    found = row.get(name)
    return row.get(_CAMEL.sub(lambda match: match[1].upper(), name)) if found is None else found


class _CaseReader:
    def __init__(self, system: SystemKey) -> None:
        self.system = system
        self.trials: dict[str, int] = {}
        self.content: dict[str, int] = {}

    def case(self, case: Row) -> Iterator[Record | Problem]:
        turns = _turns(case)
        asked, answered = _split(turns) if turns else (_asked(case), ())
        item = _item(case, asked)
        content = hash(canonical(list(asked)))
        if self.content.setdefault(item.external_id, content) != content:
            why = f"The case '{item.external_id}' has another input here than earlier; give each case its own name."
            raise Skip(why, "input")
        repeat = self.trials.get(item.external_id, 0)
        self.trials[item.external_id] = repeat + 1
        if not repeat:
            yield item
        yield self._output(case, item.external_id, repeat, answered)
        for metric in as_list(_get(case, "metrics_data")):
            if isinstance(metric, dict) and as_text(metric.get("name")).strip():
                yield self._score(metric, item.external_id, repeat)

    def _output(self, case: Row, item: str, repeat: int, answered: tuple[Message, ...]) -> OutputRecord:
        seconds, cost = values.amount(_get(case, "completion_time")), values.amount(_get(case, "token_cost"))
        text = None if answered else values.body(_get(case, "actual_output"))
        kept = {key: _get(case, key) for key in ("retrieval_context", "tools_called", "expected_tools")}
        return OutputRecord(
            item,
            self.system,
            text=text,
            messages=answered,
            repeat=repeat,
            error="" if answered or text is not None else "The file holds no output.",
            latency_ms=None if seconds is None else seconds * 1000,
            cost=cost,
            currency="" if cost is None else "USD",
            raw={key: values.plain(value) for key, value in kept.items() if value},
        )

    def _score(self, metric: Row, item: str, repeat: int) -> ScoreRecord:
        number, error = values.finite(metric.get("score")), as_text(metric.get("error"))
        judge = as_text(_get(metric, "evaluation_model")).strip()
        details = {key: _get(metric, key) for key in ("strict_mode", "evaluation_cost")}
        on_scale = number is not None and 0 <= number <= 1
        why = f"The metric failed: {error}" if error else "The file gives no score."
        return ScoreRecord(
            metric=metric["name"].strip()[: limits.MAX_METRIC_CHARS],
            item=item,
            system=self.system,
            repeat=repeat,
            number=None if error else number,
            passed=None if error or number is None else values.truth(metric.get("success")),
            source="llm" if judge else "code",
            minimum=0.0 if on_scale else None,
            maximum=1.0 if on_scale else None,
            threshold=values.finite(metric.get("threshold")),
            judge=judge[: limits.MAX_NAME_CHARS],
            explanation=as_text(metric.get("reason")),
            missing_reason=why if error or number is None else "",
            details={key: values.plain(value) for key, value in details.items() if value} or None,
        )


def _asked(case: Row) -> tuple[Message, ...]:
    asked = case.get("input")
    text = values.dump(asked) if isinstance(asked, dict | list) and asked else values.body(asked)
    if not text or not text.strip():
        raise Skip("The case has no input.", "input")
    return user_message(text)


def _turns(case: Row) -> tuple[Message, ...]:
    try:
        return values.conversation(case["turns"]) if as_list(case.get("turns")) else ()
    except ValueError as error:
        raise Skip(str(error), "turns") from None


def _split(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """What came before the system first spoke is the item, the rest is the output."""
    spoke = next((n for n, turn in enumerate(turns) if turn["role"] not in {"user", "system"}), len(turns))
    return turns[:spoke], turns[spoke:]


def _item(case: Row, asked: tuple[Message, ...]) -> ItemRecord:
    metadata = as_dict(_get(case, "additional_metadata")) or as_dict(case.get("metadata"))
    ids = [metadata.get(key) for key in _ID_KEYS]
    named = next((values.text(each) for each in ids if isinstance(each, str | int) and not isinstance(each, bool)), "")
    name = as_text(case.get("name")).strip()
    ident = named or ("" if _UNNAMED.fullmatch(name) else name)
    scenario = as_text(case.get("scenario"))
    if not ident and not asked and not scenario:
        raise Skip("The case has neither a name, nor a scenario, nor an input.", "turns")
    return ItemRecord(
        ident
        if 0 < len(ident) <= limits.MAX_ID_CHARS
        else digest_id([list(asked), scenario] if scenario else list(asked)),
        messages=asked,
        context=values.texts(case.get("context") or _get(case, "retrieval_context")),
        reference=values.texts(_get(case, "expected_output") or _get(case, "expected_outcome")),
        metadata=values.plain({**metadata, **({"scenario": scenario} if scenario else {})}),
        tags=values.tags(case.get("tags")),
    )
