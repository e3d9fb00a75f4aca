"""Inspect: the tool's own logs with exact values, and each trap in a small one."""

from __future__ import annotations

import json
from typing import Any

from projects.importers import limits
from tests.projects.importers.archives import zipped, zstandard_zip
from tests.projects.importers.helpers import Got, read, refused, sample

MODEL = "mockllm/model-a"
FOLDER = "inspect_ai"
EVAL = f"{FOLDER}/2026-11-23T21-45-50-00-00_geography-qa_iQyqUXrW8sVnRAPgE7oEA7.eval"
FLAKY = f"{FOLDER}/2026-11-23T21-45-51-00-00_flaky_J8efYENbyVcuvDZi2iTecD.json"


def one(**more: Any) -> dict[str, Any]:
    return {
        "id": "q1", "epoch": 1, "input": "May I?", "target": "No", "metadata": {},
        "messages": [{"role": "user", "content": "May I?", "source": "input"},
                     {"role": "assistant", "content": "No.", "source": "generate"}],
        "output": {"completion": "No.", "choices": [{"message": {"role": "assistant", "content": "No."}}]},
        "scores": {"match": {"value": "C", "explanation": "It matches."}}, "total_time": 1.5,
        "model_usage": {MODEL: {"input_tokens": 5, "output_tokens": 2}, "judge": {"input_tokens": 900}}, **more,
    }  # fmt: skip


def log(*samples: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"model": MODEL, "task": "t", "run_id": "r1", "dataset": {"sample_ids": ["q1"]}, **more.pop("eval", {})}
    return {"version": 2, "status": "success", "eval": told, "plan": {}, "samples": list(samples), **more}


def got(*samples: dict[str, Any], **more: Any) -> Got:
    return read(json.dumps(log(*samples, **more)), "log.json")


def real(path: str) -> Got:
    return read(sample(path).read_bytes(), path.rpartition("/")[2])


# The tool's own files


def test_the_real_archive_with_zstandard() -> None:
    found = real(EVAL)
    assert (found.key, len(found.outputs), len(found.scores), found.skipped) == ("inspect", 8, 36, [])
    assert {i.external_id for i in found.items} == {"geo-01", "geo-02", "geo-03", "4"}
    first = found.outputs[0]
    assert (first.item, first.repeat, first.text) == ("geo-01", 0, "The capital of Australia is Canberra.")
    assert (first.tokens_in, first.tokens_out, first.latency_ms) == (44, 9, 37.0)
    assert found.score("model_graded_qa", item="4", repeat=1).label == "P"
    judge = found.score("model_graded_qa", item="geo-03", repeat=0)
    assert (judge.label, judge.source, judge.judge) == ("I", "llm", "mockllm/judge-model")
    assert found.score("rubric/accuracy", item="geo-03", repeat=0).number == 1.0
    whole = found.score("geography_qa includes accuracy (run)")
    assert (whole.number, whole.details) == (0.75, {"stderr": 0.25})
    assert found.score("geography_qa rubric/fluency mean (run)").number == 4.0


def test_the_real_log_as_json_and_as_archive_say_the_same() -> None:
    path = f"{FOLDER}/2026-11-23T21-45-45-00-00_geography-qa_8GcHx4xYXKMkv5zQiABu7a.json"
    as_json, packed = real(path), real(EVAL)

    def values(found: Got) -> set[tuple[Any, ...]]:
        return {(s.metric, s.item, s.repeat, s.label, s.number) for s in found.scores if s.item}

    assert values(as_json) == values(packed)


def test_a_real_sample_that_failed_is_no_bad_answer() -> None:
    found = real(FLAKY)
    failed = found.outputs[1]
    assert (failed.item, failed.text, failed.error) == ("geo-02", None, "RuntimeError('provider returned 503')")
    assert {s.item for s in found.scores if s.item} == {"geo-01", "geo-03"}


# The traps


def test_verdicts_are_labels_and_bools_stay_bools() -> None:
    scores = {"a": {"value": "P"}, "b": {"value": True}, "c": {"value": 0.5}, "d": {"value": "N"}, "e": {"value": "ok"}}
    found = got(one(scores=scores)).scores
    assert [(s.metric, s.kind, s.label, s.number, s.passed) for s in found] == [
        ("a", "label", "P", None, None), ("b", "bool", "true", 1.0, None), ("c", "number", "", 0.5, None),
        ("d", "label", "N", None, False), ("e", "label", "ok", None, None),
    ]  # fmt: skip


def test_one_value_for_each_of_several_metrics() -> None:
    found = got(one(scores={"rubric": {"value": {"clear": 4, "true": None, "list": [1]}}}))
    assert [(s.metric, s.number, bool(s.missing_reason)) for s in found.scores] == [
        ("rubric/clear", 4.0, False), ("rubric/true", None, True),
    ]  # fmt: skip
    assert [p.column for p in found.skipped] == ["rubric/list"]


