"""The same figures in every form of a report, and no name that a form would run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from analytics.models import Report
from analytics.report_document import document_of
from analytics.report_forms import FORMS
from analytics.report_page import page_of
from analytics.report_words import say
from analytics.services import report_build
from analytics.stats.agreement import krippendorff_alpha
from analytics.stats.coding import code_ratings
from analytics.stats.results import Estimate
from annotation.exporters.files import export_round
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_report_pages import client_of, full_round, text_of, url
from tests.analytics.test_reports import compared, scored
from tests.factories import OVERALL

pytestmark = pytest.mark.django_db
HOSTILE = '=1+1 #eval("1") *x* $y$ [z] \\ `c` "q" <b>'


def sheets(report: Report) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(FORMS["xlsx"].make(report)))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def in_a_notebook(folder: Path) -> Estimate:
    """docs/how-to/statistics-in-a-notebook.md: the exported ratings, pandas and `analytics.stats`."""
    ratings = pd.read_csv(folder / "ratings.csv", keep_default_na=False, dtype={"shown_order": str})
    counted = ratings[ratings.purpose.isin(["normal", "imported"]) & ~ratings.excluded & ~ratings.cannot_judge]
    own = counted.sort_values("occasion", kind="stable")[counted.criterion == "helpful"]
    unit = own.task.astype(str) + ":" + own.output.astype(str)
    coded = code_ratings(unit, own.cluster, own.rater, own.value.astype(float), [1, 2, 3, 4, 5])
    return krippendorff_alpha(coded, "ordinal")


def test_page_json_workbook_csv_parquet_document_and_notebook_say_the_same(tmp_path: Path) -> None:
    report = report_build(round=full_round())
    alpha = report.body["agreement"]["helpful"]["krippendorff_alpha"]
    place = "agreement.helpful.krippendorff_alpha"
    expected = [alpha[name] for name in ("value", "low", "high", "n_clusters", "n_judgments")]

    head, *rows = sheets(report)["Agreement"]
    row = dict(zip(head, next(r for r in rows if r[0] == place.partition(".")[2]), strict=True))
    assert [row[name] for name in ("value", "low", "high", "n_clusters", "n_judgments")] == pytest.approx(expected)

    lines = {line["figure"]: line for line in csv.DictReader(io.StringIO(FORMS["csv"].make(report).decode()))}
    assert float(lines[place]["value"]) == alpha["value"]
    parquet = pq.read_table(io.BytesIO(FORMS["parquet"].make(report))).to_pylist()
    assert [each["figure"] for each in parquet] == list(lines)
    assert next(each for each in parquet if each["figure"] == place)["low"] == alpha["low"]
    assert sum(len(rows) - 1 for title, rows in sheets(report).items() if title not in ("Answer", "Method")) == len(
        lines
    )

    export_round(round=report.round, formats=["csv"], out=tmp_path)
    noted = in_a_notebook(tmp_path)
    found = [noted.value, noted.low, noted.high, noted.n_clusters, noted.n_judgments]
    assert found == pytest.approx(expected, abs=1e-12)

    said = say(alpha)
    document = document_of(page_of(report.body), number=1, built_at=report.built_at, digest=report.digest)
    forest = next(b for b in document["blocks"] if b["kind"] == "forest" and b["value"] == "Krippendorff’s α")
    line = next(each for each in forest["rows"] if each["name"] == "helpful")
    assert (line["value"], line["interval"], line["counts"]) == (said.value, said.interval, said.counts)
    html = text_of(client_of(report.round, "viewer").get(url("report", report)))
    assert f'{said.value} <span class="ci-text">{said.interval}</span>' in html


def test_every_number_of_a_workbook_has_its_interval_or_says_why_not() -> None:
    report = report_build(round=filled_round([scale("helpful", "ordinal")], scored()[:3]))
    for title, (head, *rows) in sheets(report).items():
        if title in ("Answer", "Method"):
            continue
        for row in (dict(zip(head, cells, strict=True)) for cells in rows):
            assert row["n_judgments"] is not None
            assert (None not in (row["low"], row["high"])) if row["status"] == "ok" else row["reason"]


@pytest.mark.parametrize("mode", ["score", "compare"])
def test_no_name_is_run_by_any_form(mode: str) -> None:
    if mode == "score":
        rows = [{**row, "system": f"{HOSTILE}{row['system']}", "item": f"={row['item']}"} for row in scored(1)]
        round_ = filled_round([scale("helpful", "ordinal")], rows)
    else:
        rows = [{**row, "system": f"{HOSTILE}old", "system_b": f"{HOSTILE}new"} for row in compared()]
        round_ = filled_round([OVERALL], rows, "compare")
    round_.name = HOSTILE
    round_.save()
    report = report_build(round=round_)
    assert FORMS["pdf"].make(report).startswith(b"%PDF-")
    document = document_of(page_of(report.body), number=1, built_at=report.built_at, digest=report.digest)
    assert HOSTILE in json.dumps(document, ensure_ascii=False).replace('\\"', '"').replace("\\\\", "\\")
    book = openpyxl.load_workbook(io.BytesIO(FORMS["xlsx"].make(report)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert any(HOSTILE in str(cell.value) for cell in cells)


def test_a_template_of_the_pdf_never_evaluates_text() -> None:
    """Everything comes as JSON; nothing in the template turns a text into markup or reads another file."""
    template = (Path(__file__).resolve().parents[2] / "analytics" / "printed" / "report.typ").read_text("utf-8")
    assert "sys.inputs.data" in template
    assert not [word for word in ("eval(", "include ", "import ", "read(", "cmarker", "@preview") if word in template]


def test_the_command_writes_all_forms(tmp_path: Path, capsys: Any) -> None:
    round_ = full_round()
    call_command("report", round_.slug, "--out", str(tmp_path), "--format", ",".join(FORMS), "--json")
    names = {Path(name).name for name in json.loads(capsys.readouterr().out)["files"]}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert names == {form.name for form in FORMS.values()} | {"ratings.csv", "ratings.parquet"}
    ratings = pq.read_table(tmp_path / "ratings.parquet")
    assert ratings.num_rows == json.loads((tmp_path / "report.json").read_text())["round"]["n_ratings"]
