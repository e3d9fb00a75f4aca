"""HELM: the tool's own run folders with exact values, and each trap in a small one."""

from __future__ import annotations

import io
import json
from typing import Any, NamedTuple

from projects.importers import read_folder
from projects.importers.helm import scenario_of
from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import Got, read, refused, sample

RUN = "trivia_mini:which=shared,model=stub_alpha,data_augmentation=misspelling0.5"
BAD = {"name": "misspellings", "prob": 0.5, "robustness": True, "computed_on": "perturbed"}


def state(ident: str = "id1", answer: Any = " Yes", **more: Any) -> dict[str, Any]:
    instance = {"id": ident, "input": {"text": f"Is {ident} so?"}, "split": "test",
                "references": [{"output": {"text": "Yes"}, "tags": ["correct"]},
                               {"output": {"text": "No"}, "tags": []}],
                **more.pop("instance", {})}  # fmt: skip
    result = {"success": True, "completions": [{"text": answer}], "request_time": 0.25, **more.pop("result", {})}
    return {"instance": instance, "train_trial_index": 0, "request": {"model": "m"}, "result": result, **more}


def stats(ident: str = "id1", **means: Any) -> dict[str, Any]:
    found = [{"name": {"name": name, "split": "test"}, "count": 0 if mean is None else 1,
              **({} if mean is None else {"mean": mean})} for name, mean in means.items()]  # fmt: skip
    return {"instance_id": ident, "train_trial_index": 0, "stats": found}


def run(states: list[dict[str, Any]], rows: list[dict[str, Any]], name: str = "s:x=1,model=m") -> Got:
    spec = {"name": name, "scenario_spec": {}, "adapter_spec": {"model": "org/m"}}
    files = {
        "run_spec.json": json.dumps(spec), "per_instance_stats.json": json.dumps(rows),
        "scenario_state.json": json.dumps({"adapter_spec": {"model": "org/m"}, "request_states": states}),
    }  # fmt: skip
    return read_zip({f"{name}/{file}": data for file, data in files.items()})


def real() -> Got:
    key, found = read_folder(sample("helm/runs"))
    return Got(list(found), key)


def test_the_real_folder_is_one_import() -> None:
    found = real()
    assert {s.name for s in found.systems} == {"stub/alpha", "stub/beta"}
    assert {i.external_id for i in found.items} == {f"trivia_mini:which=shared/id{n}" for n in range(1, 7)}
    item = "trivia_mini:which=shared/id2"
    clean, perturbed = [o for o in found.outputs if o.item == item and o.system[0] == "stub/alpha" and o.raw]
    assert (clean.text, clean.variant, clean.latency_ms) == ("Eight", "", 1.071453)
    assert (perturbed.text, perturbed.variant) == ("Eight", "misspellings(prob=0.5)")
    alpha = {"system": ("stub/alpha", ""), "item": item}
    assert found.score("exact_match", variant="", **alpha).number == 0.0
    assert found.score("quasi_exact_match", variant="", **alpha).number == 1.0
    first = found.score("f1_score", item="trivia_mini:which=shared/id1", system=("stub/alpha", ""))
    assert (first.number, first.minimum, first.maximum) == (1.0, 0.0, 1.0)
    whole = "trivia_mini:which=shared exact_match test (run)"
    assert found.score(whole, system=("stub/alpha", "")).number == 0.8333333333333334
    assert [i.reference for i in found.items if i.external_id == item] == [("8", "eight")] * 2
    assert found.skipped == []


def test_the_same_id_clean_and_perturbed_is_two_outputs_of_one_item() -> None:
    worse = state(answer=" No", instance={"perturbation": BAD, "input": {"text": "Is idd1 so?"}})
    rows = [stats(exact_match=1.0), {**stats(exact_match=0.0), "perturbation": BAD}]
    found = run([state(), worse], rows)
    assert [(o.variant, o.text) for o in found.outputs] == [("", "Yes"), ("misspellings(prob=0.5)", "No")]
    assert [(s.variant, s.number) for s in found.scores] == [("", 1.0), ("misspellings(prob=0.5)", 0.0)]
    assert {i.external_id for i in found.items} == {"s:x=1/id1"}
    assert found.items[0].messages[0]["content"] == "Is id1 so?"
    assert found.outputs[1].raw["asked"] == "Is idd1 so?"


