"""AlpacaEval: the published results with exact values, and each of the format's traps in a small file."""

from __future__ import annotations

import copy
import json
import math
from collections import Counter
from typing import Any

import pytest

from projects.importers import detect
from projects.importers.identity import digest_id, user_message
from projects.importers.records import ItemRecord
from tests.projects.importers.helpers import Got, read, refused, sample

WEIGHTED = "claude-2.1_weighted_alpaca_eval_gpt4_turbo"
COT = "claude-2.1_alpaca_eval_cot_gpt4_turbo_fn"
OLD = "claude-2_alpaca_eval_gpt4"


def pair(preference: Any = 1.5, **more: Any) -> dict[str, Any]:
    return {
        "instruction": "Name a river.", "dataset": "rivers", "output_1": "The Rhine.", "generator_1": "base",
        "output_2": "The Po.", "generator_2": "new", "annotator": "judge-1", "preference": preference, **more,
    }  # fmt: skip


def output(text: Any = "The Po.", **more: Any) -> dict[str, Any]:
    return {"instruction": "Name a river.", "dataset": "rivers", "output": text, "generator": "new", **more}


def one(preference: Any = 1.5, **more: Any) -> Got:
    return read(json.dumps([pair(preference, **more)]), "annotations.json")


def weighted(m: float, upper_m: float) -> dict[str, Any]:
    tops = [{"token": "m", "logprob": math.log(m)}, {"token": "M", "logprob": math.log(upper_m)}]
    return {"logprobs": {"content": [{"token": "M", "top_logprobs": tops}]}, "text": "M"}


def real(folder: str) -> Got:
    return read(sample(f"alpaca_eval/{folder}/annotations.json").read_bytes(), "annotations.json")


# The real files


@pytest.mark.parametrize(("folder", "pairs"), [(WEIGHTED, 20), (COT, 20), (OLD, 30)])
def test_the_real_annotations_in_numbers(folder: str, pairs: int) -> None:
    got, rows = real(folder), json.loads(sample(f"alpaca_eval/{folder}/annotations.json").read_bytes())
    assert got.key == "alpaca_eval"
    assert (len(got.items), len(got.systems), len(got.outputs), len(got.scores)) == (pairs, 2, 2 * pairs, pairs)
    assert not got.skipped
    assert not got.notes
    assert [s.number for s in got.scores] == [row["preference"] - 1 for row in rows]
    assert [o.text for o in got.outputs[::2]] == [row["output_1"] for row in rows]
    assert [o.text for o in got.outputs[1::2]] == [row["output_2"] for row in rows]


def test_a_real_weighted_preference_loses_no_digit() -> None:
    first = real(WEIGHTED).scores[0]
    assert 1 + (first.number or 0) == 1.0000630276
    assert (first.kind, first.minimum, first.maximum, first.source) == ("preference", 0, 1, "llm")
    assert (first.system, first.system_b) == (("gpt4_1106_preview", ""), ("claude-2.1", ""))
    assert first.metric == "AlpacaEval preference (weighted_alpaca_eval_gpt4_turbo)"
    assert first.judge == "weighted_alpaca_eval_gpt4_turbo"
    assert first.details == {"price_usd": 0.01037, "seconds": 0.8414211646}


def test_the_real_weighted_judge_tells_by_its_probabilities_what_it_read_first() -> None:
    got = real(WEIGHTED)
    # Of the first rows, the letter m had the probability that stands in the file in 1, 2, 3 and 7, M in 4 to 6.
    assert [s.position for s in got.scores[:7]] == ["b_first"] * 3 + ["a_first"] * 3 + ["b_first"]
    assert Counter(s.position for s in got.scores) == {"b_first": 11, "a_first": 9}


def test_the_real_reasoning_judge_tells_by_letters_what_it_read_first() -> None:
    got = real(COT)
    assert Counter(s.position for s in got.scores) == {"b_first": 11, "a_first": 9}
    first = got.scores[0]
    assert first.explanation.startswith("Model M provided a more comprehensive and diverse list of actors")
    assert (first.details or {})["referenced_models"] == {"M": "output_1", "m": "output_2"}
    assert Counter(s.number for s in got.scores) == {0.0: 19, 1.0: 1}


