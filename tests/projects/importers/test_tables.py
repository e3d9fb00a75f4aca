"""Rows, their numbers as a person counts them, and rows that cannot be used."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from projects.importers import limits
from projects.importers.records import Problem
from projects.importers.tables import read_rows
from tests.projects.importers.helpers import lines, read, refused


def rows_of(data: str | bytes, name: str = "a.csv") -> tuple[list[tuple[int, dict[str, Any]]], list[Problem]]:
    found: list[Problem] = []
    raw = data.encode() if isinstance(data, str) else data
    return list(read_rows(io.BytesIO(raw), name, found.append)), found


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_delimiter_is_told_from_the_header(delimiter: str, line_end: str) -> None:
    rows, _ = rows_of(line_end.join([f'"x,;y"{delimiter}b', f"1{delimiter}2"]))
    assert rows == [(2, {"x,;y": "1", "b": "2"})]


def test_rows_are_numbered_by_the_line_they_begin_in() -> None:
    rows, _ = rows_of('\n\na,b\n1,"two\nlines"\n\n3,4\n')
    assert [(row, values["a"]) for row, values in rows] == [(4, "1"), (7, "3")]


def test_json_lines_are_numbered_by_line_and_blank_lines_count() -> None:
    rows, _ = rows_of('{"a": 1}\n\n{"a": 2}', "a.jsonl")
    assert rows == [(1, {"a": 1}), (3, {"a": 2})]


def test_a_json_list_is_numbered_by_position() -> None:
    rows, _ = rows_of('[{"a": 1},\n\n {"a": [{"b": 2}]}]', "a.json")
    assert rows == [(1, {"a": 1}), (2, {"a": [{"b": 2}]})]


def test_duplicate_column_names_are_refused() -> None:
    assert "row 1: The header names the column 'b' more than once" in refused("a,b,b\n1,2,3\n")


def test_a_column_without_a_name_gets_its_position() -> None:
    rows, _ = rows_of(",b\n0,2\n")
    assert rows == [(2, {"column 1": "0", "b": "2"})]


def test_ragged_rows_are_skipped_by_row() -> None:
    rows, found = rows_of("a,b\n1\n1,2\n1,2,3\n4,5,,\n,\n")
    assert [row for row, _ in rows] == [3, 5]
    assert [(p.row, p.severity) for p in found] == [(2, "skipped"), (4, "skipped")]
    assert "3 cells where the header has 2 columns" in found[1].why


def test_a_quote_never_closed_is_refused_with_its_row() -> None:
    assert "row 3: A quote" in refused('a,b\n1,2\n"3,4\n5,6\n', format="csv")


def test_lone_carriage_returns_are_refused() -> None:
    assert "line feed" in refused("item,system\r1,2\r")


def test_a_half_written_last_line_is_noted_and_the_rest_read() -> None:
    rows, found = rows_of('{"a": 1}\n{"a": 2}\n{"a": "thr', "a.jsonl")
    assert len(rows) == 2
    assert [(p.row, p.severity) for p in found] == [(3, "note")]
    assert "half written" in found[0].why


def test_a_broken_line_in_the_middle_is_skipped_by_row() -> None:
    rows, found = rows_of('{"a": 1}\n{"a": \n{"a": 3}\n', "a.jsonl")
    assert [row for row, _ in rows] == [1, 3]
    assert [(p.row, p.severity) for p in found] == [(2, "skipped")]


@pytest.mark.parametrize("line", ["[1]", "3", '"text"', "null"])
def test_a_line_that_is_no_object_is_skipped_by_row(line: str) -> None:
    rows, found = rows_of('{"a": 1}\n' + line + "\n", "a.jsonl")
    assert len(rows) == 1
    assert found[0].row == 2
    assert "not a JSON object" in found[0].why


def test_a_first_line_that_is_broken_refuses_the_file() -> None:
    assert "row 1: The first line is not a whole JSON object" in refused('{\n"a": 1\n}\n', "a.json")


@pytest.mark.parametrize("data", ['[{"a": 1}, 2]', '[1, {"a": 1}]', '[{"a": 1} {"a": 2}]', '[{"a": 1},]'])
def test_a_json_list_with_something_else_in_it_is_refused(data: str) -> None:
    refused(data, "a.json")


@pytest.mark.parametrize("data", ['[{"a": 1}', '[{"a": 1}}', '[{"a": "1}]', '[{"a": 1}]]', "[{'a': 1}]"])
def test_a_json_list_out_of_balance_is_refused(data: str) -> None:
    refused(data, "a.json")


def test_a_key_named_twice_is_noted() -> None:
    rows, found = rows_of('{"a": 1, "b": {"c": 1, "c": 2}}', "a.jsonl")
    assert rows[0][1]["b"] == {"c": 2}
    assert "'c' more than once" in found[0].why
    assert found[0].severity == "note"


def test_bare_nan_and_infinity_are_accepted() -> None:
    got = read('{"item": "q", "system": "s", "metric": "m", "value": NaN, "x": Infinity, "output": "o"}\n', "a.jsonl")
    assert got.scores[0].missing_reason == "The value is NaN."
    assert got.scores[0].number is None
    assert got.outputs[0].raw == {"x": None}


def parquet(columns: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def test_parquet_gives_the_same_records_as_json_lines() -> None:
    rows = [
        {"item": "q1", "system": "s", "output": "o", "metric": "m", "value": 0.5},
        {"item": "q2", "system": "s", "output": "o", "metric": "m", "value": None},
    ]
    data = parquet({key: [row[key] for row in rows] for key in rows[0]})
    got, same = read(data, "a.parquet"), read(lines(*rows), "a.jsonl")
    assert got.key == "parquet"
    assert (got.items, got.outputs, got.scores) == (same.items, same.outputs, same.scores)


def test_damaged_and_oversized_parquet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = parquet({"item": ["q1", "q2"], "system": ["s", "s"], "output": ["o", "o"]})
    assert "damaged" in refused(data[: len(data) // 2], "a.parquet")
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 10)
    assert "unpacks to more" in refused(data, "a.parquet")
    monkeypatch.setattr(limits, "MAX_ROWS", 1)
    assert "2 rows" in refused(data, "a.parquet")


def test_bytes_in_parquet_are_refused() -> None:
    data = parquet({"item": ["q"], "system": ["s"], "output": [b"\xff"]})
    assert "row 1, column output: The column holds bytes" in refused(data, "a.parquet")


def test_dates_in_parquet_become_texts() -> None:
    data = parquet({"item": ["q"], "system": ["s"], "output": ["o"], "day": [datetime.date(2026, 1, 2)]})
    assert read(data, "a.parquet").outputs[0].raw == {"day": "2026-01-02"}


def test_json_is_read_element_by_element_as_json_loads_would() -> None:
    rows = [{"item": f"q{n}", "system": "s", "output": f'"[{{\\ {n}'} for n in range(50)]
    for indent in (None, 2):
        found, _ = rows_of(json.dumps(rows, indent=indent), "a.json")
        assert [values for _, values in found] == rows
