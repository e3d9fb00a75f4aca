"""What people said, in the forms of other tools: by the tools' own ids, and read again as the same answers."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotation.exporters.back import BACK, write_back
from annotation.exporters.back.answers import Choice
from annotation.exporters.files import FORMATS
from annotation.models import Adjudication, FreeText, RaterExclusion, Rating, Round, Seat
from annotation.services.imported import judgments_import
from annotation.services.imported_tools import ToolFile
from projects.errors import ServiceError
from projects.models import Output, Role
from projects.services.importing import import_file
from tests.annotation.test_import_judgments import PAIRS, QUALITY, empty_round, load
from tests.factories import CORRECT, OVERALL, member
from tests.projects.importers.helpers import lines, sample

pytestmark = pytest.mark.django_db

RUNS = ("0b7c9a52-5f6f-4d0c-9b3b-0d4a3f6b1c01", "0b7c9a52-5f6f-4d0c-9b3b-0d4a3f6b1c02")
HEAD = "item,system,rater,criterion,value,comment,cannot_judge\n"
ANSWERS = (
    "q1,bot,ann,correct,1,Wrong.,\nq1,bot,ben,correct,3,,\nq1,bot,cyd,correct,,,yes\n"
    "q1,bot,ann,quality,yes,,\nq2,bot,ann,correct,2,,\nq2,bot,eve,correct,3,,\n"
)
VOTES = (
    "q1,old,new,ann,overall,2,a_first\nq1,old,new,ben,overall,-1,b_first\nq1,old,new,cyd,overall,1,b_first\n"
    "q2,old,new,ann,overall,tie,\nq2,old,new,ben,overall,both_bad,b_first\nq3,old,new,ann,overall,-2,a_first\n"
)


def scored(raw: dict[str, Any] | None = None) -> Round:
    """Five answers that count: one rater could not judge, one is excluded."""
    round_ = empty_round(criteria=(CORRECT, QUALITY))
    load(round_, HEAD + ANSWERS)
    RaterExclusion.objects.create(seat=Seat.objects.get(rater__external_id="eve"), reason="Too fast.")
    Output.objects.update(raw=raw or {})
    return round_


def compared() -> Round:
    round_ = empty_round("compare", (OVERALL,))
    records = [{"item": f"q{n}", "prompt": f"Ask {n}?", "system": s, "output": f"{s} says {n}"}
               for n in (1, 2, 3) for s in ("old", "new")]  # fmt: skip
    stream = io.BytesIO(lines(*records).encode())
    import_file(project=round_.project, stream=stream, file_name="outputs.jsonl")
    load(round_, PAIRS + VOTES)
    return round_


def written(round_: Round, key: str, folder: Path, **choice: bool) -> tuple[list[dict[str, Any]], dict[str, int]]:
    done = write_back(folder, round=round_, key=key, choice=Choice(**choice))
    records = [json.loads(line) for line in (folder / BACK[key].FILE).read_text().splitlines()]
    assert done.records == len(records)
    return records, done.left_out


def stored(round_: Round) -> Counter[tuple[Any, ...]]:
    """Each current rating with its task's outputs, by canonical position."""
    found = Rating.objects.filter(judgment__seat__round=round_, judgment__current=True, cannot_judge=False)
    return Counter(
        (r.judgment.assignment.task.item.external_id, r.judgment.seat.rater.pseudonym, r.criterion.key, r.label,
         r.number if r.judgment.assignment.shown_order != "10" else -(r.number or 0.0),
         r.judgment.assignment.order_known and r.judgment.assignment.shown_order)
        for r in found.select_related("criterion", "judgment__seat__rater", "judgment__assignment__task__item")
    )  # fmt: skip


def again(round_: Round, path: Path, **more: Any) -> Round:
    """The same file in a second round of the project."""
    second = Round.objects.create(
        project=round_.project, slug="again", name="Again", title="Again", mode=round_.mode,
        rubric_version=round_.rubric_version,
    )  # fmt: skip
    with path.open("rb") as stream:
        judgments_import(round=second, stream=stream, name=path.name, tool=ToolFile(**more))
    return second


def test_promptfoo_reads_our_file_as_the_same_answers(tmp_path: Path) -> None:
    round_ = scored()
    done = write_back(tmp_path, round=round_, key="promptfoo", choice=Choice(texts=True))
    assert (done.records, done.left_out) == (4, {})
    document = json.loads((tmp_path / "promptfoo.json").read_text())
    rows = document["results"]["results"]
    assert document["results"]["version"] == 3
    assert [row["testCase"]["metadata"]["item_id"] for row in rows] == ["q1", "q2"]
    entries = rows[0]["gradingResult"]["componentResults"]
    assert [(e["assertion"]["type"], e["assertion"]["metric"], e["pass"], e["score"]) for e in entries] == [
        ("human", "correct", False, 0.0), ("human", "quality", True, 1.0), ("human", "correct", True, 1.0),
    ]  # fmt: skip
    assert (entries[0]["comment"], rows[0]["score"]) == ("Wrong.", pytest.approx(2 / 3))
    counted = Counter({k: n for k, n in stored(round_).items() if k[:2] != ("q2", pseudonym("eve"))})
    assert stored(again(round_, tmp_path / "promptfoo.json")) == counted
    assert FreeText.objects.filter(text="Wrong.").count() == 2