def test_the_real_old_file_tells_no_position() -> None:
    got = real(OLD)
    assert {s.position for s in got.scores} == {""}
    assert Counter(s.number for s in got.scores) == {1.0: 29, 0.0: 1}


def test_the_real_outputs_are_those_of_the_annotations() -> None:
    got = read(sample("alpaca_eval/model_outputs_claude-2.1.json").read_bytes(), "model_outputs.json")
    judged = real(WEIGHTED)
    assert got.key == "alpaca_eval"
    assert got.items == judged.items[:15]
    assert [o for o in judged.outputs if o.system == ("claude-2.1", "")][:15] == got.outputs


def test_the_real_leaderboard_gives_percentages_of_whole_systems() -> None:
    name = "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
    got = read(sample(f"alpaca_eval/{name}").read_bytes(), name)
    assert (got.key, len(got.systems), len(got.scores), got.items) == ("alpaca_eval", 223, 669, [])
    win = got.score("AlpacaEval win rate (%) (weighted_alpaca_eval_gpt4_turbo)", system=("NullModel", ""))
    assert (win.number, win.minimum, win.maximum, win.direction) == (76.91979180386511, 0, 100, "higher")
    assert (win.item, win.judge) == (None, "weighted_alpaca_eval_gpt4_turbo")
    assert (win.details or {})["n_wins"] == 676
    assert (win.details or {})["standard_error"] == 0.9090102449662572
    controlled = got.score(
        "AlpacaEval length-controlled win rate (%) (weighted_alpaca_eval_gpt4_turbo)", system=("NullModel", "")
    )
    assert controlled.number == 86.45780691307947


# The traps


@pytest.mark.parametrize(("preference", "number"), [(1, 0.0), (2, 1.0), (1.5, 0.5), (0, 0.5), ("1.25", 0.25)])
def test_preferences_become_the_probability_of_the_second(preference: Any, number: float) -> None:
    assert one(preference).scores[0].number == number


@pytest.mark.parametrize("preference", [None, float("nan"), "nan"])
def test_a_preference_that_could_not_be_read_is_missing(preference: Any) -> None:
    (score,) = one(preference).scores
    assert score.number is None
    assert score.missing_reason == "The judge's answer held no preference that could be read."


@pytest.mark.parametrize("preference", [3, -1, 0.5, "best", True, [1], 1e400])
def test_another_preference_is_left_out_by_row(preference: Any) -> None:
    got = read(json.dumps([pair(1), pair(preference, instruction="Other?")]), "annotations.json")
    assert [(p.row, p.column) for p in got.skipped] == [(2, "preference")]
    assert len(got.scores) == 1


def test_letters_tell_what_was_read_first() -> None:
    assert one(2, referenced_models={"m": "output_2", "M": "output_1"}).scores[0].position == "b_first"
    assert one(2, referenced_models={"M": "output_2"}).scores[0].position == "a_first"
    assert one(2, referenced_models={"x": "output_2", "m": 3}).scores[0].position == ""


def test_probabilities_tell_it_only_when_they_are_those_of_the_file() -> None:
    assert one(1.2, raw_completion=weighted(0.2, 0.8)).scores[0].position == "b_first"
    assert one(1.2, raw_completion=weighted(0.8, 0.2)).scores[0].position == "a_first"
    assert one(1.4, raw_completion=weighted(0.8, 0.2)).scores[0].position == ""  # neither share
    assert one(1.5, raw_completion=weighted(0.5, 0.5)).scores[0].position == ""  # both


def test_the_same_instruction_of_another_dataset_is_another_item() -> None:
    got = read(json.dumps([output(), output(dataset="lakes"), output(dataset=None)]), "a.json")
    assert len({i.external_id for i in got.items}) == 3
    assert got.items[2] == ItemRecord(digest_id(user_message("Name a river.")), user_message("Name a river."))
    assert got.items[0].tags == ("dataset:rivers",)


def test_an_instruction_asked_twice_has_two_trials_and_the_same_output_one() -> None:
    rows = [output("The Po."), output("The Ebro."), output("The Po.")]
    got = read(json.dumps(rows), "a.json")
    assert len(got.items) == 1
    assert [(o.text, o.repeat) for o in got.outputs] == [("The Po.", 0), ("The Ebro.", 1), ("The Po.", 0)]
    twice = read(json.dumps([pair(1), pair(2, output_2="The Ebro.")]), "annotations.json")
    assert [(s.repeat, s.number) for s in twice.scores] == [(0, 0.0), (1, 1.0)]


