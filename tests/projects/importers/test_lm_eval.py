"""lm-evaluation-harness: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from projects.importers import detect
from projects.importers.records import SystemUnknownError
from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import Got, lines, read, refused, sample

TIME = "2026-11-23T21-59-26.787827"
RESULTS, GEN, MC = f"results_{TIME}.json", f"samples_everyday_gen_{TIME}.jsonl", f"samples_everyday_mc_{TIME}.jsonl"


class Other(NamedTuple):
    name: str
    stream: io.BytesIO


def generated(text: Any = "lol", doc: Any = 0, **more: Any) -> dict[str, Any]:
    return {
        "doc_id": doc, "doc": {"question": "Why?"}, "target": "So.", "resps": [[text]], "filtered_resps": [text],
        "arguments": {"gen_args_0": {"arg_0": "Q: Why?", "arg_1": {"until": ["\n"]}}}, "filter": "strict",
        "metrics": ["exact_match"], "exact_match": 0.0, **more,
    }  # fmt: skip


def choice(*likelihoods: Any, contexts: tuple[str, str] = ("Q:", "Q:"), **more: Any) -> dict[str, Any]:
    responses = [[each, "False"] for each in likelihoods]
    sent = {f"gen_args_{n}": {"arg_0": contexts[n], "arg_1": word} for n, word in enumerate((" no", " yes"))}
    return {
        "doc_id": 1, "doc": {}, "target": "1", "arguments": sent, "resps": [[each] for each in responses],
        "filtered_resps": responses, "filter": "none", "metrics": ["acc"], "acc": 1.0, **more,
    }  # fmt: skip


def results(**more: Any) -> dict[str, Any]:
    found = {"alias": "t", "acc,none": 0.5, "acc_stderr,none": 0.1, "acc,strict": 0.25, "acc_stderr,strict": "N/A"}
    return {
        "results": {"t": found}, "configs": {}, "n-shot": {"t": 0}, "higher_is_better": {"t": {"acc": False}},
        "model_name": "m1", "config": {"model": "hf", "model_args": {"pretrained": "org/m"}}, "date": 0.5, **more,
    }  # fmt: skip


def rows(*given: dict[str, Any], name: str = "samples_t.jsonl", **options: Any) -> Got:
    return read(lines(*given), name, **{"system": "m", **options})


def real(name: str) -> Got:
    folder = sample("lm_eval_harness/dummy")
    others = [Other(path.name, io.BytesIO(path.read_bytes())) for path in folder.iterdir() if path.name != name]
    return read(Path(folder / name).read_bytes(), name, beside=others)


# The real files


def test_the_real_results_are_of_whole_runs() -> None:
    got = real(RESULTS)
    assert (got.key, got.skipped, got.items) == ("lm_eval", [], [])
    assert [(s.metric, s.number, s.direction) for s in got.scores] == [
        ("everyday_mc acc (run)", 0.25, "higher"),
        ("everyday_mc acc_norm (run)", 0.5, "higher"),
        ("everyday_gen exact_match (strict) (run)", 0.0, "higher"),
        ("everyday_gen exact_match (first-word) (run)", 0.0, "higher"),
    ]
    assert got.scores[1].details == {"stderr": 0.28867513459481287}
    assert (got.systems[0].name, got.runs[0].tool_version) == ("i82qcls7", "0.4.13")
    assert got.runs[0].created.startswith("2026-11-23T21:59:25")


def test_the_real_generations_have_a_score_for_each_filter_and_one_output() -> None:
    got = real(GEN)
    assert {o.item for o in got.outputs} == {f"everyday_gen/{n}" for n in range(4)}
    assert {o.text for o in got.outputs} == {"lol"}
    assert {s.metric for s in got.scores} == {
        "everyday_gen exact_match (strict)",
        "everyday_gen exact_match (first-word)",
    }
    assert len(got.scores) == 8
    assert {s.system for s in got.scores} == {("i82qcls7", "")}
    assert got.items[0].reference == ("0 °C",)
    assert got.items[0].messages[0]["content"] == "Q: Water freezes at\nA:"
    assert got.scores[0].details == {"filtered": "lol"}


def test_the_real_choices_are_those_with_the_highest_likelihood() -> None:
    got = real(MC)
    assert [o.text for o in got.outputs][:3] == ["0 °C", "four", "comet"]
    assert got.items[0].choices == ("0 °C", "50 °C", "100 °C")
    assert [i.reference for i in got.items[:3]] == [("0 °C",), ("three",), ("star",)]
    assert [s.number for s in got.scores if s.metric == "everyday_mc acc"] == [1.0, 0.0, 0.0, 0.0]
    assert sum(s.number or 0 for s in got.scores if s.metric == "everyday_mc acc_norm") / 4 == 0.5
    assert got.outputs[0].raw["loglikelihoods"][0] == -0.10905784593110368


# The traps


def test_without_results_the_system_is_asked_for() -> None:
    with pytest.raises(SystemUnknownError, match="import it together with the results"):
        read(lines(generated()), "samples_t.jsonl")
    assert rows(generated()).systems[0].name == "m"


def test_the_results_of_the_same_time_are_taken() -> None:
    other = "2026-01-01T00-00-00.000001"
    beside = [Other(f"results_{time}.json", io.BytesIO(json.dumps(results(model_name=name)).encode()))
              for time, name in ((other, "wrong"), (TIME, "right"))]  # fmt: skip
    got = read(lines(choice(-1, -2)), f"samples_t_{TIME}.jsonl", beside=beside)
    assert got.systems[0].name == "right"
    assert got.scores[0].direction == "lower"
    with pytest.raises(SystemUnknownError):
        read(lines(generated()), "samples_t.jsonl", beside=beside)  # two, and neither is of this time
    assert read(lines(generated()), "samples_t.jsonl", beside=beside[:1]).systems[0].name == "wrong"
    broken = [Other(f"results_{TIME}.json", io.BytesIO(json.dumps(results()).encode()[:-9]))]
    with pytest.raises(SystemUnknownError):
        read(lines(generated()), f"samples_t_{TIME}.jsonl", beside=broken)


def test_the_task_stands_in_the_name_of_the_file() -> None:
    assert rows(generated(), name=f"samples_my_task_{TIME}.jsonl").items[0].external_id == "my_task/0"
    assert rows(generated(), name="other.jsonl").items[0].external_id == "other/0"


def test_the_standard_error_and_the_labels_of_results_are_no_metrics() -> None:
    got = read(json.dumps(results()), "results.json")
    assert [(s.metric, s.number, s.details) for s in got.scores] == [
        ("t acc (run)", 0.5, {"stderr": 0.1}), ("t acc (strict) (run)", 0.25, None),
    ]  # fmt: skip


def test_the_model_may_stand_in_several_places() -> None:
    for more, name in (
        ({}, "m1"),
        ({"model_name": None}, "org/m"),
        ({"model_name": "", "config": {"model": "hf"}}, "hf"),
    ):
        assert read(json.dumps(results(**more)), "results.json").systems[0].name == name
    with pytest.raises(SystemUnknownError):
        read(json.dumps(results(model_name=None, config=None)), "results.json")


def test_a_choice_is_the_first_of_the_highest_and_none_where_one_is_missing() -> None:
    assert rows(choice("-2", "-1")).outputs[0].text == "yes"
    assert rows(choice("-1", "-1")).outputs[0].text == "no"
    assert rows(choice("-1", "nan")).outputs[0].text is None


def test_choices_within_the_context_are_told_apart_by_it() -> None:
    row = choice("-2", "-1", contexts=("The cup", "The sun"))
    for each in row["arguments"].values():
        each["arg_1"] = " is hot"
    assert rows(row).items[0].choices == ("The cup is hot", "The sun is hot")
    assert rows(row).outputs[0].text == "The sun is hot"


def test_older_versions_write_lists_and_name_no_metrics() -> None:
    row = generated(arguments=[["Q: Why?", {"until": []}]])
    del row["metrics"], row["filter"]
    got = rows(row)
    assert got.items[0].messages[0]["content"] == "Q: Why?"
    assert [(s.metric, s.number) for s in got.scores] == [("t exact_match", 0.0)]


def test_chats_written_as_text_are_chats() -> None:
    chat = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why?"}]
    row = generated(arguments={"gen_args_0": {"arg_0": json.dumps(chat), "arg_1": {}}})
    assert list(rows(row).items[0].messages) == chat


def test_perplexities_are_left_out_and_counted_and_nan_is_missing() -> None:
    row = generated(metrics=["word_perplexity", "f1"], word_perplexity=[-9.5, 4], f1=float("nan"), resps=[[-9.5]])
    got = rows(row)
    assert [(s.metric, s.number, bool(s.missing_reason)) for s in got.scores] == [("t f1 (strict)", None, True)]
    assert got.notes[0].why.endswith("were left out: 1.")
    assert (got.outputs[0].text, got.outputs[0].raw) == (None, {"resps": [[-9.5]]})


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    for whole in (generated(), choice("-1", "-2")):
        for place in whole:
            got = rows(whole, copy.deepcopy(whole) | {place: junk})
            json.dumps([o.raw for o in got.outputs] + [i.metadata for i in got.items], allow_nan=False)
    for place in results():
        if place != "results":
            read(json.dumps(results(**{place: junk})), "results.json", "lm_eval", system="m")
    read(json.dumps(results(results={"t": junk})), "results.json", "lm_eval")


def test_other_files_are_refused() -> None:
    assert "holds no results" in refused(json.dumps(results(results=[])), "results.json")
    assert "cannot be read at character" in refused(json.dumps(results())[:-5], "results.json")
    assert "No line is a sample" in refused('{"item": "q"}\n', "a.jsonl", "lm_eval", system="m")
    got = rows(generated(), {"doc_id": 3}, generated(doc=None))
    assert [(p.row, p.column) for p in got.skipped] == [(2, ""), (3, "doc_id")]


def test_sniffing() -> None:
    assert detect(lines(generated()).encode(), "a.jsonl")[0][0] == "lm_eval"
    assert detect(json.dumps(results()).encode(), "a.json")[0][0] == "lm_eval"
    for other in (b'{"results": [1]}', b'{"doc_id": 1, "text": "x"}', b'{"evalId": "e", "results": {"results": []}}'):
        assert "lm_eval" not in dict(detect(other, "a"))


def test_a_part_alone_says_where_the_rest_is() -> None:
    assert "The results of the run" in rows(generated(), system="m").notes[-1].why
    alone = read(json.dumps(results()), "results_1.json")
    assert "samples_….jsonl" in alone.notes[-1].why
    files = {"results_1.json": json.dumps(results()), "samples_t_1.jsonl": lines(generated())}
    assert not [n for n in read_zip(files).notes if "run's folder" in n.why]