def test_an_edit_by_a_person_is_theirs_and_the_last_stands() -> None:
    by = {"author": "ann@example.org", "reason": "It is right."}
    history = [{"value": "I", "explanation": "first"}, {"value": "P", "provenance": by},
               {"value": "C", "provenance": by}, {"value": "UNCHANGED", "provenance": {"author": "ben"}}]  # fmt: skip
    found = got(one(scores={"match": {"value": "C", "history": history}}))
    assert [(s.label, s.explanation) for s in found.scores] == [("I", "first")]
    assert [(h.metric, h.label, h.rater, h.comment) for h in found.humans] == [
        ("match", "C", "ann@example.org", "It is right."),
    ]  # fmt: skip
    assert "no judgment" in found.notes[0].why


def test_what_was_scored_of_a_failed_sample_does_not_count() -> None:
    found = got(one(error={"message": "503"}, output={"choices": [], "completion": ""}))
    assert (found.outputs[0].error, found.outputs[0].text) == ("503", None)
    assert (found.scores[0].label, found.scores[0].details) == ("", {"not_counted": "C"})
    assert "error" in found.scores[0].missing_reason


def test_the_judges_tokens_and_seconds() -> None:
    output = got(one()).outputs[0]
    assert (output.tokens_in, output.tokens_out, output.latency_ms) == (5, 2, 1500.0)


def test_epochs_are_trials_and_numbered_samples_belong_to_their_task() -> None:
    found = got(one(id=1), one(id=1, epoch=2), eval={"dataset": {"sample_ids": [1, 2]}})
    assert [(o.item, o.repeat) for o in found.outputs] == [("t/1", 0), ("t/1", 1)]
    named = got(one(id=4), eval={"dataset": {"sample_ids": ["a", 4]}})
    assert named.items[0].external_id == "4"
    assert got(one(metadata={"item_id": "mine"})).items[0].external_id == "mine"
    assert got(one(id=None)).items[0].external_id.startswith("sha256-")


def test_attachments_are_put_in() -> None:
    key = "a" * 32
    found = got(one(input=f"attachment://{key}", attachments={key: "A long question"}))
    assert found.items[0].messages[0]["content"] == "A long question"


def test_a_conversation_after_the_input_is_the_output() -> None:
    turns = [{"role": "user", "content": "Hi", "source": "input"}, {"role": "assistant", "content": "Yes?", "id": "x"},
             {"role": "tool", "content": "4", "function": "add"}, {"role": "assistant", "content": "4."}]  # fmt: skip
    assert [m["role"] for m in got(one(messages=turns)).outputs[0].messages] == ["assistant", "tool", "assistant"]


def test_an_answer_that_the_input_holds_is_none_of_the_system() -> None:
    asked = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    turns = [{**turn, "source": "input"} for turn in asked]
    found = got(one(input=asked, messages=[*turns, {"role": "assistant", "content": "No.", "source": "generate"}]))
    assert (found.outputs[0].text, found.outputs[0].messages) == ("No.", ())


def test_choices_are_shown_with_the_right_letter() -> None:
    item = got(one(choices=["90", "100"], target="B")).items[0]
    assert (item.choices, item.reference) == (("90", "100"), ("B) 100",))


def test_a_log_cut_off_is_read_as_far_as_it_goes() -> None:
    start = {key: value for key, value in log().items() if key in {"version", "eval", "plan"}}
    files = {"_journal/start.json": json.dumps(start), "samples/q1_epoch_1.json": json.dumps(one())}
    found = read(zstandard_zip(files), "log.eval")
    assert (found.key, len(found.outputs), found.outputs[0].text) == ("inspect", 1, "No.")
    assert "no header.json" in found.notes[0].why
    assert read(zipped(files), "log.eval").outputs == found.outputs  # older versions use deflate


def test_a_run_that_ended_badly_says_so() -> None:
    assert "status error" in got(one(), status="error").notes[0].why


def test_logs_that_are_none_are_refused() -> None:
    assert "names no model" in refused(json.dumps(log(one(), eval={"model": ""})), "log.json")
    assert "no Inspect log" in refused(zipped({"samples/a_epoch_1.json": "{}"}), "log.eval")
    bad = zipped({"header.json": json.dumps(log()), "samples/a_epoch_1.json": '{"id": '})
    assert "samples/a_epoch_1.json" in refused(bad, "log.eval")


def test_attachments_put_in_too_often_leave_the_sample_out() -> None:
    key = "b" * 32
    asked = [{"role": "user", "content": f"attachment://{key}"}] * 30
    found = got(one(input=asked, attachments={key: "x" * 1_000_000}))
    assert "attachments" in found.skipped[0].why
    assert limits.MAX_CELL_CHARS < 20_000_000