def test_a_model_compared_with_itself_gives_no_score() -> None:
    got = one(1.5, generator_2="base", output_2="The Rhine.")
    assert not got.scores
    assert {o.text for o in got.outputs} == {"The Rhine."}
    assert "Comparisons of a model with itself were left out: 1." in got.notes[0].why


def test_the_explanation_is_found_where_versions_put_it() -> None:
    assert one(1, raw_completion='{"concise_explanation": "Longer."}').scores[0].explanation == "Longer."
    assert one(1, raw_completion="Output (a)").scores[0].explanation == "Output (a)"
    assert one(1, raw_completion="{broken").scores[0].explanation == "{broken"
    assert one(1, raw_completion=None, concise_explanation="Short.").scores[0].explanation == "Short."


def test_people_are_people() -> None:
    got = one(2, annotator="humans")
    (rating,) = got.humans
    assert (rating.label, rating.system, rating.system_b, rating.rater) == ("b", ("base", ""), ("new", ""), "")
    assert not got.scores


def test_costs_of_the_judge_are_no_costs_of_the_output() -> None:
    got = one(1, price_per_example=0.01, time_per_example=2)
    assert {(o.cost, o.latency_ms) for o in got.outputs} == {(None, None)}
    assert got.scores[0].details == {"price_usd": 0.01, "seconds": 2}
    written = read(json.dumps([output(price_per_example=0.01, time_per_example=2, seed=1)]), "a.json").outputs[0]
    # The tool's time is the mean over a batch answered in parallel: kept, but no latency.
    assert (written.cost, written.currency, written.latency_ms) == (0.01, "USD", None)
    assert written.raw == {"time_per_example": 2, "seed": 1}


def test_an_output_that_is_missing_is_an_error_and_an_empty_one_an_answer() -> None:
    got = read(json.dumps([output(None), output("", instruction="Other?")]), "a.json")
    assert [(o.text, bool(o.error)) for o in got.outputs] == [(None, True), ("", False)]


@pytest.mark.parametrize("column", ["instruction", "generator_1", "generator_2"])
@pytest.mark.parametrize("junk", [None, "", [], {}, True])
def test_a_row_without_a_name_is_left_out_by_row_and_column(column: str, junk: Any) -> None:
    got = read(json.dumps([pair(1), pair(1, **{column: junk})]), "annotations.json")
    assert [(p.row, p.column) for p in got.skipped] == [(2, column)]


def test_a_leaderboard_with_gaps() -> None:
    board = (
        ",win_rate,n_wins,n_draws,n_total,mode,length_controlled_winrate\nx,120,1,0,1,minimal,\n,50,1,0,1,minimal,3\n"
    )
    got = read(board, "leaderboard.csv")
    assert [(p.row, p.column) for p in got.skipped] == [(3, "column 1")]
    assert "no percentage" in got.notes[0].why
    assert {s.number for s in got.scores} == {None}
    assert {s.judge for s in got.scores} == {""}
    assert (got.scores[0].details or {})["mode"] == "minimal"


def test_other_files_named_as_this_format_are_refused() -> None:
    assert "No row is an AlpacaEval annotation" in refused('[{"item": "q"}]', "a.json", "alpaca_eval")
    assert "No row is an AlpacaEval annotation" in refused("item,system\nq,s\n", "a.csv", "alpaca_eval")
    refused("3", "a.json", "alpaca_eval")


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    whole = pair(1, raw_completion=weighted(0.2, 0.8), referenced_models={"m": "output_1"}, price_per_example=1)
    for place in whole:
        broken = copy.deepcopy(whole)
        broken[place] = junk
        got = read(json.dumps([whole, broken]), "annotations.json")
        json.dumps([s.details for s in got.scores] + [o.raw for o in got.outputs], allow_nan=False)


def test_sniffing() -> None:
    assert detect(json.dumps([pair()]).encode(), "a.json")[0] == ("alpaca_eval", 0.95)
    assert detect(json.dumps([output()]).encode(), "a.json")[0][0] == "alpaca_eval"
    for other in (b'{"item": "q"}', b'[{"instruction": "q", "output": "o"}]', b"item,system\n", b"PAR1"):
        assert "alpaca_eval" not in dict(detect(other, "a"))
