"""Data sets of conversations and preferences: a slice of a public one, and each shape in a small one."""

from __future__ import annotations

from typing import Any

from tests.projects.importers.helpers import lines, read, refused, sample

USER, BOT = {"role": "user", "content": "May I?"}, {"role": "assistant", "content": "No."}


def chosen(**more: Any) -> dict[str, Any]:
    return {"prompt": "May I?", "chosen": "No.", "rejected": "Yes.", **more}


def test_the_real_conversations() -> None:
    got = read(sample("hf_conversations/sharegpt_dummy_conversation.json").read_bytes(), "c.json", system="vicuna")
    assert (got.key, len(got.items), len(got.outputs)) == ("conversations", 40, 40)
    assert (got.items[0].external_id, got.items[0].messages) == (
        "identity_0", ({"role": "user", "content": "Who are you?"},),
    )  # fmt: skip
    assert [m["role"] for m in got.outputs[0].messages] == ["assistant", "user", "assistant"]
    assert got.outputs[1].text.startswith("My name is Vicuna")  # type: ignore[union-attr]


def test_messages_and_the_model_that_answered() -> None:
    got = read(lines({"messages": [USER, BOT], "model": "m", "source": "x"}), "m.jsonl")
    assert (got.key, got.outputs[0].text, got.outputs[0].system) == ("conversations", "No.", ("m", ""))
    assert got.items[0].metadata == {"source": "x"}
    assert "Name it" in refused(lines({"messages": [USER, BOT]}), "m.jsonl")


def test_parts_of_content_are_kept() -> None:
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "x"}}]
    got = read(lines({"messages": [{"role": "user", "content": parts}, BOT]}), "m.jsonl", system="s")
    assert got.items[0].messages[0]["content"] == parts


def test_a_pair_does_not_say_who_chose_nor_what_was_first() -> None:
    got = read(lines(chosen(score_chosen=9, score_rejected=3)), "p.jsonl")
    (preference,) = [s for s in got.scores if s.kind == "preference"]
    assert (preference.label, preference.position, preference.source) == ("a", "", "code")
    assert (preference.system, preference.system_b) == (("chosen", ""), ("rejected", ""))
    assert [s.number for s in got.scores if s.metric == "preference score"] == [9.0, 3.0]
    assert read(lines(chosen()), "p.jsonl", source="human").humans[0].system_b == ("rejected", "")


def test_messages_that_both_sides_share_are_what_was_asked() -> None:
    got = read(lines(chosen(chosen=[USER, BOT], rejected=[USER, {**BOT, "content": "Yes."}])), "p.jsonl")
    assert (got.items[0].messages, [o.text for o in got.outputs]) == ((USER,), ["No.", "Yes."])


def test_transcripts_of_people_who_chose() -> None:
    start = "\n\nHuman: May I?\n\nAssistant: Why?\n\nHuman: So.\n\nAssistant:"
    got = read(lines({"chosen": f"{start} No.", "rejected": f"{start} Yes."}), "hh.jsonl")
    assert [m["content"] for m in got.items[0].messages] == ["May I?", "Why?", "So."]
    assert [o.text for o in got.outputs] == ["No.", "Yes."]
    assert (got.humans[0].label, got.humans[0].rater) == ("a", "")


def test_named_models_are_the_systems() -> None:
    got = read(lines(chosen(chosen_model="m1", rejected_model="m2")), "p.jsonl")
    assert [s.name for s in got.systems] == ["m1", "m2"]


def test_completions_with_annotations() -> None:
    notes = {"helpfulness": {"Rating": "4", "Rationale": "Good."}, "honesty": {"Rating": "N/A"}}
    row = {"instruction": "May I?", "completions": [{"model": "m1", "response": "No.", "annotations": notes,
           "overall_score": 7.5}, {"model": "m2", "response": "Yes."}]}  # fmt: skip
    got = read(lines(row), "u.jsonl")
    assert [(s.metric, s.number, s.explanation) for s in got.scores] == [
        ("helpfulness", 4.0, "Good."), ("honesty", None, ""), ("overall_score", 7.5, ""),
    ]  # fmt: skip
    assert [o.system[0] for o in got.outputs] == ["m1", "m2"]


def test_rows_that_cannot_be_used_are_left_out() -> None:
    got = read(lines(chosen(), chosen(rejected=""), {"chosen": "a", "rejected": "b"}), "p.jsonl")
    assert [p.row for p in got.skipped] == [2, 3]
    talk = read(lines({"messages": [USER, BOT]}, {"messages": [BOT]}), "m.jsonl", system="s")
    assert "nothing was asked" in talk.skipped[0].why
