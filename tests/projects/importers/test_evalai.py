"""EvalAI: the shape that its documentation gives."""

from __future__ import annotations

import json

from tests.projects.importers.helpers import read, refused, sample


def test_the_documented_result() -> None:
    got = read(sample("evalai/evaluate_output.json").read_bytes(), "evaluate_output.json", system="team")
    assert (got.key, got.items, got.outputs) == ("evalai", [], [])
    assert [(s.metric, s.number, s.direction, s.maximum) for s in got.scores][:2] == [
        ("train_split Accuracy (run)", 71.2, "unknown", None), ("train_split F1 (run)", 0.688, "unknown", None),
    ]  # fmt: skip


def test_the_team_of_the_submission_is_the_system() -> None:
    told = {"result": [{"test": {"F1": 0.5, "bad": [1], "none": None}}], "submission_metadata": {"team_name": "Ants"}}
    got = read(json.dumps(told), "r.json")
    assert [(s.system, s.metric, s.number) for s in got.scores] == [
        (("Ants", ""), "test F1 (run)", 0.5), (("Ants", ""), "test none (run)", None),
    ]  # fmt: skip
    assert got.skipped[0].column == "test bad"


def test_a_list_alone_and_files_of_another_shape() -> None:
    assert read('[{"test": {"F1": 1}}]', "r.json", "evalai", system="s").scores[0].number == 1
    assert "Name it" in refused('{"result": [{"test": {"F1": 1}}]}', "r.json", "evalai")
    assert "each with a split" in refused('{"result": [1]}', "r.json", "evalai")
