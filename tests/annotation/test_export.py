"""What leaves: the tidy columns, safe cells, the same bytes twice, nothing half written."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from annotation.exporters import files, tables
from annotation.exporters.files import export_round
from annotation.exporters.tables import RATINGS, TABLES
from annotation.exporters.writers import csv_lines, safe_cell, told_cell
from annotation.models import Adjudication, FreeText, GoldAnswer, RaterExclusion, Round, Seat
from annotation.services.imported import judgments_import
from projects.models import AutomatedScore, Item, ItemTag, Metric, Output
from tests.annotation.test_import_judgments import NOTE, PAIRS, QUALITY, TWO, empty_round, load
from tests.factories import CORRECT, OVERALL

pytestmark = pytest.mark.django_db

# architecture.md, section 5: scripts outside depend on the names and their order.
TIDY = [
    *("round", "item", "cluster", "task", "output", "system", "system_version", "rater", "occasion", "purpose"),
    *("target", "criterion", "level_of_measurement", "value", "label", "data", "cannot_judge", "shown_order"),
    *("excluded", "inclusion_probability", "draw_probability", "rubric_version", "submitted_at", "seconds"),
    "active_seconds",
]
COMMENTED = "item,system,rater,criterion,value,comment\n"


def rich_round() -> Round:
    round_ = empty_round(criteria=(CORRECT, QUALITY, NOTE), design="random")
    load(round_, TWO + "q1,bot@2,,correct,2\nq1,bot@2,ann,quality,yes\nq1,bot@2,ann,note,Words\n")
    load(round_, COMMENTED + "q2,bot,ben,correct,3,=HYPERLINK()\n")
    output = Output.objects.filter(item__external_id="q1").order_by("id")[0]
    metric = Metric.objects.create(project=round_.project, key="exact", kind="number")
    AutomatedScore.objects.create(metric=metric, key="1", output=output, number=0.5, explanation="@judge says so")
    ItemTag.objects.create(item=output.item, tag="topic:tax")
    criterion = round_.rubric_version.criteria.get(key="correct")
    Adjudication.objects.create(task=round_.tasks.order_by("pk")[0], criterion=criterion, number=2, reason="=So.")
    GoldAnswer.objects.create(task=round_.tasks.order_by("pk")[0], criterion=criterion, number=2, explanation="=It.")
    not_drawn = Item.objects.create(project=round_.project, external_id="q9", cluster="q9")
    other = Output.objects.create(item=not_drawn, system=output.system)
    judge = Metric.objects.create(project=round_.project, key="judge", kind="number", criterion_key="correct")
    AutomatedScore.objects.create(metric=judge, key="9", output=other, number=2, judge="=judge")
    return round_


def ratings(round_: Round) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_lines(RATINGS, RATINGS.rows(round_))))))


def test_the_tidy_columns_are_those_of_the_contract() -> None:
    assert [column.name for column in RATINGS.columns] == TIDY


def test_one_row_a_rating() -> None:
    rows = ratings(rich_round())
    assert len(rows) == 6
    first = rows[0]
    assert (first["item"], first["system"], first["system_version"]) == ("q1", "bot", "")
    assert (first["value"], first["label"], first["criterion"]) == ("1", "", "correct")
    assert (first["purpose"], first["shown_order"], first["occasion"]) == ("imported", "0", "0")
    assert first["rater"].startswith("r-")
    assert {row["system_version"] for row in rows} == {"", "2"}
    assert {row["rater"] == "" for row in rows} == {True, False}
    quality = next(row for row in rows if row["criterion"] == "quality")
    assert (quality["target"], quality["label"], quality["value"]) == ("o0", "yes", "1")


def test_a_pair_names_both_systems_in_canonical_order() -> None:
    round_ = empty_round("compare", (OVERALL,))
    load(round_, PAIRS + "q1,old,new,ann,overall,2,b_first\nq1,old,new,ben,overall,tie,\n")
    ann, ben = ratings(round_)
    assert json.loads(ann["system"]) == ["old", "new"]
    assert (ann["value"], ann["shown_order"]) == ("-2", "10")
    assert (ben["label"], ben["shown_order"]) == ("tie", "")


def test_exclusions_are_marked() -> None:
    round_ = rich_round()
    RaterExclusion.objects.create(seat=Seat.objects.get(rater__external_id="ben"), reason="Too fast.")
    assert sum(row["excluded"] == "true" for row in ratings(round_)) == 2


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+A1", "'+A1"),
        ("-A1", "'-A1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("-2", "-2"),
        ("+3.5", "+3.5"),
        (-2.0, "-2"),
        (0.25, "0.25"),
        (True, "true"),
        (None, ""),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("'=1", "''=1"),
    ],
)
def test_cells_that_a_spreadsheet_would_run_are_neutralised(cell: Any, written: str) -> None:
    assert safe_cell(cell) == written
    assert not isinstance(cell, str) or told_cell(written) == cell


def test_every_format_holds_the_same_rows(tmp_path: Path) -> None:
    export_round(round=rich_round(), formats=["csv", "jsonl", "parquet"], out=tmp_path)
    for table in TABLES:
        by_csv = list(csv.reader(io.StringIO((tmp_path / f"{table.name}.csv").read_text())))[1:]
        by_json = [json.loads(line) for line in (tmp_path / f"{table.name}.jsonl").read_text().splitlines()]
        by_parquet = pq.read_table(tmp_path / f"{table.name}.parquet").to_pylist()
        assert by_json == by_parquet
        assert [[safe_cell(cell) for cell in row.values()] for row in by_json] == by_csv
        assert by_csv, f"{table.name} has no row, so this test would see nothing"
    written = {p.name for p in tmp_path.iterdir()}
    assert {"columns.json", "round.json"} < written
    assert not [name for name in written if name.startswith(".")]
    words = [json.loads(line)["text"] for line in (tmp_path / "texts.jsonl").read_text().splitlines()]
    assert words == ["Words", "=HYPERLINK()"]
    assert "'=HYPERLINK()" in (tmp_path / "texts.csv").read_text()


def test_every_column_is_explained(tmp_path: Path) -> None:
    export_round(round=rich_round(), formats=["jsonl"], out=tmp_path)
    dictionary = json.loads((tmp_path / "columns.json").read_text())
    for name, table in dictionary.items():
        first = json.loads((tmp_path / f"{name}.jsonl").read_text().splitlines()[0])
        assert [column["name"] for column in table["columns"]] == list(first)
        assert all(column["meaning"].strip() for column in table["columns"])


def test_two_exports_of_the_same_data_have_the_same_bytes(tmp_path: Path) -> None:
    round_ = rich_round()
    for name in ("a", "b"):
        export_round(round=round_, formats=["csv", "jsonl", "parquet"], out=tmp_path / name)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("a", "b"))
    assert first == second
    assert len(first) == 3 * len(TABLES) + 2


def test_an_export_can_be_imported_again(tmp_path: Path) -> None:
    round_ = empty_round("compare", (OVERALL,))
    load(round_, PAIRS + "q1,old,new,ann,overall,2,a_first\nq1,old,new,ben,overall,-1,a_first\n")
    rows = []
    for row in ratings(round_):
        a, b = json.loads(row["system"])
        position = "a_first" if row["shown_order"] == "01" else "b_first"
        rows.append(f"{row['item']},{a},{b},{row['rater']},{row['criterion']},{row['value']},{position}\n")
    again = judgments_import(round=round_, stream=io.BytesIO((PAIRS + "".join(rows)).encode()), name="again.csv")
    assert (again.unchanged, again.ratings, again.changed, again.raters) == (2, 0, 0, 0)


def test_erased_texts_do_not_leave(tmp_path: Path) -> None:
    round_ = rich_round()
    FreeText.objects.filter(text="Words").update(text="", erased_at="2026-01-01T00:00:00Z")
    export_round(round=round_, formats=["csv"], out=tmp_path)
    assert "Words" not in (tmp_path / "texts.csv").read_text()


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(files.WRITERS, "jsonl", fail)
    with pytest.raises(CommandError, match="No space left on device") as caught:
        call_command("export", str(rich_round().slug), "--format", "csv,jsonl", "--out", str(tmp_path / "out"))
    assert caught.value.returncode == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["xlsx", "csv,pdf", ""])
def test_unknown_formats_are_refused_with_the_accepted_ones(text: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Accepted: csv, jsonl, parquet") as caught:
        call_command("export", "pilot", "--format", text, "--out", str(tmp_path))
    assert caught.value.returncode == 2


def test_a_part_takes_the_same_statements_however_many_ratings(django_assert_num_queries: Any) -> None:
    round_ = empty_round()
    load(round_, "item,system,rater,criterion,value\n" + "".join(f"q{n},bot,ann,correct,1\n" for n in range(200)))
    round_.refresh_from_db()
    list(RATINGS.rows(round_))
    with django_assert_num_queries(5):  # exclusions, ratings; then the part's judgments, outputs, chances
        assert len(list(RATINGS.rows(round_))) == 200


def test_no_more_than_a_part_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = empty_round()
    load(round_, "item,system,rater,criterion,value\n" + "".join(f"q{n},bot,ann,correct,1\n" for n in range(25)))
    whole = list(RATINGS.rows(round_))
    held: list[int] = []
    original = tables.task_names

    def watched(tasks: set[int]) -> Any:
        held.append(len(tasks))
        return original(tasks)

    monkeypatch.setattr(tables, "CHUNK", 10)
    monkeypatch.setattr(tables, "task_names", watched)
    assert list(RATINGS.rows(round_)) == whole
    assert held == [10, 10, 5]
