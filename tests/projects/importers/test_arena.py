"""Arena-style votes: whose they are, which side they are for, and what the conversations become."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from projects.importers import detect
from projects.importers.identity import digest_id, user_message
from tests.projects.importers.helpers import Got, lines, read, refused


def talk(*turns: str) -> list[dict[str, str]]:
    return [{"role": "user" if n % 2 == 0 else "assistant", "content": turn} for n, turn in enumerate(turns)]


def vote(winner: Any = "model_a", judge: Any = "arena_user_973", **more: Any) -> dict[str, Any]:
    return {
        "question_id": "q1", "model_a": "x", "model_b": "y", "winner": winner, "judge": judge, "turn": 1,
        "conversation_a": talk("Hi?", "Yes."), "conversation_b": talk("Hi?", "No."), "language": "English",
        "tstamp": 1.5, **more,
    }  # fmt: skip


def rows(*given: dict[str, Any]) -> Got:
    return read(lines(*given), "a.jsonl")


@pytest.mark.parametrize(
    ("winner", "label"),
    [("model_a", "a"), ("model_b", "b"), ("tie", "tie"), ("tie (bothbad)", "both_bad"), ("x", "a"), ("y", "b")],
)
def test_winners(winner: str, label: str) -> None:
    got = rows(vote(winner))
    assert got.key == "arena"
    (rating,) = got.humans
    assert (rating.label, rating.system, rating.system_b, rating.item) == (label, ("x", ""), ("y", ""), "q1")
    assert (rating.rater, rating.position, rating.turn) == ("arena_user_973", "a_first", 1)
    assert not got.scores


@pytest.mark.parametrize(
    ("judge", "rater"),
    [("author_2", "author_2"), ("expert_7", "expert_7"), (["human", "author_2"], "author_2"), (["human", 12], "12"),
     (["author_0"], "author_0"), ("human", ""), (None, ""), ([], "")],
)  # fmt: skip
def test_people_may_be_written_in_several_ways_and_their_side_is_not_told(judge: Any, rater: str) -> None:
    got = rows(vote(judge=judge))
    assert [(h.rater, h.position) for h in got.humans] == [(rater, "")]


def test_a_models_vote_is_automated() -> None:
    got = rows(vote("model_b", ["gpt-4", "pair-v2"]), vote("tie", "claude-user-sim"))
    assert not got.humans
    first = got.scores[0]
    assert (first.metric, first.judge, first.label) == ("Arena preference (gpt-4)", "gpt-4@pair-v2", "b")
    assert (first.kind, first.source, first.position, first.details) == ("preference", "llm", "", {"tstamp": 1.5})
    assert got.scores[1].judge == "claude-user-sim"


def test_a_model_that_names_no_winner_gives_no_value() -> None:
    for winner in ("error", None):
        (score,) = rows(vote(winner, ["gpt-4", "pair-v2"])).scores
        assert (score.label, score.missing_reason) == ("", "The judge named no winner.")


def test_the_item_is_what_the_user_said_and_the_output_what_the_model_answered() -> None:
    got = rows(
        vote(conversation_a=talk("Hi?", "Yes.", "Sure?", "Sure."), conversation_b=talk("Hi?", "No.", "Sure?", "No."))
    )
    assert [m["content"] for m in got.items[0].messages] == ["Hi?", "Sure?"]
    assert got.items[0].language == "English"
    assert [[m["content"] for m in o.messages] for o in got.outputs] == [["Yes.", "Sure."], ["No.", "No."]]
    assert [o.text for o in rows(vote()).outputs] == ["Yes.", "No."]


def test_a_vote_alone_makes_an_item_without_text() -> None:
    got = read("question_id,model_a,model_b,winner,judge\n81,x,y,tie,expert_1\n", "votes.csv")
    assert (got.key, got.items[0].external_id, got.items[0].messages, got.outputs) == ("arena", "81", (), [])
    assert got.humans[0].label == "tie"


def test_without_an_id_the_question_is_the_item() -> None:
    assert rows(vote(question_id=None)).items[0].external_id == digest_id(list(user_message("Hi?")))


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (vote("model_c"), "winner"),
        (vote(model_b="x"), "model_b"),
        (vote(conversation_b=talk("Ho?", "No.")), "conversation_b"),
        (vote(conversation_a="Hi"), "conversation_a"),
        (vote(question_id=None, conversation_a=None, conversation_b=None), "question_id"),
        ({"question_id": "q1"}, ""),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_by_row_and_column(row: dict[str, Any], column: str) -> None:
    got = rows(vote(), row)
    assert [(p.row, p.column) for p in got.skipped] == [(2, column)]
    assert len(got.humans) == 1


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    for judge in ("arena_user_1", ["gpt-4", "pair-v2"]):
        for place in vote():
            broken = copy.deepcopy(vote(judge=judge))
            broken[place] = junk
            json.dumps([i.metadata for i in rows(vote(), broken).items], allow_nan=False)


def test_other_files_named_as_this_format_are_refused() -> None:
    assert "No row is a vote" in refused('{"item": "q"}\n', "a.jsonl", "arena")


def test_sniffing() -> None:
    assert detect(lines(vote()).encode(), "a.jsonl")[0][0] == "arena"
    assert "arena" not in dict(detect(b'{"model": "x", "winner": "a"}', "a.jsonl"))
