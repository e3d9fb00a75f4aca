"""A folder is imported as one: what belongs together, what is left out, what is never followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects.importers import ImportFileError, limits, read_folder
from tests.projects.importers.helpers import Got, lines, sample
from tests.projects.importers.test_lm_eval import generated, results

GOOD = "item,system,output\nq,s,o\n"


def folder(path: Path, **options: str) -> Got:
    key, found = read_folder(path, options=dict(options))
    return Got(list(found), key)


def test_the_real_folder_of_lm_eval_takes_the_model_from_the_results() -> None:
    got = folder(sample("lm_eval_harness"))
    assert {s.name for s in got.systems} == {"i82qcls7"}
    assert len(got.outputs) == 12


def test_the_real_folder_of_mt_bench() -> None:
    got = folder(sample("mt_bench"))
    assert (len(got.items), len(got.outputs), len(got.scores), got.skipped) == (2, 4, 16, [])


def test_the_real_folder_of_promptfoo_leaves_out_what_is_made_for_people() -> None:
    got = folder(sample("promptfoo"))
    assert [p.where.rpartition("/")[2] for p in got.skipped] == ["output.csv", "output.html", "output.xml"]


def test_files_are_looked_for_in_the_same_folder_only(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples_t_2026-01-01T00-00-00.1.jsonl").write_text(lines(generated()))
    (tmp_path / "results_2026-01-01T00-00-00.1.json").write_text(lines(results()))
    with pytest.raises(ImportFileError, match="which system gave the outputs"):
        folder(tmp_path)


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(GOOD)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.csv").symlink_to(outside / "secret.csv")
    (inside / "more").symlink_to(outside)
    with pytest.raises(ImportFileError, match="it is empty"):
        folder(inside)


def test_a_folder_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(GOOD)
    assert len(folder(tmp_path).outputs) == 2
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 30)
    with pytest.raises(ImportFileError, match="together, the most accepted"):
        folder(tmp_path)
    monkeypatch.setattr(limits, "MAX_ENTRIES", 1)
    with pytest.raises(ImportFileError, match="more than 1 files"):
        folder(tmp_path)
