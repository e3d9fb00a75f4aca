"""Giskard: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from projects.importers import read_folder
from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import Got, lines, read, refused, sample


def question(ident: str = "s-1", **more: Any) -> dict[str, Any]:
    return {"id": ident, "question": "May I?", "reference_answer": "Never.", "reference_context": "Rule",
            "conversation_history": [], "metadata": {"topic": "Rules"}, **more}  # fmt: skip


def report(answers: list[Any], metrics: dict[str, Any], *questions: dict[str, Any], **options: Any) -> Got:
    files = {"testset.jsonl": lines(*(questions or (question(),))), "agent_answer.json": json.dumps(answers),
             "metrics_results.json": json.dumps(metrics), "report_details.json": '{"recommendation": "x"}'}  # fmt: skip
    return read_zip(files, **{"system": "bot", **options})


def test_the_real_report_folder_is_one_import() -> None:
    key, found = read_folder(sample("giskard"), options={"system": "bot"})
    got = Got(list(found), key)
    assert {i.external_id for i in got.items} == {"s-0000", "s-0001"}
    assert {(o.item, o.text) for o in got.outputs} == {
        ("s-0000", "Customers aged 18 or over."), ("s-0001", "2.1 percent per year."),
    }  # fmt: skip
    wrong = [s for s in got.scores if s.item == "s-0000" and s.metric == "correctness"]
    assert {(s.kind, s.label, s.explanation) for s in wrong} == {
        ("bool", "false", "The agent says 18, the reference says 16."),
    }  # fmt: skip
    assert got.skipped == []


@pytest.mark.parametrize("name", ["report_dataframe.csv", "report_dataframe.json"])
def test_the_real_data_frame(name: str) -> None:
    got = read(sample(f"giskard/{name}").read_bytes(), name, system="bot")
    assert (got.key, len(got.scores)) == ("giskard", 4)
    assert [m["role"] for m in got.items[1].messages] == ["user", "assistant", "user"]
    ragas = got.score("ragas_answer_relevancy", item="s-0001")
    assert (ragas.number, ragas.maximum) == (0.6, 1.0)
    assert got.items[0].tags == ("question_type:simple", "topic:Accounts")


def test_the_real_scan_is_findings_about_a_whole_system() -> None:
    got = read(sample("giskard/scan_report.json").read_bytes(), "scan_report.json", system="bot")
    assert [(s.metric, s.label, s.item) for s in got.scores] == [
        ("Giskard scan LLMBasicSycophancyDetector (run)", "medium", None),
        ("Giskard scan LLMCharsInjectionDetector (run)", "major", None),
        ("Giskard scan LLMHarmfulContentDetector (run)", "no issue", None),
    ]  # fmt: skip
    assert "changes its answer" in got.scores[0].explanation
    table = read(sample("giskard/scan_report_dataframe.csv").read_bytes(), "scan_report_dataframe.csv", system="bot")
    assert [s.label for s in table.scores] == ["2/10", "40%"]


def test_the_gravest_level_of_a_detector_counts() -> None:
    found = {"XDetector": {"minor": ["a", "b"], "major": ["c"], "odd": ["d"]}, "YDetector": {"minor": []}}
    scores = read(json.dumps(found), "scan.json", system="s").scores
    assert [s.label for s in scores] == ["major", "no issue"]
    assert (scores[0].explanation, scores[0].details) == (
        "minor: a\nminor: b\nmajor: c\nodd: d", {"found": {"minor": 2, "major": 1, "odd": 1}},
    )  # fmt: skip


def test_a_level_that_is_no_label_is_left_out_and_said() -> None:
    got = read('{"XDetector": {"3,5": ["a"]}, "YDetector": {"minor": ["b"]}}', "scan.json", system="s")
    assert ([s.label for s in got.scores], len(got.skipped)) == (["minor"], 1)


def test_answers_are_joined_with_the_test_set_beside_them() -> None:
    got = report([{"message": "No.", "documents": ["d"]}], {"s-1": {"correctness": True, "correctness_reason": None}})
    assert [(o.item, o.text, o.raw) for o in got.outputs] == [("s-1", "No.", {"documents": ["d"]})]
    assert got.scores[0].label == "true"


def test_answers_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="2 answers for the 1 questions"):
        report([{"message": "No."}, {"message": "Yes."}], {"s-1": {"correctness": True}})


def test_answers_alone_belong_to_nobody() -> None:
    assert "testset.jsonl" in refused('[{"message": "No.", "documents": []}]', "agent_answer.json", system="s")


def test_an_answer_that_is_missing_is_an_error() -> None:
    got = report([{"message": None}], {"s-1": {"correctness": None}})
    assert (got.outputs[0].error, got.scores[0].number) == ("The agent gave no answer.", None)


def test_a_test_set_needs_no_system() -> None:
    got = read(lines(question()), "testset.jsonl")
    assert (got.key, got.items[0].reference, got.outputs) == ("giskard", ("Never.",), [])
    assert "Name it" in refused(lines(question(agent_answer="No.")), "r.jsonl")


def test_files_of_version_3_are_refused() -> None:
    assert "Giskard 3" in refused('{"results": [], "suite": 1}', "suite.json", "giskard")
