"""OpenAI Evals: the log of events that ``oaieval`` records, one JSON object a line.

Checked against version 3.0.1. Events come in the order of threads, so they are gathered by sample first.

- A model-graded sample has the judge's call after the answer's: its prompt is the grading prompt, its text the
  explanation. With two completion functions the last is the judge.
- ``choice`` is a label; what it means stands in the eval's own file. ``__invalid__`` means the judge's answer
  could not be read.
- A run that crashed has no final report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from projects.importers import limits, sniffing, values
from projects.importers.identity import user_message
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
from projects.importers.rows import each_row, name_in
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "OpenAI Evals run logs (JSON Lines)"

_READ = frozenset({"sampling", "match", "metrics", "error"})
_INVALID = "__invalid__"
# Of a final report: counts and spread, which are no scores of the system. The tool misspells its key.
_NO_SCORE = ("usage_", "counts/", "boostrap_std", "bootstrap_std")


class Call(NamedTuple):
    prompt: tuple[Message, ...]
    text: str | None
    tokens_in: int | None
    tokens_out: int | None
    model: str


@dataclass
class Sample:
    calls: list[Call] = field(default_factory=list)
    scores: list[tuple[str, Any]] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    sampled: str | None = None
    error: str = ""
    graded: bool = False


@dataclass
class Run:
    spec: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] | None = None
    samples: dict[str, Sample] = field(default_factory=dict)


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if sniffing.has(found, "spec") and b'"eval_name"' in head:
        return 0.95
    return 0.9 if sniffing.has(found, "run_id", "event_id", "sample_id", "type", "data") else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    log = _Log(name)
    yield from each_row(stream, name, log.row)
    if not log.known:
        raise refusal(name, "No line is an event of OpenAI Evals: each has a type and data, or is a spec or a report.")
    for ident, run in log.runs.items():
        yield from _RunReader(name, ident, run, values.text((options or {}).get("system"))).records()
    if log.unread:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(log.unread.items()))
        yield note(name, f"Events that hold no answer and no score were not read: {kinds}.")


class _Log:
    def __init__(self, name: str) -> None:
        self.name = name
        self.known = 0
        self.runs: dict[str, Run] = {}
        self.unread: Counter[str] = Counter()

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if isinstance(row.get("spec"), dict):
            self._run(row["spec"]).spec = row["spec"]
        elif isinstance(row.get("final_report"), dict):
            self._run(row).report = row["final_report"]
        elif isinstance(row.get("type"), str) and isinstance(row.get("data"), dict):
            self._event(row)
        else:
            raise Skip("The line is no event: it has no spec, no final_report, and no type with data.")
        self.known += 1
        return iter(())

    def _run(self, row: Row) -> Run:
        ident = values.text(row.get("run_id")) if not isinstance(row.get("run_id"), dict | list) else ""
        return self.runs.setdefault(ident[: limits.MAX_NAME_CHARS], Run())

    def _event(self, row: Row) -> None:
        kind, data = row["type"], row["data"]
        if kind not in _READ:
            self.unread[kind[:40]] += 1
            return
        ident = name_in(row, "sample_id", "sample", limits.MAX_ID_CHARS)
        sample = self._run(row).samples.setdefault(ident, Sample())
        if kind == "sampling":
            sample.calls.append(_call(data))
        elif kind == "error":
            sample.error = as_text(data.get("message")) or as_text(data.get("error")) or values.dump(data)
        elif kind == "match":
            sample.expected = sample.expected or values.texts(data.get("expected"))
            sample.sampled = _sampled(data.get("sampled"))
            sample.scores.append(("match", data.get("correct")))
        else:
            sample.graded = sample.graded or "choice" in data
            sample.scores += [(key, value) for key, value in data.items() if not _undefined(key, value, data)]


def _undefined(key: str, value: Any, data: dict[str, Any]) -> bool:
    """A graded sample's score is null where the eval gives its choices no scores: nothing failed there."""
    return key == "score" and value is None and "choice" in data


def _call(data: dict[str, Any]) -> Call:
    usage, prompt = as_dict(data.get("usage")), data.get("prompt")
    messages: tuple[Message, ...] = user_message(prompt) if isinstance(prompt, str) and prompt else ()
    if isinstance(prompt, list) and prompt:
        try:
            messages = values.conversation(prompt)
        except ValueError:
            messages = user_message(values.dump(prompt))
    tokens = [values.count(usage.get(key)) for key in ("prompt_tokens", "completion_tokens")]
    return Call(messages, _sampled(data.get("sampled")), tokens[0], tokens[1], as_text(data.get("model")))


def _sampled(cell: Any) -> str | None:
    first = (cell[0] if cell else None) if isinstance(cell, list) else cell
    return values.dump(first) if isinstance(first, dict | list) else values.body(first)