def pseudonym(name: str) -> str:
    return Seat.objects.get(rater__external_id=name, round__slug="pilot").rater.pseudonym


def test_promptfoo_keeps_its_own_ids_and_outputs(tmp_path: Path) -> None:
    path = sample("promptfoo/output.json")
    round_ = empty_round(criteria=(CORRECT,))
    with path.open("rb") as stream:
        import_file(project=round_.project, stream=stream, file_name="output.json")
    output = Output.objects.filter(has_text=True).select_related("item", "system").order_by("id")[3]
    load(round_, f'{HEAD}"{output.item.external_id}","{output.system.label}",ann,correct,3,,\n')
    write_back(tmp_path, round=round_, key="promptfoo")
    (row,) = json.loads((tmp_path / "promptfoo.json").read_text())["results"]["results"]
    theirs = json.loads(path.read_text())["results"]["results"]
    (same,) = [each for each in theirs if each["id"] == row["id"]]
    for key in ("testIdx", "promptIdx", "vars", "promptId", "latencyMs"):
        assert row[key] == same[key], key
    assert row["response"]["output"] == same["response"]["output"]
    assert row["provider"]["id"] == same["provider"]["id"]
    assert row["prompt"]["raw"] in (same["prompt"]["raw"], json.dumps(json.loads(same["prompt"]["raw"])))


def test_arena_votes_are_read_as_the_same_preferences(tmp_path: Path) -> None:
    round_ = compared()
    records, left = written(round_, "arena", tmp_path)
    assert (len(records), left) == (6, {})
    ben = next(each for each in records if each["judge"] == ["human", pseudonym("ben")])
    assert (ben["model_a"], ben["model_b"], ben["winner"], ben["strength"]) == ("new", "old", "model_b", 1.0)
    assert [m["role"] for m in ben["conversation_a"]] == ["user", "assistant"]
    assert ben["conversation_a"][1]["content"] == "new says 1"
    assert [each["winner"] for each in records][3:5] == ["tie", "tie (bothbad)"]
    assert stored(again(round_, tmp_path / "arena.jsonl")) == stored(round_)


def test_pairs_for_tuning_are_what_most_preferred(tmp_path: Path) -> None:
    round_ = compared()
    records, left = written(round_, "dpo", tmp_path)
    assert [(r["item"], r["chosen_system"], r["votes_chosen"], r["votes_rejected"]) for r in records] == [
        ("q1", "new", 2, 1), ("q3", "old", 1, 0),
    ]  # fmt: skip
    assert records[0]["prompt"] == [{"role": "user", "content": "Ask 1?"}]
    assert records[0]["chosen"] == [{"role": "assistant", "content": "new says 1"}]
    assert records[0]["rejected"] == [{"role": "assistant", "content": "old says 1"}]
    assert sum(left.values()) == 2


def test_a_final_answer_stands_in_place_of_the_raters_own(tmp_path: Path) -> None:
    round_ = compared()
    task = round_.tasks.get(item__external_id="q1")
    criterion = round_.rubric_version.criteria.get(key="overall")
    Adjudication.objects.create(task=task, criterion=criterion, number=-1, label="a", reason="Read it twice.")
    (first, *_), _ = written(round_, "dpo", tmp_path, final_answers=True)
    assert (first["item"], first["chosen_system"], first["votes_chosen"], first["votes_rejected"]) == (
        "q1",
        "old",
        1,
        0,
    )
    (vote, *_), _ = written(round_, "arena", tmp_path, final_answers=True, texts=True)
    assert (vote["model_a"], vote["winner"], vote["comment"], vote["final"]) == (
        "old",
        "model_a",
        "Read it twice.",
        True,
    )
    assert "comment" not in written(round_, "arena", tmp_path, final_answers=True)[0][0]


def test_phoenix_by_span(tmp_path: Path) -> None:
    records, left = written(scored({"span_id": "00000000000000aa"}), "phoenix", tmp_path)
    assert {r["span_id"] for r in records} == {"00000000000000aa"}
    assert {r["annotator_kind"] for r in records} == {"HUMAN"}
    assert [r["result"] for r in records if r["name"] == "quality"] == [{"score": 1.0, "label": "true"}]
    assert sorted(r["result"]["score"] for r in records if r["name"] == "correct") == [1.0, 2.0, 3.0]
    assert left == {}
    assert "Wrong." not in (tmp_path / "phoenix_annotations.jsonl").read_text()