def test_bookkeeping_is_left_out_and_tokens_are_taken() -> None:
    found = run([state()], [stats(exact_match=1, num_prompt_tokens=7, num_output_tokens=2, logprob=-3, batch_size=1,
                                  finish_reason_stop=1, toxicity=0.2)])  # fmt: skip
    assert [s.metric for s in found.scores] == ["exact_match", "toxicity"]
    assert [(o.tokens_in, o.tokens_out) for o in found.outputs if o.tokens_in] == [(7, 2)]
    assert (found.score("toxicity").maximum, found.score("toxicity").direction) == (None, "unknown")
    assert "batch_size, finish_reason_stop, logprob" in found.notes[0].why


def test_a_count_of_zero_is_missing() -> None:
    empty = {"name": {"name": "f1_score"}, "count": 0, "mean": 0.0}
    row = stats(exact_match=None)
    found = run([state()], [{**row, "stats": [*row["stats"], empty]}]).scores
    assert [(s.number, bool(s.missing_reason)) for s in found] == [(None, True)] * 2


def test_a_failed_request_is_no_bad_answer() -> None:
    failed = state(result={"success": False, "error": "503", "completions": []})
    found = run([failed], [stats(exact_match=0.0)])
    assert (found.outputs[0].error, found.outputs[0].text) == ("503", None)
    assert (found.scores[0].number, found.scores[0].details) == (None, {"not_counted": 0.0})


def test_a_letter_is_shown_with_its_choice_and_seconds_become_milliseconds() -> None:
    output = run([state(answer=" B", output_mapping={"A": "Yes", "B": "No"})], []).outputs[0]
    assert (output.text, output.latency_ms) == ("B. No", 250.0)


def test_references_are_those_tagged_correct() -> None:
    item = run([state()], []).items[0]
    assert (item.reference, item.choices) == (("Yes",), ("Yes", "No"))


def test_runs_of_two_models_are_about_the_same_items() -> None:
    assert scenario_of(RUN) == "trivia_mini:which=shared"
    assert scenario_of("mmlu:subject=law,model=a") == "mmlu:subject=law"
    assert scenario_of("boolq:model=a") == "boolq"


def test_files_of_a_run_say_that_they_belong_together() -> None:
    assert "scenario_state.json" in refused(json.dumps([stats(exact_match=1)]), "per_instance_stats.json")
    assert "holds no scores" in refused('[{"run_path": "r", "run_spec": {}}]', "runs.json")
    alone = json.dumps({"adapter_spec": {"model": "m"}, "request_states": [state()]})
    found = read(alone, "scenario_state.json")
    assert found.items[0].external_id.startswith("sha256-")
    assert len(found.notes) == 2


def test_a_file_of_another_runs_folder_is_not_taken() -> None:
    class Other(NamedTuple):
        name: str
        stream: io.BytesIO

    spec = json.dumps({"name": "other:model=x", "scenario_spec": {}, "adapter_spec": {"model": "x"}}).encode()
    alone = json.dumps({"adapter_spec": {"model": "m"}, "request_states": [state()]})
    for folder, system in (("a", "x"), ("b", "m")):
        beside = [Other(f"{folder}/run_spec.json", io.BytesIO(spec))]
        assert read(alone, "a/scenario_state.json", beside=beside).systems[0].name == system


def test_the_files_of_two_runs_side_by_side_keep_apart() -> None:
    whole = {}
    for name, answer in (("s:model=a", " A"), ("s:model=b", " B")):
        spec = {"name": name, "scenario_spec": {}, "adapter_spec": {"model": name[-1]}}
        body = {"adapter_spec": {"model": name[-1]}, "request_states": [state(answer=answer)]}
        whole |= {f"{name}/run_spec.json": json.dumps(spec), f"{name}/scenario_state.json": json.dumps(body),
                  f"{name}/per_instance_stats.json": json.dumps([stats(exact_match=1)])}  # fmt: skip
    found = read_zip(whole)
    assert [(o.system[0], o.text) for o in found.outputs] == [("a", "A"), ("b", "B")]
    assert {s.item for s in found.scores} == {"s/id1"}


def test_a_stream_that_cannot_seek_is_read_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    from projects.importers import read_file

    data = json.dumps({"adapter_spec": {"model": "m"}, "request_states": [state()]}).encode()
    assert read_file(Pipe(data), "scenario_state.json")[0] == "helm"
