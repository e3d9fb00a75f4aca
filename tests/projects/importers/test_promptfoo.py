"""promptfoo: the tool's own files with exact counts, and each of its traps in a small one."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest

from projects.importers import detect
from projects.importers.promptfoo_scores import HUMAN_METRIC, OVERALL_SCORE, OVERALL_VERDICT
from projects.importers.records import ItemRecord, SystemRecord
from tests.projects.importers.helpers import Got, lines, read, refused, sample


def component(kind: str = "contains", score: Any = 1, **more: Any) -> dict[str, Any]:
    assertion = {"type": kind, **{k: more.pop(k) for k in ("metric", "weight", "provider", "value") if k in more}}
    return {"pass": bool(score), "score": score, "reason": f"{kind} said {score}", "assertion": assertion, **more}


def row(test: int = 0, *components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "testIdx": test, "promptIdx": 0, "promptId": "p1" * 20, "prompt": {"raw": "Say: hi", "label": "plain"},
        "provider": {"id": "acme:small", "label": "small"}, "vars": {"question": f"Question {test}?"},
        "response": {"output": "Hello.", "cached": False}, "success": True, "score": 1, "failureReason": 0,
        "namedScores": {}, "latencyMs": 12, "tokenUsage": {"prompt": 3, "completion": 4}, "testCase": {"metadata": {}},
        "gradingResult": {"pass": True, "score": 1, "reason": "fine", "componentResults": list(components)},
        **more,
    }  # fmt: skip


def wrapped(*rows: dict[str, Any], **more: Any) -> str:
    prompts = [{"id": "p1" * 20, "label": "plain", "raw": "Say: {{question}}", "provider": "small"}]
    inner = {"version": 3, "timestamp": "2026-01-01", "prompts": prompts, "results": list(rows), "stats": {}, **more}
    return json.dumps(
        {"evalId": "eval-1", "results": inner, "config": {}, "metadata": {"promptfooVersion": "0.121.20"}}
    )


def one(*components: dict[str, Any], **more: Any) -> Got:
    return read(wrapped(row(0, *components, **more)), "results.json")


# The real files


@pytest.fixture(scope="module")
def real() -> Got:
    return read(sample("promptfoo/output.json").read_bytes(), "output.json")


def test_the_real_file_in_numbers(real: Got) -> None:
    assert real.key == "promptfoo"
    assert (len(real.items), len(real.systems), len(real.outputs)) == (5, 4, 20)
    assert [o.error for o in real.outputs if o.error] == [
        "API error: 400 Bad Request: maximum context length exceeded for acme-large"
    ] * 2
    assert not real.skipped
    assert not real.notes
    assert Counter(s.metric for s in real.scores) == {
        "Helpfulness": 18, "Correctness": 14, "Detail": 4, "Policy": 4, "Format": 4,
        "latency": 18, "cost": 18, OVERALL_SCORE: 18, OVERALL_VERDICT: 18,
    }  # fmt: skip
    assert Counter(s.passed for s in real.scores if s.metric == OVERALL_VERDICT) == {True: 12, False: 6}


def test_the_real_items_and_systems(real: Got) -> None:
    assert real.items[0] == ItemRecord(
        "bk-001",
        ({"role": "user", "content": "My rear derailleur skips in the smallest cog. What should I check first?"},),
        metadata={
            "topic": "repair", "description": "derailleur",
            "vars": {"question": "My rear derailleur skips in the smallest cog. What should I check first?"},
        },
        tags=("topic:repair",),
    )  # fmt: skip
    assert [i.external_id for i in real.items] == ["bk-001", "bk-002", "bk-003", "bk-004", "bk-005"]
    assert [(s.name, s.version) for s in real.systems] == [
        ("acme-small", "terse"), ("acme-small", "warm"), ("acme-large", "terse"), ("acme-large", "warm"),
    ]  # fmt: skip
    assert real.systems[0].config["template"] == "Answer the customer in one sentence.\n\n{{question}}"


def test_the_real_outputs_keep_what_was_measured(real: Got) -> None:
    first = real.outputs[0]
    assert (first.item, first.system, first.repeat) == ("bk-001", ("acme-small", "terse"), 0)
    assert first.text == "Check the cable tension and the limit screw."
    assert (first.latency_ms, first.tokens_in, first.tokens_out) == (19, 28, 11)
    assert (first.cost, first.currency) == (1.08e-05, "USD")
    warm = real.outputs[1].raw["prompt"]
    assert [message["role"] for message in warm] == ["system", "user"]
    structured = [o for o in real.outputs if o.raw.get("structured")]
    assert [json.loads(o.text or "") for o in structured] == [{"open": "09:00", "close": "17:00"}] * 2


def test_the_real_failed_calls_have_no_scores_tokens_or_cost(real: Got) -> None:
    failed = [o for o in real.outputs if o.error]
    assert {(o.item, o.system[0]) for o in failed} == {("bk-005", "acme-large")}
    assert {(o.text, o.tokens_in, o.tokens_out, o.cost) for o in failed} == {(None, None, None, None)}
    assert not [s for s in real.scores if s.item == "bk-005" and s.system and s.system[0] == "acme-large"]


def test_the_real_scores(real: Got) -> None:
    target = {"item": "bk-001", "system": ("acme-small", "terse")}
    helpful = real.score("Helpfulness", **target)
    assert (helpful.number, helpful.source, helpful.judge) == (0.7, "llm", "file://../judge.js")
    assert (helpful.minimum, helpful.maximum, helpful.passed) == (0, 1, True)
    assert helpful.explanation.startswith("The answer addresses the question")
    detail = real.score("Detail", **target)
    assert (detail.source, detail.minimum, detail.maximum) == ("code", None, None)
    assert real.score(OVERALL_SCORE, **target).number == pytest.approx(0.7822222)
    verdict = real.score(OVERALL_VERDICT, item="bk-002", system=("acme-small", "warm"))
    assert (verdict.kind, verdict.number, verdict.label, verdict.passed) == ("bool", 0.0, "false", False)


def test_a_failed_assertion_is_no_error(real: Got) -> None:
    failed = [o for o in real.outputs if o.item == "bk-002" and o.system[0] == "acme-small"]
    assert [(o.error, o.text) for o in failed] == [("", "Yes, any time.")] * 2


def test_the_real_run_has_means_not_sums(real: Got) -> None:
    (run,) = real.runs
    assert (run.tool, run.tool_version, run.run_id) == ("promptfoo", "0.121.20", "eval-Fxd-2026-11-23T22:04:50")
    assert run.created == "2026-11-23T22:04:50.492Z"
    small = run.aggregates["prompts"][0]
    assert small["means"]["Helpfulness"] == pytest.approx(4.9 / 5)
    assert small["derived"] == {"Overall": pytest.approx(3.95)}
    assert run.aggregates["stats"]["errors"] == 2


def test_json_lines_give_the_same_as_json(real: Got) -> None:
    got = read(sample("promptfoo/output.jsonl").read_bytes(), "output.jsonl")
    assert got.key == "promptfoo"
    assert (got.items, got.outputs, got.scores) == (real.items, real.outputs, real.scores)
    assert [(s.name, s.version) for s in got.systems] == [(s.name, s.version) for s in real.systems]


def test_the_inner_object_alone_gives_the_same(real: Got) -> None:
    inner = json.loads(sample("promptfoo/output.json").read_bytes())["results"]
    got = read(json.dumps(inner), "inner.json")
    assert got.key == "promptfoo"
    assert (got.items, got.systems, got.outputs, got.scores) == (
        real.items, real.systems, real.outputs, real.scores,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["output.html", "output.xml"])
@pytest.mark.parametrize("format", ["auto", "promptfoo"])
def test_exports_for_people_are_refused_naming_json(name: str, format: str) -> None:
    data = sample(f"promptfoo/{name}").read_bytes()
    assert "Export JSON instead" in refused(data, name, format)


# The traps


def test_one_prompt_leaves_the_version_empty() -> None:
    got = one()
    assert got.systems == [
        SystemRecord("small", "", {"provider": "acme:small", "prompt": "plain", "prompt_id": "p1" * 20,
                                   "template": "Say: {{question}}"})
    ]  # fmt: skip
    assert read(lines(row()), "one.jsonl").systems[0].version == ""


def test_the_provider_may_be_a_text_or_without_label() -> None:
    assert one(provider="openai:gpt [x]").systems[0].name == "openai:gpt [x]"
    assert one(provider={"id": "acme:small"}).systems[0].name == "acme:small"
    got = one(provider={})
    assert [(p.row, p.column) for p in got.skipped] == [(1, "provider")]


def test_prompts_without_a_short_label_go_by_their_id() -> None:
    other = row(0, promptId="q2" * 20, prompt={"raw": "x", "label": "A whole prompt\n{{question}}"})
    got = read(lines(row(), other), "a.jsonl")
    assert [s.version for s in got.systems] == ["plain", "prompt q2q2q2q2"]
    same = row(0, promptId="q2" * 20)
    assert [s.version for s in read(lines(row(), same), "a.jsonl").systems] == ["plain p1p1p1p1", "plain q2q2q2q2"]


def test_an_infrastructure_error_is_kept_without_a_score() -> None:
    got = one(failureReason=2, error="429", response=None, gradingResult=None, score=0, success=False, cost=0)
    assert (got.outputs[0].error, got.outputs[0].text, got.outputs[0].cost) == ("429", None, None)
    assert not got.scores


def test_before_failure_reasons_an_error_without_grading_is_infrastructure() -> None:
    old = row(0, error="timeout", response={}, gradingResult=None, score=0, success=False)
    del old["failureReason"]
    assert read(wrapped(old), "a.json").outputs[0].error == "timeout"
    failed = row(0, component(score=0), error="contains said 0", success=False, score=0)
    del failed["failureReason"]
    got = read(wrapped(failed), "a.json")
    assert got.outputs[0].error == ""
    assert got.score("contains").number == 0


def test_assertions_that_share_a_metric_are_one_named_score() -> None:
    parts = [component(metric="M", score=1), component("llm-rubric", metric="M", score=0, weight=3)]
    got = one(*parts, namedScores={"M": 0.25})
    score = got.score("M")
    assert (score.number, score.passed, score.source) == (0.25, False, "llm")
    assert score.explanation == "contains said 1\nllm-rubric said 0"
    assert one(*parts).score("M").number == 0.25  # without the tool's own combination: its rule


def test_assertions_without_a_metric_go_by_type() -> None:
    got = one(component("not-contains", 1), component("latency", 1), component("latency", 0, weight=3))
    assert got.score("not-contains").number == 1
    assert got.score("latency").number == 0.25


def test_nested_assert_sets_count_once() -> None:
    inner = [component("equals", 0), component("regex", 1, metric="M")]
    outer = {"pass": True, "score": 0.5, "reason": "set", "componentResults": inner}
    names = {"equals", "regex", "M", OVERALL_SCORE, OVERALL_VERDICT} - {"regex"}
    for parts in ([outer], [outer, *inner]):
        got = one(*parts, component("equals", 1), namedScores={"M": 1})
        assert {s.metric for s in got.scores} == names
        assert got.score("equals").number == 0.5
        assert got.score("M").number == 1


def test_a_judge_is_named_by_assertion_prompt_or_test() -> None:
    assert one(component("llm-rubric", provider="gpt")).score("llm-rubric").judge == "gpt"
    assert one(component("llm-rubric", provider={"id": "gpt"})).score("llm-rubric").judge == "gpt"
    assert one(component("llm-rubric"), testCase={"options": {"provider": "g"}}).score("llm-rubric").judge == "g"
    assert one(component("contains"), testCase={"options": {"provider": "g"}}).score("contains").judge == ""


def test_a_thumb_is_a_human_rating_and_the_overall_score_is_not_automated() -> None:
    thumb = component("human", 0, comment="Too blunt")
    got = one(component("contains"), thumb, success=False, score=0)
    (rating,) = got.humans
    assert (rating.metric, rating.item, rating.system) == (HUMAN_METRIC, got.items[0].external_id, ("small", ""))
    assert (rating.number, rating.label, rating.comment, rating.rater) == (0.0, "fail", "Too blunt", "")
    assert [s.metric for s in got.scores] == ["contains"]
    assert "overrides the overall score" in got.notes[0].why


def test_the_note_of_a_thumb_may_stand_beside_it() -> None:
    grading = {"comment": "Nice", "componentResults": [component("human", 1)]}
    assert one(gradingResult=grading).humans[0].comment == "Nice"


def test_a_missing_score_is_missing() -> None:
    got = one(component(score=None), namedScores={"M": None}, score=None)
    assert got.score("M").number is None
    assert got.score("M").missing_reason
    assert got.score("contains").missing_reason
    assert not [s for s in got.scores if s.metric == OVERALL_SCORE]


def test_cost_and_tokens_may_be_absent() -> None:
    got = one(tokenUsage={"prompt": 0, "completion": 0, "total": 7, "cached": 7})
    assert (got.outputs[0].cost, got.outputs[0].currency, got.outputs[0].tokens_in) == (None, "", None)


def test_cached_answers_are_noted() -> None:
    got = one(response={"output": "x", "cached": True})
    assert got.outputs[0].raw["cached"] is True
    assert got.outputs[0].latency_ms == 12
    assert "cache" in got.notes[0].why


def test_repeats_are_numbered() -> None:
    got = read(wrapped(row(), row(1), row(), row()), "a.json")
    assert [(o.item == got.items[0].external_id, o.repeat) for o in got.outputs] == [
        (True, 0), (False, 0), (True, 1), (True, 2),
    ]  # fmt: skip
    assert sorted({s.repeat for s in got.scores}) == [0, 1, 2]


@pytest.mark.parametrize("version", [1, 2, 4])
def test_other_versions_are_read(version: int) -> None:
    got = read(wrapped(row(), version=version), "a.json")
    assert len(got.outputs) == 1
    assert len(got.notes) == (version > 3)


def test_the_older_table_is_read() -> None:
    cells = [
        {"pass": True, "score": 1, "text": "Good.", "prompt": "Say: hi", "latencyMs": 5, "namedScores": {"M": 0.5},
         "gradingResult": {"componentResults": [component()]}},
        {"pass": False, "score": 0, "text": "contains said 0\n---\nBad.", "gradingResult": {
            "componentResults": [component(score=0)]}},
        {"pass": False, "score": 0, "text": "no line", "gradingResult": None},
    ]  # fmt: skip
    prompts = [{"display": name, "raw": name, "provider": "small"} for name in ("one", "two", "three")]
    table = {
        "head": {"vars": ["question"], "prompts": prompts},
        "body": [{"description": "first", "vars": ["Why?"], "outputs": cells, "test": {}}],
    }
    for document in ({"version": 2, "timestamp": "t", "table": table, "results": []},
                     {"evalId": "e", "results": {"version": 2, "table": table}}):  # fmt: skip
        got = read(json.dumps(document), "old.json")
        assert got.key == "promptfoo"
        assert got.items[0].messages == ({"role": "user", "content": "Why?"},)
        assert [(o.system, o.text, o.error) for o in got.outputs] == [
            (("small", "one"), "Good.", ""), (("small", "two"), "Bad.", ""), (("small", "three"), None, "no line"),
        ]  # fmt: skip
        assert got.score("M").number == 0.5
        assert {s.system for s in got.scores} == {("small", "one"), ("small", "two")}


# Items


def test_items_without_an_id_are_known_by_their_variables() -> None:
    first = one(vars={"question": "Why?", "tone": "calm"})
    again = one(vars={"tone": " calm", "question": "Why?"})
    assert first.items[0].external_id == again.items[0].external_id
    assert first.items[0].external_id != one(vars={"question": "Why?"}).items[0].external_id
    assert first.items[0].messages[0]["content"] == "question: Why?\n\ntone: calm"


@pytest.mark.parametrize(
    "given",
    [
        {"testCase": {"metadata": {"item_id": "x-1"}}},
        {"metadata": {"item_id": "x-1"}},
        {"vars": {"question": "Q?", "item_id": "x-1"}},
        {"vars": {"question": "Q?", "id": "x-1"}},
    ],
)
def test_ids_people_gave_are_used(given: dict[str, Any]) -> None:
    got = one(**given)
    assert got.items[0].external_id == "x-1"
    assert "x-1" not in got.items[0].messages[0]["content"]


def test_context_and_conversations_in_variables() -> None:
    got = one(vars={"question": "Why?", "context": ["A", "B"]})
    assert (got.items[0].context, got.items[0].messages[0]["content"]) == (("A", "B"), "Why?")
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    assert list(one(vars={"chat": turns}).items[0].messages) == turns


def test_without_variables_the_prompt_is_the_item() -> None:
    chat = [{"role": "user", "content": "Hi"}]
    assert list(one(vars={}, prompt={"raw": json.dumps(chat), "label": "l"}).items[0].messages) == chat
    assert one(vars={}).items[0].messages[0]["content"] == "Say: hi"
    assert one(vars={}, prompt={}).skipped[0].row == 1


def test_one_id_with_two_questions_is_reported_by_row() -> None:
    named = {"testCase": {"metadata": {"item_id": "x"}}}
    got = read(wrapped(row(0, **named), row(1, **named)), "a.json")
    assert [(p.row, p.column) for p in got.skipped] == [(2, "vars")]
    assert len(got.outputs) == 1


def test_tags_come_from_metadata() -> None:
    metadata = {"topic": "a", "hard": True, "areas": ["x", "y"], "nested": {"n": 1}, "long": "w" * 200, "item_id": 3}
    assert one(testCase={"metadata": metadata}).items[0].tags == ("topic:a", "hard:true", "areas:x", "areas:y")


# What is refused, and what is survived


def test_empty_and_foreign_documents_are_refused() -> None:
    assert "the list is empty" in refused(wrapped(), "a.json")
    assert "results.results" in refused('{"evalId": "e", "results": 3}', "a.json")
    refused("[1]", "a.json", "promptfoo")
    refused("3", "a.json", "promptfoo")


def test_a_half_written_last_line_is_noted() -> None:
    got = read(lines(row(), row(1)) + json.dumps(row(2))[:100], "a.jsonl")
    assert len(got.outputs) == 2
    assert [n.row for n in got.notes] == [3]


def test_a_half_written_document_is_refused() -> None:
    data = sample("promptfoo/output.json").read_bytes()
    assert "cut short" in refused(data[: data.rindex(b"}")], "a.json")
    assert "never closed" in refused(wrapped(row())[:300], "a.json")


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    whole = row(0, component("llm-rubric", metric="M"), namedScores={"M": 1})
    places = [(key,) for key in whole] + [
        ("gradingResult", "componentResults"), ("prompt", "label"), ("prompt", "raw"), ("provider", "id"),
        ("provider", "label"), ("response", "output"), ("testCase", "metadata"), ("vars", "question"),
        ("namedScores", "M"), ("tokenUsage", "prompt"), ("response", "error"),
    ]  # fmt: skip
    for place in places:
        broken = copy.deepcopy(whole)
        inner = broken
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = junk
        got = read(wrapped(whole, broken), "a.json")
        assert got.outputs, place
        json.dumps([o.raw for o in got.outputs] + [i.metadata for i in got.items], allow_nan=False)


def test_sniffing_is_sure_of_promptfoo_and_of_nothing_else() -> None:
    assert detect(wrapped(row()).encode(), "a.json")[0][0] == "promptfoo"
    assert detect(lines(row()).encode(), "a.jsonl")[0][0] == "promptfoo"
    for other in (b'{"item": "q"}', b'[{"item": "q"}]', b"item,system\n", b"PAR1"):
        assert "promptfoo" not in dict(detect(other, "a"))