def test_mlflow_by_trace(tmp_path: Path) -> None:
    records, _ = written(scored({"trace_id": "tr-1"}), "mlflow", tmp_path, texts=True)
    assert len(records) == 4
    assert {r["source"]["source_type"] for r in records} == {"HUMAN"}
    assert [r["feedback"]["value"] for r in records if r["assessment_name"] == "quality"] == [True]
    assert "Wrong." in {r["rationale"] for r in records}


def test_langsmith_by_run_and_a_preference_as_a_group(tmp_path: Path) -> None:
    records, _ = written(scored({"run_id": RUNS[0]}), "langsmith", tmp_path)
    assert [r["score"] for r in records if r["key"] == "quality"] == [True]
    round_ = compared()
    for system, run in zip(("old", "new"), RUNS, strict=True):
        Output.objects.filter(system__name=system, item__external_id="q1").update(raw={"run_id": run})
    records, left = written(round_, "langsmith", tmp_path)
    groups: dict[str, dict[str, float]] = {}
    for record in records:
        groups.setdefault(record["feedback_group_id"], {})[record["run_id"]] = record["score"]
    assert sorted(tuple(each[run] for run in RUNS) for each in groups.values()) == [(0.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    assert sum(left.values()) == 3
    assert written(round_, "langsmith", tmp_path)[0] == records  # the same ids the second time


def test_hugging_face_has_a_card_that_finds_the_file(tmp_path: Path) -> None:
    done = write_back(tmp_path, round=compared(), key="hugging_face")
    rows = pq.read_table(tmp_path / "human_judgments.parquet").to_pylist()
    assert done.records == len(rows) == 6
    assert rows[1]["prompt"] == [{"role": "user", "content": "Ask 1?"}]
    assert (rows[1]["system_a"], rows[1]["value"], rows[1]["shown_first"]) == ("old", -1.0, "b")
    card = (tmp_path / "README.md").read_text()
    assert card.startswith("---\n")
    assert "path: human_judgments.parquet" in card
    assert "6 answers" in card


def test_no_format_names_a_rater(tmp_path: Path) -> None:
    kept = {"span_id": "ab", "trace_id": "tr", "run_id": RUNS[0]}
    for round_, keys in ((scored(kept), ("promptfoo", "phoenix", "mlflow", "langsmith", "hugging_face")),
                         (compared(), ("arena", "dpo"))):  # fmt: skip
        for key in keys:
            done = write_back(tmp_path, round=round_, key=key, choice=Choice(texts=True))
            for name in done.files:
                data = (tmp_path / name).read_bytes()
                assert b'"ann"' not in data
                assert b'"eve"' not in data


def test_a_form_that_nothing_fits_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    round_ = scored()
    with pytest.raises(ServiceError, match="no trace of MLflow is known for"):
        write_back(tmp_path, round=round_, key="mlflow")
    name = f"{round_.project.slug}/pilot"
    with pytest.raises(CommandError, match="Arena votes"):
        call_command("export", name, "--format", "csv,arena", "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{compared().project.slug}/pilot"
    call_command("export", name, "--format", "dpo,hugging_face", "--out", str(tmp_path), "--json")
    told = json.loads(capsys.readouterr().out)
    assert {p.name for p in tmp_path.iterdir()} == {"dpo.jsonl", "human_judgments.parquet", "README.md"}
    assert [(each["format"], each["records"]) for each in told["written"]] == [("dpo", 2), ("hugging_face", 6)]


def test_in_the_browser_and_by_the_api(client: Client) -> None:
    round_ = compared()
    client.force_login(member(round_.project, Role.VIEWER))
    page = f"/p/{round_.project.slug}/rounds/pilot/export/"
    seen = client.get(page, {"format": "dpo"})
    assert "Preference pairs for DPO (JSON Lines): 2 records" in seen.content.decode()
    assert "The pair is even" in seen.content.decode()
    assert client.get(page, {"format": "mlflow"}).status_code == 409
    api = f"/api/v1/projects/{round_.project.slug}/rounds/pilot/export/"
    for address in (page, api):
        file = client.get(f"{address}dpo/")
        assert (file["Records"], file["Left-Out"]) == ("2", "2")
        assert b"".join(file.streaming_content).count(b"\n") == 2  # type: ignore[attr-defined]
    assert client.get(f"{api}mlflow/").status_code == 400
    assert client.get(f"{api}none/").status_code == 404
    archive = b"".join(client.get(f"{api}hugging_face/").streaming_content)  # type: ignore[attr-defined]
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["human_judgments.parquet", "README.md"]
    assert set(FORMATS) == {"csv", "jsonl", "parquet", *BACK}
