"""`import_outputs`: counts, exit codes, and bad input that is refused by file, row and column."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from projects.importers import limits
from projects.models import ImportBatch, Item, Output, Project
from projects.services import importing
from tests.factories import project_factory
from tests.projects.importers.helpers import lines as sample_lines
from tests.projects.importers.helpers import sample
from tests.projects.importers.test_helm import state as helm_state
from tests.projects.importers.test_lm_eval import generated, results

pytestmark = pytest.mark.django_db

GOOD = "item,prompt,system,output,metric,value\nq1,May I?,a,No.,exact,1\nq1,May I?,b,Yes.,exact,0\n"


@pytest.fixture
def project() -> Project:
    return project_factory("Support")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def run(*args: Any) -> str:
    out = io.StringIO()
    call_command("import_outputs", *map(str, args), stdout=out)
    return out.getvalue()


def rows() -> dict[str, int]:
    models = [*apps.get_app_config("projects").get_models()]
    return {model.__name__: model._default_manager.count() for model in models}


def test_counts_per_kind_in_words_and_as_json(project: Project, good: Path) -> None:
    said = run(project.slug, good)
    assert "answers.csv: read as CSV" in said
    assert "outputs: 2 (2 new, 0 changed)" in said
    answer = json.loads(run(project.slug, good, "--json"))
    assert {key: answer[key] for key in ("format", "items", "systems", "outputs", "scores", "judgments")} == {
        "format": "csv", "items": 1, "systems": 2, "outputs": 2, "scores": 2, "judgments": 0,
    }  # fmt: skip
    assert answer["skipped"] == []
    assert not any(answer["new"].values())


def test_the_same_file_again_says_nothing_new(project: Project, good: Path) -> None:
    run(project.slug, good)
    before = rows()
    assert "Nothing new" in run(project.slug, good)
    assert rows() == before


def test_what_was_left_out_is_told_by_row(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(GOOD + "q2,May we?,a,Well.,exact,inf\n", encoding="utf-8")
    skipped = json.loads(run(project.slug, path, "--json"))["skipped"]
    assert [problem["where"] for problem in skipped] == ["answers.csv, row 4, column value"]
    assert "not finite" in skipped[0]["why"]


def test_an_unknown_project_is_refused_and_named(good: Path) -> None:
    with pytest.raises(CommandError, match=r"no project “absent”.*apply.*--create") as caught:
        run("absent", good)
    assert caught.value.returncode == 2


def test_stopping_it_imports_nothing(project: Project, good: Path, monkeypatch: Any) -> None:
    def stopped(*args: Any) -> None:
        raise KeyboardInterrupt

    before = rows()
    monkeypatch.setattr(importing, "send", stopped)
    with pytest.raises(CommandError, match=r"Stopped\. Nothing was imported\.") as caught:
        run(project.slug, good)
    assert caught.value.returncode == 130
    assert rows() == before


def test_create_makes_the_project_with_the_import(good: Path) -> None:
    run("fresh", good, "--create")
    assert Output.objects.filter(item__project__slug="fresh").count() == 2


def test_create_makes_no_project_of_a_bad_file_or_name(good: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    for args in (("fresh", good, empty), ("not a slug", good)):
        with pytest.raises(CommandError):
            run(*args, "--create")
    assert not Project.objects.exists()
    assert not Item.objects.exists()


def test_several_files_are_one_answer(project: Project, good: Path, tmp_path: Path) -> None:
    other = tmp_path / "more.jsonl"
    other.write_text('{"item": "q3", "system": "a", "output": "So."}\n', encoding="utf-8")
    answer = json.loads(run(project.slug, good, other, "--json"))
    assert (answer["format"], answer["outputs"], answer["new"]["items"]) == ("several", 3, 2)
    assert [each["file"] for each in answer["files"]] == ["answers.csv", "more.jsonl"]


BAD = [
    ("empty.csv", b"", r"empty\.csv: The file is empty"),
    ("blank.jsonl", b"\n \n", r"blank\.jsonl: The file is empty"),
    ("latin.csv", "item,system,output\nq1,a,caf\xe9\n".encode("latin-1"), r"latin\.csv: Byte \d+, line 2.*UTF-8"),
    ("wide.csv", "item,system,output\nq1,a,x\n".encode("utf-16"), r"wide\.csv: The file is UTF-16"),
    ("first.jsonl", b'{"item": "q1", "out', r"first\.jsonl, row 1: .*JSON"),
    ("header.csv", b"item,item,system,output\nq1,q1,a,x\n", r"header\.csv, row 1: .*'item' more than once"),
    ("unknown.csv", b"colour,size\nred,3\n", r"unknown\.csv: A needed column is missing.*colour, size"),
    ("nothing.csv", b"item,system,output\n", r"nothing\.csv: No row of data"),
    ("deep.json", b"[" * 10_000 + b"]" * 10_000, r"deep\.json.*nested more than"),
    ("deep.jsonl", b'{"item": ' + b"[" * 10_000 + b"]" * 10_000 + b"}\n", r"deep\.jsonl, row 1: .*nested more than"),
    ("cut.json", b'[{"item": "q1", "system": "a", "output": "x"}', r"cut\.json.*cut short"),
    ("noise.bin", bytes(range(256)), r"noise\.bin: "),
    ("quote.csv", b'item,system,output\nq1,a,"never closed\n', r"quote\.csv, row 2: .*never closed"),
    ("missing.csv", b"item,system,output\n,a,x\n", r"missing\.csv.*row 2, column item"),
    ("nan.csv", b"item,system,metric,value\n,a,m,NaN\n", r"nan\.csv"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_input_exits_2_with_a_sentence_and_writes_nothing(
    project: Project, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = rows()
    with pytest.raises(CommandError, match=f"(?s){sentence}") as caught:
        run(project.slug, path)
    assert caught.value.returncode == 2
    assert str(caught.value).rstrip().endswith(".")
    assert rows() == before


def test_a_file_beyond_the_largest_is_refused(project: Project, good: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
    monkeypatch.setattr(limits, "MAX_STREAMED_BYTES", 20)
    with pytest.raises(CommandError, match=r"answers\.csv: The file is larger than 20 bytes") as caught:
        run(project.slug, good)
    assert caught.value.returncode == 2
    assert not Item.objects.exists()


def test_a_5_gb_file_is_refused_without_being_read(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"item,system,output\nq1,a,x\n")
        file.truncate(5 * 1024**3)  # sparse
    with pytest.raises(CommandError, match=r"huge\.csv: The file is larger than 4,096 MiB"):
        run(project.slug, path)


def test_a_missing_file_and_an_unknown_format_are_refused(project: Project, good: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no such file"):
        run(project.slug, tmp_path / "absent.csv")
    with pytest.raises(CommandError, match=r"answers\.csv: The format 'xml' is not known; accepted: auto, promptfoo"):
        run(project.slug, good, "--format", "xml")


def test_files_that_belong_together_tell_each_other_what_they_lack(project: Project, tmp_path: Path) -> None:
    samples, told = tmp_path / "samples_t.jsonl", tmp_path / "results.json"
    samples.write_text(sample_lines(generated("So.")), encoding="utf-8")
    told.write_text(json.dumps(results()), encoding="utf-8")
    with pytest.raises(CommandError, match="does not say which system"):
        run(project.slug, samples)
    run(project.slug, samples, told)
    assert Output.objects.get().system.name == "m1"
    run(project.slug, samples, "--system", "other")
    assert Output.objects.count() == 2


def test_a_folder_is_one_import_and_the_same_again_changes_nothing(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "samples_t.jsonl").write_text(sample_lines(generated("So.")), encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(results()), encoding="utf-8")
    answer = json.loads(run(project.slug, folder, "--json"))
    assert (answer["format"], answer["file"], answer["outputs"]) == ("lm_eval", "run", 1)
    assert ImportBatch.objects.count() == 1
    before = rows()
    assert "Nothing new" in run(project.slug, folder)
    assert rows() == before


def test_a_damaged_file_in_a_folder_refuses_all_of_it(project: Project, good: Path) -> None:
    (good.parent / "log.json").write_text('{"eval": {"model": "m"}, "plan": {}, "samples": [{', encoding="utf-8")
    before = rows()
    with pytest.raises(CommandError, match=r"log\.json: The JSON ends") as caught:
        run(project.slug, good.parent)
    assert caught.value.returncode == 2
    assert rows() == before


def test_files_of_the_same_name_are_told_apart_by_their_folders(project: Project, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "o.csv").write_text(f"item,system,output\nq1,{name},So.\n", encoding="utf-8")
    answer = json.loads(run(project.slug, tmp_path / "a" / "o.csv", tmp_path / "b" / "o.csv", "--json"))
    assert [each["file"] for each in answer["files"]] == ["a/o.csv", "b/o.csv"]


def test_a_file_that_belongs_to_another_is_no_failure(project: Project, tmp_path: Path) -> None:
    spec = {"name": "s:model=m", "scenario_spec": {}, "adapter_spec": {"model": "m"}}
    body = {"adapter_spec": {"model": "m"}, "request_states": [helm_state()]}
    for name, data in (("run_spec.json", spec), ("scenario_state.json", body)):
        (tmp_path / name).write_text(json.dumps(data), encoding="utf-8")
    answer = json.loads(run(project.slug, tmp_path / "run_spec.json", tmp_path / "scenario_state.json", "--json"))
    assert (answer["format"], answer["items"], answer["outputs"]) == ("helm", 1, 1)
    assert "read together with scenario_state.json" in answer["notes"][0]["why"]
    with pytest.raises(CommandError, match=r"run_spec\.json: This file of a HELM run"):
        run(project.slug, tmp_path / "run_spec.json")


REAL = [
    ("inspect_ai", ""), ("ragas/result.csv", "bot"), ("ragas/result.parquet", "bot"), ("helm/runs", ""),
    ("trulens", ""), ("langsmith/experiment_rows.jsonl", ""), ("mlflow/traces.jsonl", "bot"),
    ("phoenix/evaluate_dataframe.csv", "bot"), ("llama_index/batch_eval_results.json", "bot"), ("giskard", "bot"),
    ("evalai/evaluate_output.json", "bot"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "system"), REAL, ids=[path for path, _ in REAL])
def test_the_real_files_of_each_tool_twice(project: Project, path: str, system: str) -> None:
    arguments = [project.slug, sample(path), "--json", *(["--system", system] if system else [])]
    first = json.loads(run(*arguments))
    assert first["new"]["scores"] > 0
    before = rows()
    again = json.loads(run(*arguments))
    assert not any({**again["new"], **again["changed"]}.values())
    assert rows() == before
