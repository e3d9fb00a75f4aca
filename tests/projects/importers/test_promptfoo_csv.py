"""promptfoo's CSV export: the same evaluation as its JSON, as far as the file goes."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.projects.importers.helpers import Got, read, refused, sample

HEADER = ("Description", "question", "[small] terse", "Status", "Score", "Named Scores", "Metric: Fit", "Grader Reason")


def table(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue()


def one(*cells: str) -> Got:
    """A result of interest, and a plain one, for a file without results is refused."""
    return read(table(("", "Why?", *cells), ("", "So?", "Plain.", "PASS", "", "", "", "")), "out.csv")


@pytest.fixture(scope="module")
def both() -> tuple[Got, Got]:
    found = [read(sample(f"promptfoo/output.{end}").read_bytes(), f"output.{end}") for end in ("csv", "json")]
    return found[0], found[1]


def test_outputs_are_those_of_the_json_export(both: tuple[Got, Got]) -> None:
    got, real = both
    assert got.key == "promptfoo"
    assert [i.messages for i in got.items] == [i.messages for i in real.items]
    assert {(s.name, s.version) for s in got.systems} == {(s.name, s.version) for s in real.systems}

    def told(found: Got) -> list[Any]:
        ids = {item.external_id: item.messages[0]["content"] for item in found.items}
        # The CSV has an output that is an object as text in one line.
        texts = {id(o): "".join((o.text or "").split()) for o in found.outputs}
        return sorted((ids[o.item], o.system, texts[id(o)], bool(o.error)) for o in found.outputs)

    assert told(got) == told(real)


def test_scores_are_those_of_the_json_export_rounded(both: tuple[Got, Got]) -> None:
    got, real = both

    def told(found: Got) -> dict[Any, Any]:
        ids = {item.external_id: item.messages[0]["content"] for item in found.items}
        return {(s.metric, ids[s.item or ""], s.system): s.number for s in found.scores}

    mine, theirs = told(got), told(real)
    assert {key[0] for key in theirs.keys() - mine.keys()} == {"latency", "cost"}, "named by no metric in the CSV"
    assert mine == {key: pytest.approx(theirs[key], abs=0.005) for key in mine}
    assert "rounded" in got.notes[0].why


def test_a_failed_call_has_no_score_and_an_empty_group_no_output() -> None:
    got = one("", "ERROR", "0.00", "", "", "")
    assert (got.outputs[0].text, {s.item for s in got.scores}) == (None, {got.outputs[1].item})
    assert "failed" in got.outputs[0].error
    assert [o.text for o in one("", "", "", "", "", "").outputs] == ["Plain."]


def test_scores_come_from_the_json_cell_or_from_the_columns() -> None:
    assert {s.metric: s.number for s in one("Yes.", "PASS", "0.5", '{"Fit":0.25}', "0.99", "").scores}["Fit"] == 0.25
    assert {s.metric: s.number for s in one("Yes.", "PASS", "0.5", "", "0.75", "").scores}["Fit"] == 0.75
    assert "Fit" not in {s.metric for s in one("Yes.", "PASS", "0.5", "", "", "").scores}
    broken = one("Yes.", "PASS", "0.5", "{nothing", "0.75", "")
    assert [(p.row, p.column) for p in broken.skipped] == [(2, "Named Scores")]
    assert {s.metric: s.number for s in broken.scores}["Fit"] == 0.75


def test_what_is_wrong_is_said_by_row_and_column() -> None:
    got = one("Yes.", "MAYBE", "0.5", "", "", "")
    assert [(p.row, p.column) for p in got.skipped] == [(2, "Status")]
    assert "PASS, FAIL, ERROR" in got.skipped[0].why
    short = read(table(("", "Why?", "Yes.", "PASS"), ("", "So?", "No.", "FAIL", "0", "", "", "")), "out.csv")
    assert [p.row for p in short.skipped] == [2]
    assert [o.text for o in short.outputs] == ["No."]


def test_a_header_that_names_no_provider_is_refused() -> None:
    bad = table(("", "Why?", "Yes.", "PASS", "1", ""), header=("Description", "q", "small", *HEADER[3:6]))
    assert "[provider] prompt" in refused(bad, "out.csv", "promptfoo")
