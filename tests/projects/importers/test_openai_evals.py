"""OpenAI Evals: logs of real runs with exact values, and each trap in a small one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from projects.importers import detect
from tests.projects.importers.helpers import Got, lines, read, refused, sample

SPEC = {"spec": {"completion_fns": ["small", "grader"], "base_eval": "e", "eval_name": "e.test.v1", "run_id": "r1"}}
REPORT = {
    "final_report": {"accuracy": 0.5, "boostrap_std": 0.1, "counts/A": 1, "usage_total_tokens": 9},
    "run_id": "r1",
}


def event(kind: str, ident: Any = "e.test.0", **data: Any) -> dict[str, Any]:
    return {"run_id": "r1", "event_id": 0, "sample_id": ident, "type": kind, "data": data, "created_by": ""}


def said(text: Any = "Pb", prompt: Any = "Lead?", ident: str = "e.test.0") -> dict[str, Any]:
    usage = {"prompt_tokens": 6, "completion_tokens": 1}
    return event("sampling", ident, prompt=prompt, sampled=text, model="small-1", usage=usage)


def log(*events: dict[str, Any]) -> Got:
    return read(lines(SPEC, REPORT, *events), "run.jsonl")


def real(name: str) -> Got:
    return read(sample(f"openai_evals/{name}.jsonl").read_bytes(), f"{name}.jsonl")


# The real files


@pytest.mark.parametrize(("name", "right"), [("chem-symbols", 3), ("chem-symbols-inc", 4)])
def test_the_real_matches(name: str, right: int) -> None:
    got = real(name)
    assert (got.key, len(got.items), len(got.outputs), got.skipped, got.notes) == ("openai_evals", 5, 5, [], [])
    assert Counter(s.label for s in got.scores if s.item) == {"true": right, "false": 5 - right}
    assert {s.kind for s in got.scores if s.item} == {"bool"}
    run = got.score(f"{name} accuracy (run)")
    assert (run.item, run.system, run.number) == (None, ("stub/answerer-s", ""), right / 5)
    lead = got.items[0]
    assert (lead.external_id, lead.reference) == (f"{name}.test.3", ("Pb", "pb"))
    assert [m["content"] for m in lead.messages] == ["Answer with a single word.", "Chemical symbol for lead?"]
    assert (got.outputs[0].text, got.outputs[0].tokens_in, got.outputs[0].tokens_out) == ("Pb", 6, 1)


def test_the_real_graded_answers_are_not_the_judges() -> None:
    got = real("kitchen-fact")
    assert [o.text for o in got.outputs] == [
        "Yes: cool it within an hour and freeze it for up to a month.", "Cook chicken to 60 °C.",
        "Boil it for about six minutes, then cool it.",
    ]  # fmt: skip
    assert [s.label for s in got.scores] == ["A", "D", "B"]
    assert {(s.metric, s.kind) for s in got.scores} == {("kitchen-fact choice", "label")}
    assert {(s.source, s.judge) for s in got.scores} == {("llm", "stub/grader-s")}
    assert got.scores[0].explanation.startswith("Reasoning: the expert answer is")
    assert [o.tokens_out for o in got.outputs] == [15, 5, 11]  # the judge's are not in it
    assert (got.runs[0].run_id, got.runs[0].aggregates["counts/A"]) == ("261123214956KGIBKANB", 1)


# The traps


def test_events_of_threads_are_gathered_by_sample() -> None:
    got = log(
        said(ident="e.test.1"), said("Fe"), event("match", "e.test.1", correct=True), event("match", correct=False)
    )
    assert [(s.item, s.label) for s in got.scores[:2]] == [("e.test.1", "true"), ("e.test.0", "false")]


def test_an_unreadable_choice_is_missing_and_a_score_of_null_is_none() -> None:
    got = log(said(), said("?"), event("metrics", choice="__invalid__", score=None))
    assert [(s.metric, s.label, bool(s.missing_reason)) for s in got.scores if s.item] == [("e choice", "", True)]
    scored = log(said(), said("?"), event("metrics", choice="Yes", score=1.0))
    assert scored.score("e score").number == 1
    assert scored.score("e score").source == "llm"
    assert log(said(), event("metrics", f1_score=None)).score("e f1_score").missing_reason


def test_a_sample_that_failed_has_an_error_and_no_score() -> None:
    got = log(said(), event("error", message="Timed out."), event("match", correct=False))
    assert (got.outputs[0].text, got.outputs[0].error) == (None, "Timed out.")
    assert not [s for s in got.scores if s.item]


def test_several_turns_are_a_conversation() -> None:
    first = [{"role": "user", "content": "Hi?"}]
    then = [*first, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Sure?"}]
    got = log(said(["Yes."], first), said(["Sure."], then), event("match", correct=True))
    assert list(got.items[0].messages) == first
    assert [m["content"] for m in got.outputs[0].messages] == ["Yes.", "Sure?", "Sure."]
    assert got.outputs[0].tokens_in == 12


def test_a_match_alone_has_its_answer() -> None:
    got = log(event("match", correct=True, sampled="Pb", expected="Pb"))
    assert (got.outputs[0].text, got.items[0].messages, got.items[0].reference) == ("Pb", (), ("Pb",))


def test_a_run_without_report_is_read_and_said() -> None:
    got = read(lines(SPEC, said(), event("match", correct=True)), "run.jsonl")
    assert "no final report" in got.notes[0].why
    assert [s.metric for s in got.scores] == ["e match"]


def test_of_a_report_only_scores_are_scores() -> None:
    assert [(s.metric, s.number) for s in log().scores] == [("e accuracy (run)", 0.5)]


def test_what_is_not_read_is_counted() -> None:
    got = log(said(), event("raw_sample", x=1), event("raw_sample", x=2), event("extra"))
    assert got.notes[0].why.endswith("extra (1), raw_sample (2).")


def test_the_system_may_be_asked_for() -> None:
    rows = lines(event("match", correct=True, sampled="x"))
    assert "its system is not known" in read(rows, "run.jsonl").skipped[0].why
    assert read(rows, "run.jsonl", "openai_evals", system="mine").systems[0].name == "mine"
    assert read(lines(said()), "run.jsonl").systems[0].name == "small-1"


def test_two_runs_in_one_file() -> None:
    other = {"spec": {**SPEC["spec"], "completion_fns": ["large"], "run_id": "r2"}}
    got = read(lines(SPEC, said(), other, {**said("Fe"), "run_id": "r2"}), "run.jsonl")
    assert [(o.system[0], o.text) for o in got.outputs] == [("small", "Pb"), ("large", "Fe")]


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    for whole in (said(), event("match", correct=True, expected="x"), event("metrics", choice="A", score=1)):
        for place in whole:
            read(lines(SPEC, said(ident="e.test.9"), {**whole, place: junk}), "run.jsonl", "openai_evals")
        for place in whole["data"]:
            got = read(lines(SPEC, {**whole, "data": {**whole["data"], place: junk}}), "run.jsonl", "openai_evals")
            json.dumps([i.messages for i in got.items], allow_nan=False)


def test_lines_that_are_no_events_are_left_out_or_refused() -> None:
    got = log(said(), {"x": 1}, event("match", None))
    assert [(p.row, p.column) for p in got.skipped] == [(4, ""), (5, "sample_id")]
    assert "No line is an event" in refused('{"item": "q"}\n', "a.jsonl", "openai_evals")


def test_sniffing() -> None:
    assert detect(lines(SPEC).encode(), "a.jsonl")[0][0] == "openai_evals"
    assert detect(lines(said()).encode(), "a.jsonl")[0][0] == "openai_evals"
    assert "openai_evals" not in dict(detect(b'{"item": "q"}', "a.jsonl"))
