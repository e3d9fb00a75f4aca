"""MT-Bench: files of FastChat's own functions with exact values, and each trap in a small one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from projects.importers import detect
from projects.importers.records import ItemRecord, OutputRecord
from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import Got, lines, read, refused, sample


def question(**more: Any) -> dict[str, Any]:
    return {"question_id": 81, "category": "writing", "turns": ["Write.", "Shorter."], **more}


def answer(*turns: Any, model: str = "a", **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "turns": list(turns)}]
    return {"question_id": 81, "answer_id": "x", "model_id": model, "choices": choices, "tstamp": 1.5, **more}


def single(score: Any = 6, **more: Any) -> dict[str, Any]:
    return {
        "question_id": 81, "model": "a", "judge": ["gpt-4", "single-v1"], "user_prompt": "…", "score": score,
        "judgment": "Fine. Rating: [[6]]", "turn": 1, "tstamp": 2.5, **more,
    }  # fmt: skip


def pair(g1: Any = "model_1", g2: Any = "tie", **more: Any) -> dict[str, Any]:
    return {
        "question_id": 81, "model_1": "a", "model_2": "b", "g1_winner": g1, "g2_winner": g2, "turn": 2,
        "judge": ["gpt-4", "pair-v2"], "g1_judgment": "One.", "g2_judgment": "Two.", **more,
    }  # fmt: skip


def rows(*given: dict[str, Any]) -> Got:
    return read(lines(*given), "a.jsonl")


def real(name: str) -> Got:
    return read(sample(f"mt_bench/{name}").read_bytes(), name.rpartition("/")[2])


# The real files


def test_the_real_questions() -> None:
    got = real("question.jsonl")
    assert got.key == "mt_bench"
    assert [i.external_id for i in got.items] == ["81", "104"]
    assert got.items[1].messages == (
        {"role": "user", "content": "David has three sisters. Each of them has one brother. "
         "How many brothers does David have?"},
        {"role": "user", "content": "If we change the previous question and assume that each sister of David has two "
         "brothers, how many brothers would David have?"},
    )  # fmt: skip
    assert got.items[1].reference == (
        "David has no brother. He is the one brother of his three sisters.", "David has one brother.",
    )  # fmt: skip
    assert [i.tags for i in got.items] == [("category:writing",), ("category:reasoning",)]


def test_the_real_answers() -> None:
    got = real("model_answer/tiny-chat-7b.jsonl")
    assert (got.key, {(s.name, s.version) for s in got.systems}) == ("mt_bench", {("tiny-chat-7b", "")})
    assert got.outputs[1] == OutputRecord(
        "104", ("tiny-chat-7b", ""), messages=(
            {"role": "assistant", "content": "David has one brother."},
            {"role": "assistant", "content": "Sorry, he has one brother: himself makes two boys."},
        ), raw={"answer_id": "anstiny-chat-7b104", "tstamp": 1795470104.5},
    )  # fmt: skip


def test_the_real_scores_of_one_answer() -> None:
    got = real("model_judgment/gpt-4_single.jsonl")
    assert (got.key, got.skipped, [n.why.split(" are")[0] for n in got.notes]) == (
        "mt_bench",
        [],
        ["The questions and answers"],
    )
    found = [(s.item, (s.system or ("",))[0], s.turn, s.number, s.judge) for s in got.scores]
    assert found == [
        ("81", "tiny-chat-7b", 1, 6, "gpt-4@single-v1"),
        ("81", "tiny-chat-7b", 2, None, "gpt-4@single-v1-multi-turn"),
        ("104", "tiny-chat-7b", 1, 9, "gpt-4@single-math-v1"),
        ("104", "tiny-chat-7b", 2, 7.5, "gpt-4@single-math-v1-multi-turn"),
        ("81", "tiny-chat-13b", 1, 2, "gpt-4@single-v1"),
        ("81", "tiny-chat-13b", 2, 3, "gpt-4@single-v1-multi-turn"),
        ("104", "tiny-chat-13b", 1, 6, "gpt-4@single-math-v1"),
        ("104", "tiny-chat-13b", 2, None, "gpt-4@single-math-v1-multi-turn"),
    ]
    assert {s.metric for s in got.scores} == {"MT-Bench score (gpt-4)"}
    assert {(s.minimum, s.maximum, s.direction, s.source) for s in got.scores} == {(1, 10, "higher", "llm")}
    assert "-1 in the file" in got.scores[1].missing_reason
    assert (
        got.scores[0].explanation == "The response is relevant but incomplete. The explanation is thin. Rating: [[6]]"
    )


def test_the_real_pairs_are_two_games_each_with_the_winner_as_written() -> None:
    got = real("model_judgment/gpt-4_pair.jsonl")
    found = [(s.item, s.turn, s.position, s.label, s.judge) for s in got.scores]
    assert found == [
        ("81", 1, "a_first", "b", "gpt-4@pair-v2"),
        ("81", 1, "b_first", "b", "gpt-4@pair-v2"),
        ("81", 2, "a_first", "a", "gpt-4@pair-v2-multi-turn"),
        ("81", 2, "b_first", "b", "gpt-4@pair-v2-multi-turn"),
        ("104", 1, "a_first", "tie", "gpt-4@pair-math-v1"),
        ("104", 1, "b_first", "tie", "gpt-4@pair-math-v1"),
        ("104", 2, "a_first", "b", "gpt-4@pair-math-v1-multi-turn"),
        ("104", 2, "b_first", "b", "gpt-4@pair-math-v1-multi-turn"),
    ]
    assert {(s.system, s.system_b) for s in got.scores} == {(("tiny-chat-7b", ""), ("tiny-chat-13b", ""))}
    assert {(s.metric, s.kind) for s in got.scores} == {("MT-Bench preference (gpt-4)", "preference")}
    assert (got.scores[0].explanation, got.scores[1].explanation) == (
        "Assistant B is more vivid. [[B]]", "Comparing both, [[A]]",
    )  # fmt: skip


# The traps


def test_one_file_may_hold_all_kinds() -> None:
    got = rows(single(), answer("A."), pair(), question())
    assert (len(got.items), len(got.outputs), len(got.scores), got.skipped) == (1, 1, 3, [])


def test_a_score_that_could_not_be_read_is_missing() -> None:
    got = rows(single(-1), single(None), single("x"), single(6, judgment="$ERROR$"))
    assert [s.number for s in got.scores] == [None] * 4
    assert all(s.missing_reason for s in got.scores)
    assert got.scores[3].missing_reason == "The call of the judge failed."


def test_a_score_off_the_scale_is_kept_and_said() -> None:
    got = rows(single(0))
    assert got.scores[0].number == 0
    assert [(n.row, n.column) for n in got.notes[:-1]] == [(1, "score")]


def test_a_game_without_a_readable_winner_is_missing() -> None:
    got = rows(pair("error", "model_2"), pair("model_1", "model_1", g2_judgment="$ERROR$"))
    assert [(s.label, bool(s.missing_reason)) for s in got.scores] == [
        ("", True), ("b", False), ("a", False), ("", True),
    ]  # fmt: skip


def test_a_second_game_may_be_missing() -> None:
    assert [s.position for s in rows(pair("model_1", None)).scores] == ["a_first"]


def test_a_winner_of_another_name_is_left_out() -> None:
    got = rows(pair(), pair("model_3"))
    assert [(p.row, p.column) for p in got.skipped] == [(2, "g1_winner")]


def test_a_call_that_failed_is_an_error_and_no_answer() -> None:
    got = rows(answer("Fine.", "$ERROR$"))
    assert (got.outputs[0].text, got.outputs[0].messages) == (None, ())
    assert "$ERROR$" in got.outputs[0].error
    assert got.outputs[0].raw["turns"] == ["Fine.", "$ERROR$"]


def test_one_turn_is_a_text_and_choices_are_trials() -> None:
    got = rows(answer("A.", choices=[{"index": 0, "turns": ["A."]}, {"turns": [{"content": "B."}]}]))
    assert [(o.text, o.repeat, o.messages) for o in got.outputs] == [("A.", 0, ()), ("B.", 1, ())]


def test_turns_may_be_objects_with_content() -> None:
    got = rows(question(turns=[{"content": "Write."}], cluster="Prose"))
    assert got.items[0] == ItemRecord(
        "81", ({"role": "user", "content": "Write."},), metadata={"category": "writing", "cluster": "Prose"},
        tags=("category:writing", "cluster:Prose"),
    )  # fmt: skip


def test_the_judge_may_be_a_name_alone_or_missing() -> None:
    got = rows(single(judge="gpt-4"), single(judge=None))
    assert [(s.judge, s.metric) for s in got.scores] == [
        ("gpt-4", "MT-Bench score (gpt-4)"), ("", "MT-Bench score"),
    ]  # fmt: skip
    assert rows(single()).scores[0].details == {"prompt": "single-v1", "tstamp": 2.5}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (question(turns="Write."), "turns"),
        (question(turns=[]), "turns"),
        (question(question_id=None), "question_id"),
        (answer("A.", choices=[]), "choices"),
        (answer(3), "choices"),
        (answer("A.", model_id=""), "model_id"),
        (single(model=None), "model"),
        (single(turn="first"), "turn"),
        (single(turn=0), "turn"),
        (pair(model_2="a"), "model_2"),
        ({"question_id": 81, "category": "x"}, ""),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_by_row_and_column(row: dict[str, Any], column: str) -> None:
    got = rows(question(), row)
    assert [(p.row, p.column) for p in got.skipped] == [(2, column)]
    assert len(got.items) == 1


def test_a_half_written_last_line_is_noted() -> None:
    got = read(lines(single(), single(7)) + json.dumps(single(8))[:60], "a.jsonl")
    assert (len(got.scores), [n.row for n in got.notes[:-1]]) == (2, [3])


def test_other_files_named_as_this_format_are_refused() -> None:
    assert "No row is an MT-Bench question" in refused('{"item": "q"}\n', "a.jsonl", "mt_bench")
    refused("item,system\nq,s\n", "a.csv", "mt_bench")


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    for whole in (question(reference=["x"]), answer("A.", "B."), single(), pair()):
        for place in whole:
            broken = copy.deepcopy(whole)
            broken[place] = junk
            got = rows(whole, broken)
            json.dumps([o.raw for o in got.outputs] + [i.metadata for i in got.items], allow_nan=False)


def test_sniffing() -> None:
    for row in (question(), answer("A."), single(), pair()):
        assert detect(lines(row).encode(), "a.jsonl")[0][0] == "mt_bench"
    for other in (b'{"question_id": 1, "answer": "q"}', b'{"text": "turns choices"}', b"question_id,turns\n", b"PAR1"):
        assert "mt_bench" not in dict(detect(other, "a"))


def test_a_part_alone_says_where_the_rest_is() -> None:
    answer = {"question_id": 1, "model_id": "m", "choices": [{"index": 0, "turns": ["No."]}]}
    question = {"question_id": 1, "turns": ["May I?"]}
    (told,) = read(lines(answer), "m.jsonl").notes
    assert told.why.startswith("The questions are not in this file")
    assert read(lines(question), "question.jsonl").notes == []
    together = read_zip({"question.jsonl": lines(question), "model_answer/m.jsonl": lines(answer)})
    assert [n.why for n in together.notes if "not in this file" in n.why] == []
