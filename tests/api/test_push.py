"""Pushing items, outputs and scores: the importer's door for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from projects.models import AuditEvent, AutomatedScore, ImportBatch, Item, Metric, Output, OutputRevision, Project
from tests.api.conftest import Caller, caller_of

ITEM = {"item": "q1", "prompt": "What is 2 + 2?", "tags": ["arithmetic"], "metadata": {"level": 1}}
OUTPUT = {"item": "q1", "system": "small@2", "output": "4", "latency_ms": 120, "cost_usd": 0.001}
SCORE = {"item": "q1", "system": "small@2", "metric": "exact", "value": True}
CONTENT = {"items": [ITEM], "outputs": [OUTPUT], "scores": [SCORE]}
ROWS = [
    {"item": "q1", "prompt": "What is 2 + 2?", "system": "small", "output": "4", "metric": "exact", "value": 1},
    {"item": "q2", "prompt": "And 3 + 3?", "system": "small", "output": "six", "metric": "exact", "value": 0},
]
PATH = "projects/support/outputs/"
pytestmark = pytest.mark.django_db


def everything() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Item, Output, AutomatedScore, ImportBatch, AuditEvent)}


def test_records_are_written_by_the_importer(lead: Caller, project: Project) -> None:
    answer = lead.post(PATH, CONTENT)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    counts = {"items": 1, "systems": 1, "outputs": 1, "scores": 1, "judgments": 0}
    assert found == {"format": "api", **counts, "new": counts, "changed": dict.fromkeys(counts, 0),
                     "skipped": [], "notes": []}  # fmt: skip
    output = Output.objects.select_related("system", "batch").get(item__project=project)
    assert (output.system.name, output.system.version) == ("small", "2")
    assert (output.latency_ms, output.cost, output.currency) == (120, 0.001, "USD")
    assert output.batch is not None
    assert output.batch.created_by is not None
    assert OutputRevision.objects.get(output=output).text == "4"
    assert list(Item.objects.get().tags.values_list("tag", flat=True)) == ["arithmetic"]
    assert Metric.objects.get().kind == "bool"


def test_the_same_push_again_changes_nothing(lead: Caller, project: Project) -> None:
    lead.post(PATH, CONTENT)
    before = everything()
    again = lead.post(PATH, CONTENT)
    assert again.status_code == 200
    assert (again.json()["items"], sum(again.json()["new"].values())) == (1, 0)
    assert everything() == before


@pytest.mark.parametrize("form", ["rows", "csv", "jsonl"])
def test_rows_and_files_mean_the_same(lead: Caller, project: Project, form: str) -> None:
    if form == "rows":
        answer = lead.post(PATH, ROWS)
    else:
        lines = [",".join(ROWS[0]), *(",".join(map(str, row.values())) for row in ROWS)]
        text = "\n".join(lines if form == "csv" else [json.dumps(row) for row in ROWS])
        answer = lead.upload(PATH, file=SimpleUploadedFile(f"answers.{form}", text.encode()), format="auto")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {key: found[key] for key in ("items", "systems", "outputs", "scores")} == {
        "items": 2,
        "systems": 1,
        "outputs": 2,
        "scores": 2,
    }
    assert set(OutputRevision.objects.values_list("text", flat=True)) == {"4", "six"}


def test_rows_that_cannot_be_read_are_named(lead: Caller, project: Project) -> None:
    answer = lead.post(PATH, [*ROWS, {"item": "q3", "metric": "exact", "value": 1}])
    assert answer.status_code == 200
    [skipped] = answer.json()["skipped"]
    assert skipped["where"].startswith("request, row 3")
    assert "names no system" in skipped["why"]


def test_a_missing_score_is_never_zero(lead: Caller, project: Project) -> None:
    lead.post(PATH, {"scores": [{**SCORE, "value": None, "kind": "number", "missing_reason": "The judge timed out."}]})
    score = AutomatedScore.objects.get()
    assert (score.number, score.missing_reason) == (None, "The judge timed out.")


def test_a_preference_names_both_systems(lead: Caller, project: Project) -> None:
    score = {"item": "q1", "system": "a", "system_b": "b", "metric": "judge", "value": "b", "judge": "large"}
    assert lead.post(PATH, {"scores": [score]}).status_code == 200
    found = AutomatedScore.objects.select_related("metric", "output_b__system").get()
    assert (found.label, found.metric.kind, found.metric.source) == ("b", "preference", "llm")
    assert found.output_b is not None
    assert found.output_b.system.name == "b"


def test_a_conversation_and_tool_calls_are_kept(lead: Caller, project: Project) -> None:
    turns = [
        {"role": "assistant", "content": "", "tool_calls": [{"name": "add"}]},
        {"role": "assistant", "content": "4"},
    ]
    item = {"item": "q1", "messages": [{"role": "user", "content": "2 + 2?"}], "reference": ["4"]}
    assert lead.post(PATH, {"items": [item], "outputs": [{**OUTPUT, "output": turns}]}).status_code == 200
    revision = OutputRevision.objects.get()
    assert revision.text == "4"
    assert revision.messages == turns


REFUSED: list[tuple[Any, str, str]] = [
    ({**CONTENT, "systems": []}, "/systems", "no such field"),
    ({"items": [{**ITEM, "colour": "red"}]}, "/items/0/colour", "no such field"),
    ({"items": [ITEM, {"prompt": "No id"}]}, "/items/1/item", "required"),
    ({"items": [{**ITEM, "messages": [{"content": "No role"}]}]}, "/items/0/messages", "no role"),
    ({"outputs": [{**OUTPUT, "latency_ms": -1}]}, "/outputs/0/latency_ms", "greater than or equal"),
    ({"outputs": [{**OUTPUT, "tokens_in": 2**40}]}, "/outputs/0/tokens_in", "less than or equal"),
    ({"outputs": [{**OUTPUT, "system": "small@" + "1" * 101}]}, "/outputs/0/system", "system's name"),
    ({"outputs": [{**OUTPUT, "output": 4}]}, "/outputs/0/output", "a text"),
    ({"scores": [{**SCORE, "value": [1]}]}, "/scores/0/value", "a number"),
    ({"scores": [{**SCORE, "kind": "number", "value": "good"}]}, "/scores/0/value", "not a number"),
    ({"scores": [{**SCORE, "kind": "preference", "value": "a"}]}, "/scores/0/system_b", "second system"),
    ({"scores": [{**SCORE, "source": "human"}]}, "/scores/0/source", "not a valid choice"),
    ({"items": [{**ITEM, "item": "x" * 301}]}, "/items/0/item", "300"),
    ({}, "", "nothing in it"),
    ("text", "", "Invalid data"),
]


@pytest.mark.parametrize(("content", "pointer", "words"), REFUSED, ids=[f"{p}-{w}" for _, p, w in REFUSED])
def test_what_is_wrong_is_named_and_nothing_is_written(
    lead: Caller, project: Project, content: Any, pointer: str, words: str
) -> None:
    before = everything()
    answer = lead.post(PATH, json.dumps(content) if isinstance(content, str) else content)
    assert answer.status_code == 400, answer.text
    assert answer["Content-Type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert everything() == before


BROKEN: list[tuple[bytes, str]] = [
    (b"{", "cannot be read at character"),
    (b'{"items": ["\xff"]}', "not UTF-8"),
    (b"[" * 10_000 + b"]" * 10_000, "nested more than"),
    (b'{"scores": [{"value": NaN}]}', "NaN is not a finite number"),
    (b'{"scores": [{"value": 1e999}]}', "not a finite number"),
    (b'{"items": [], "items": []}', "more than once"),
    (b'{"items": [{"item": "\\ud800"}]}', "half a character"),
    (b'{"items": [{"item": "\\u0000"}]}', "half a character"),
    (b'{"scores": [{"turn": ' + b"9" * 5000 + b"}]}", "Exceeds the limit"),
]


@pytest.mark.parametrize(("body", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_json_that_is_not_json_is_refused_in_words(lead: Caller, project: Project, body: bytes, words: str) -> None:
    answer = lead.raw(PATH, body)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["detail"]
    assert not Item.objects.exists()


def test_a_body_larger_than_the_cap_is_refused(lead: Caller, project: Project, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
    answer = lead.raw(PATH, b'{"items": "' + b"x" * 1024 * 1024 + b'"}')
    assert answer.status_code == 413
    assert "larger than 1 MiB" in answer.json()["detail"]


def test_a_file_larger_than_the_cap_is_refused(lead: Caller, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.importers.limits.MAX_BYTES", 1000)
    file = SimpleUploadedFile("answers.csv", b"item,system,output\n" + b"q1,small,4\n" * 200)
    answer = lead.upload(PATH, file=file)
    assert answer.status_code == 400  # within what a form may add, so the importer refuses it
    assert "larger than 1,000 bytes" in answer.json()["detail"]
    monkeypatch.setattr("config.api_base.FORM_BYTES", 0)
    file.seek(0)
    assert lead.upload(PATH, file=file).status_code == 413


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"item,item\n1,2\n"])
def test_a_file_that_cannot_be_read_is_refused_by_name(lead: Caller, project: Project, content: bytes) -> None:
    answer = lead.upload(PATH, file=SimpleUploadedFile("answers.csv", content))
    assert answer.status_code == 400, answer.text
    assert "answers.csv" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "/file"


def test_an_unknown_form_field_is_named(lead: Caller, project: Project) -> None:
    answer = lead.upload(PATH, file=SimpleUploadedFile("a.csv", b"item\n1\n"), colour="red")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/colour"


def test_another_content_type_is_refused(lead: Caller, project: Project) -> None:
    answer = lead._send("post", PATH, data="<a/>", content_type="application/xml")
    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"


def test_nothing_readable_is_an_error_for_records_too(lead: Caller, project: Project) -> None:
    lead.post(PATH, CONTENT)
    clash = {"items": [{"item": "q1", "prompt": "Another question?"}]}
    answer = lead.post(PATH, clash)
    assert answer.status_code == 200, answer.text
    assert "another prompt" in answer.json()["skipped"][0]["why"]
    assert answer.json()["items"] == 0


@pytest.mark.parametrize("role", ["reviewer", "viewer", "rater"])
def test_only_leads_push(caller: Callable[[str], Caller], project: Project, role: str) -> None:
    assert caller(role).post(PATH, CONTENT).status_code == 404
    assert not Item.objects.exists()


def test_a_token_for_reading_does_not_write(alice: Any, project: Project) -> None:
    reader = caller_of(alice, can_write=False)
    answer = reader.post(PATH, CONTENT)
    assert answer.status_code == 403
    assert "reading only" in answer.json()["detail"]
    assert not Item.objects.exists()
    assert reader.get("projects/support/items/").status_code == 200
