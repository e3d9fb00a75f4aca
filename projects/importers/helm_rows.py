"""Requests and statistics of a HELM run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from projects.importers import beside, limits, payloads, values
from projects.importers.identity import canonical, digest_id, user_message
from projects.importers.jsonscan import Document
from projects.importers.records import (
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    ScoreRecord,
    Skip,
    SystemKey,
    note,
    problem,
)
from projects.importers.scoring import of_run, score
from projects.importers.shapes import as_dict, as_list, as_text

_BOOKKEEPING = re.compile(
    r"(?:num_|finish_reason_|inference_|training_|batch_size$|prompt_truncated$|logprob|max_prob$|perplexity$|"
    r"bits_per_byte$|logprob_per_byte$|references?_|predicted_index$)"
)
# Exact matches are 0 or 1, and so are the others between them; higher is better. For all else nothing is known.
_TO_ONE = re.compile(r"(?:prefix_|quasi_prefix_|quasi_|final_number_)*(?:exact_match|f1_score|f1_set_match)(?:@\d+)?$|"
                     r"(?:rouge_\w+|bleu_\d|ifeval_strict_accuracy|chain_of_thought_correctness)$")  # fmt: skip

Key = tuple[str, int, str]  # instance, train trial, perturbation


def perturbation_of(row: dict[str, Any]) -> str:
    """'misspellings(prob=0.5)': the name with its settings, '' for the clean question."""
    told = as_dict(row.get("perturbation"))
    name = as_text(told.get("name"))
    if not name:
        return canonical(told)[: limits.MAX_NAME_CHARS] if told else ""
    settings = {key: told[key] for key in sorted(told) if key not in {"name", "robustness", "fairness", "computed_on"}}
    shown = ",".join(
        f"{key}={values.text(value)}" for key, value in settings.items() if not isinstance(value, dict | list)
    )
    return (f"{name}({shown})" if shown else name)[: limits.MAX_NAME_CHARS]


def key_of(row: dict[str, Any], ident: Any) -> Key:
    instance = payloads.fitting_id(ident)
    if not instance:
        raise Skip("The instance has no id.", "id")
    return instance, values.count(row.get("train_trial_index")) or 0, perturbation_of(row)


class RunReader:
    def __init__(self, name: str, scenario: str, system: SystemKey) -> None:
        self.name, self.scenario, self.system = name, scenario, system
        self.outputs: dict[Key, OutputRecord] = {}
        self.items: dict[str, str] = {}  # instance → item
        self.clean: set[str] = set()
        self.further = 0  # requests beyond the first of an instance: one for each choice, or for calibration

    def state(self, number: int, state: dict[str, Any]) -> Iterator[Record | Problem]:
        try:
            instance = as_dict(state.get("instance"))
            key = key_of({**state, "perturbation": instance.get("perturbation")}, instance.get("id"))
            yield from self._records(key, instance, state)
        except Skip as skip:
            yield problem(self.name, skip.why, number, skip.column)

    def notes(self) -> Iterator[Problem]:
        if self.further:
            why = f"Further requests about the same instance, one for each choice, were not read: {self.further:,}."
            yield note(self.name, why)

    def _records(self, key: Key, instance: dict[str, Any], state: dict[str, Any]) -> Iterator[Record]:
        text = as_text(as_dict(instance.get("input")).get("text"))
        if not text.strip():
            raise Skip("The instance asks nothing: it has no input.text.", "input")
        item = self._item(key, text, instance)
        if item is not None:
            yield item
        if key in self.outputs:
            self.further += 1
            return
        self.outputs[key] = self._output(key, text, state)
        yield self.outputs[key]

    def _item(self, key: Key, text: str, instance: dict[str, Any]) -> ItemRecord | None:
        """The clean question; a perturbed one stands in only where its clean one is not in the file."""
        ident, perturbed = key[0], key[2]
        if ident not in self.items:
            self.items[ident] = self._name(ident, text)
        if perturbed:
            return None if ident in self.clean else ItemRecord(self.items[ident])
        if ident in self.clean:
            return None
        self.clean.add(ident)
        references = [as_dict(each) for each in as_list(instance.get("references"))]
        texts = [(as_text(as_dict(each.get("output")).get("text")), as_list(each.get("tags"))) for each in references]
        right = tuple(answer for answer, tags in texts if "correct" in tags and answer)
        split = as_text(instance.get("split"))
        tags = [f"scenario:{self.scenario.partition(':')[0]}"] if self.scenario else []
        return ItemRecord(
            self.items[ident],
            messages=user_message(text),
            reference=right,
            choices=tuple(answer for answer, _ in texts if answer) if len(right) < len(texts) else (),
            metadata={key: instance[key] for key in ("id", "split", "sub_split") if instance.get(key)},
            tags=tuple(tag[: limits.MAX_METRIC_CHARS] for tag in (*tags, *([f"split:{split}"] if split else []))),
        )

    def _name(self, ident: str, text: str) -> str:
        named = f"{self.scenario}/{ident}"
        return named if self.scenario and len(named) <= limits.MAX_ID_CHARS else digest_id(list(user_message(text)))

    def _output(self, key: Key, text: str, state: dict[str, Any]) -> OutputRecord:
        result = as_dict(state.get("result"))
        completions = [as_dict(each) for each in as_list(result.get("completions"))]
        answer = completions[0].get("text") if completions else None
        error = _error(result, answer)
        seconds = values.amount(result.get("request_time"))
        kept = {"datetime": result.get("request_datetime"), "prompt": as_dict(state.get("request")).get("prompt"),
                "further": [each.get("text") for each in completions[1:]], "asked": text if key[2] else None,
                "cached": result.get("cached")}  # fmt: skip
        return OutputRecord(
            self.items[key[0]],
            self.system,
            text=None if error else _chosen(answer, as_dict(state.get("output_mapping"))),
            repeat=key[1],
            variant=key[2],
            error=error,
            latency_ms=values.milliseconds(seconds),
            raw={name: values.plain(value) for name, value in kept.items() if value},
        )


def _error(result: dict[str, Any], answer: Any) -> str:
    if result.get("success") is False or result.get("error"):
        return as_text(result.get("error")) or "The request failed; the run does not say why."
    return "" if isinstance(answer, str) else "The run holds no answer of the model."


def _chosen(answer: Any, mapping: dict[str, Any]) -> str:
    """Completions begin with a blank that belongs to the prompt; a letter is shown with its choice."""
    text = as_text(answer).strip()
    choice = mapping.get(text)
    return f"{text}. {choice.strip()}" if isinstance(choice, str) else text


class StatsReader:
    """``per_instance_stats.json``."""

    def __init__(self, other: beside.Beside, run: RunReader) -> None:
        self.other, self.run = other, run
        self.left_out: dict[str, None] = {}
        self.unknown = 0

    def scores(self) -> Iterator[Record | Problem]:
        name = self.other.name
        self.other.stream.seek(0)
        document = Document(limits.read_utf8(self.other.stream, name), name, [()])
        self.other.stream.seek(0)
        for number, row, _ in document.rows(()):
            try:
                output = self.run.outputs.get(key_of(row, row.get("instance_id")))
                if output is None:
                    self.unknown += 1
                    continue
                yield from self._of(output, [as_dict(each) for each in as_list(row.get("stats"))])
            except Skip as skip:
                yield problem(name, skip.why, number, skip.column)
        yield from self._notes(name)

    def _of(self, output: OutputRecord, stats: list[dict[str, Any]]) -> Iterator[Record]:
        numbers = {as_text(as_dict(each.get("name")).get("name")): each for each in stats}
        tokens = [_mean(numbers, "num_prompt_tokens"), _mean(numbers, "num_completion_tokens", "num_output_tokens")]
        if any(each is not None for each in tokens):
            counts = [values.count(each) for each in tokens]
            yield OutputRecord(output.item, output.system, repeat=output.repeat, variant=output.variant,
                               tokens_in=counts[0], tokens_out=counts[1])  # fmt: skip
        for metric, stat in numbers.items():
            if not metric or _BOOKKEEPING.match(metric):
                self.left_out[metric] = None
                continue
            yield _score(metric, stat, output)

    def _notes(self, name: str) -> Iterator[Problem]:
        names = ", ".join(sorted(metric for metric in self.left_out if metric))
        if names:
            yield note(name, f"Statistics that measure no quality were left out: {names}.")
        if self.unknown:
            yield problem(name, f"Rows of instances that the run holds no answer for: {self.unknown:,}.")


def _mean(numbers: dict[str, dict[str, Any]], *names: str) -> float | None:
    found = (values.finite(numbers[name].get("mean")) for name in names if name in numbers)
    return next((each for each in found if each is not None), None)


def _score(metric: str, stat: dict[str, Any], output: OutputRecord) -> ScoreRecord:
    known = bool(_TO_ONE.match(metric))
    number = values.finite(stat.get("mean")) if stat.get("count") != 0 else None
    return score(
        metric[: limits.MAX_METRIC_CHARS],
        number,
        output,
        missing="" if number is not None else "HELM counted nothing here, so there is no mean.",
        source="code",
        scale=(0.0, 1.0) if known else (None, None),
        direction="higher" if known else "unknown",
    )


def run_scores(other: beside.Beside, scenario: str, system: SystemKey) -> Iterator[Record | Problem]:
    """``stats.json``: one score for each metric and split, of the clean questions and of each perturbation."""
    other.stream.seek(0)
    document = Document(limits.read_utf8(other.stream, other.name), other.name, [()])
    other.stream.seek(0)
    for _, stat, _ in document.rows(()):
        name = as_dict(stat.get("name"))
        metric, told = as_text(name.get("name")), as_dict(name.get("perturbation"))
        if not metric or _BOOKKEEPING.match(metric) or stat.get("count") == 0:
            continue
        parts = [scenario, metric, as_text(name.get("split")), as_text(name.get("sub_split"))]
        parts += [perturbation_of(name), as_text(told.get("computed_on"))]
        known = bool(_TO_ONE.match(metric))
        yield of_run(
            " ".join(part for part in parts if part),
            values.finite(stat.get("mean")),
            system,
            direction="higher" if known else "unknown",
            details={"count": values.finite(stat.get("count"))},
        )