class _RunReader:
    def __init__(self, name: str, ident: str, run: Run, system: str) -> None:
        self.name, self.ident, self.run, self.asked = name, ident, run, system
        named = [as_text(each) for each in as_list(run.spec.get("completion_fns"))]
        self.functions = [each[: limits.MAX_NAME_CHARS] for each in named if each]
        self.eval = (as_text(run.spec.get("base_eval")) or as_text(run.spec.get("eval_name")))[:100]

    def records(self) -> Iterator[Record | Problem]:
        report = self.run.report
        yield RunRecord(
            "OpenAI Evals", run_id=self.ident, created=as_text(self.run.spec.get("created_at")),
            aggregates=values.plain(report or {}),
        )  # fmt: skip
        if report is None:
            yield note(self.name, "The run has no final report, so it may have stopped before its end.")
        system = self._system()
        if not system[0]:
            yield problem(self.name, "The run names no completion function and no model, so its system is not known.")
            return
        config = {"eval": as_text(self.run.spec.get("eval_name")), "completion_fns": self.functions}
        yield SystemRecord(*system, config={key: value for key, value in config.items() if value})
        for ident, sample in self.run.samples.items():
            yield from self._sample(ident, sample, system)
        for key, value in (report or {}).items():
            number = values.finite(value)
            if number is not None and not key.startswith(_NO_SCORE):
                yield ScoreRecord(self._metric(f"{key} (run)"), system=system, number=number)

    def _system(self) -> SystemKey:
        models = (call.model for sample in self.run.samples.values() for call in sample.calls)
        named = [*self.functions[:1], *models, self.asked]
        return next((each for each in named if each), "")[: limits.MAX_NAME_CHARS], ""

    def _metric(self, what: str) -> str:
        return f"{self.eval} {what}".strip()[: limits.MAX_METRIC_CHARS]

    def _sample(self, ident: str, sample: Sample, system: SystemKey) -> Iterator[Record | Problem]:
        answers, judged = sample.calls, None
        if sample.graded and len(answers) > 1:
            answers, judged = answers[:-1], answers[-1]
        first = answers[0] if answers else None
        yield ItemRecord(ident, messages=first.prompt if first else (), reference=sample.expected)
        yield _output(ident, system, answers, sample)
        if sample.error:
            return
        if len(answers) > 1 and judged and len({str(each.prompt) for each in answers}) == 1:
            yield note(
                self.name, f"Sample {ident}: the judge read several answers at once; its score is the last one's."
            )
        for key, value in sample.scores:
            yield self._score(ident, system, key, value, judged)

    def _score(self, ident: str, system: SystemKey, key: str, value: Any, judged: Call | None) -> ScoreRecord:
        by_model = judged is not None and key in {"choice", "score"}
        found = values.score(None if value == _INVALID else value, "label" if key == "choice" else "")
        why = "The judge's answer could not be read (__invalid__)." if value == _INVALID else found.wrong
        kind: Any = found.kind or ("label" if key == "choice" else "bool" if key == "match" else "number")
        return ScoreRecord(
            metric=self._metric(key),
            item=ident,
            system=system,
            kind=kind,
            number=found.number,
            label=found.label,
            source="llm" if by_model else "code",
            direction="higher" if key == "match" else "unknown",
            judge=(self.functions[-1] if self.functions else "") if by_model else "",
            explanation=(judged.text or "") if judged and by_model else "",
            missing_reason=why or found.missing,
        )


def _output(ident: str, system: SystemKey, answers: list[Call], sample: Sample) -> OutputRecord:
    """The last answer; where it followed earlier turns, all that was said since the first prompt."""
    if not answers:
        error = sample.error or ("" if sample.sampled is not None else "The log holds no answer of the model.")
        return OutputRecord(ident, system, text=None if error else sample.sampled, error=error)
    first, last = answers[0], answers[-1]
    since = last.prompt[len(first.prompt) :] if last.prompt[: len(first.prompt)] == first.prompt else ()
    messages: tuple[Message, ...] = (*since, {"role": "assistant", "content": last.text or ""}) if since else ()
    counts = [[n for n in side if n is not None] for side in zip(*[(a.tokens_in, a.tokens_out) for a in answers],
                                                                 strict=True)]  # fmt: skip
    error = sample.error or ("" if last.text is not None else "The model gave no text.")
    return OutputRecord(
        ident,
        system,
        text=None if error or messages else last.text,
        messages=() if error else messages,
        error=error,
        tokens_in=sum(counts[0]) if counts[0] else None,
        tokens_out=sum(counts[1]) if counts[1] else None,
        raw={"model": last.model} if last.model else {},
    )
