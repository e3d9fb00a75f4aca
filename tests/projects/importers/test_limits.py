"""Bad and hostile files: refused or reported by file, row and column, in a sentence."""

from __future__ import annotations

import io
import json
import time

import pytest

from projects.importers import IMPORTERS, limits, read_file
from projects.importers.records import ImportFileError
from projects.importers.tables import read_rows
from tests.projects.importers.helpers import lines, read, refused

LONG = "item,system,output,metric,value\n"


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet", "a"])
@pytest.mark.parametrize("format", ["auto", "csv", "jsonl", "promptfoo", "parquet"])
def test_an_empty_file_is_refused(data: bytes, name: str, format: str) -> None:
    assert "empty" in refused(data, name, format) or data


def test_a_header_alone_is_refused() -> None:
    assert "at least one row" in refused(LONG)


@pytest.mark.parametrize(
    ("data", "offset", "line"),
    [
        (LONG.encode() + b"q1,s,caf\xe9,m,1\n", 40, 2),
        (b"\xef\xbb\xbf" + LONG.encode() + b"q1,s,a,m,1\nq2,s,caf\xe9,m,1\n", 54, 3),
    ],
)
def test_latin_1_is_refused_with_offset_and_line(data: bytes, offset: int, line: int) -> None:
    assert data[offset] == 0xE9
    sentence = refused(data)
    assert f"Byte {offset}, line {line}, is 0xE9" in sentence
    assert "UTF-8" in sentence


def test_latin_1_in_a_json_list_is_refused_with_offset_and_line() -> None:
    data = b'[\n{"item": "caf\xe9"}]'
    assert f"Byte {data.index(0xE9)}, line 2" in refused(data, "a.json")


@pytest.mark.parametrize("chunk", range(1, 12))
def test_a_bad_byte_beyond_the_first_chunk_is_found(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CHUNK", chunk)
    data = '[{"item": "ééééééé'.encode() + b"\xff" + b'"}]'
    assert f"Byte {data.index(0xFF)}, line 1, is 0xFF" in refused(data, "a.json")


def test_characters_across_chunks_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CHUNK", 3)
    got = read('[{"item": "é🚲é", "system": "s", "output": "ñ"}]', "a.json")
    assert got.items[0].external_id == "é🚲é"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_utf_16_is_refused(encoding: str, name: str) -> None:
    text = LONG + "q1,s,a,m,1\n" if name == "a.csv" else json.dumps([{"item": "1", "system": "s", "output": "o"}])
    format = "csv" if name == "a.csv" else "jsonl"
    sentence = refused(text.encode(encoding), name, format)
    assert "UTF-16" in sentence
    assert "line 1" in sentence


def test_a_byte_order_mark_is_read_past() -> None:
    assert read(b"\xef\xbb\xbf" + LONG.encode() + b"q1,s,a,m,1\n").items[0].external_id == "q1"
    assert read(b"\xef\xbb\xbf" + lines({"item": "q1", "system": "s", "output": "o"}).encode(), "a.jsonl").outputs


def test_nul_bytes_are_refused() -> None:
    assert "line 3, is a NUL byte" in refused(LONG.encode() + b"q1,s,a,m,1\nq2,s,\0,m,1\n")
    assert "NUL byte" in refused(b'[{"item": "\0"}]', "a.json")


def test_escaped_nul_and_lone_surrogates_are_replaced_with_a_note() -> None:
    raw = '{"item": "q1", "system": "s", "output": "half \\ud83d and \\u0000", "x": {"\\udc00": 1}}\n'
    got = read(raw, "a.jsonl")
    assert got.outputs[0].text == "half \ufffd and \ufffd"
    assert got.outputs[0].raw == {"x": {"\ufffd": 1}}
    assert "lone surrogate" in next(n.why for n in got.notes if n.row == 1)


def test_whole_surrogate_pairs_are_not_touched() -> None:
    got = read('{"item": "q1", "system": "s", "output": "\\ud83d\\udeb2"}\n', "a.jsonl")
    assert got.outputs[0].text == "🚲"
    assert not got.notes


def test_a_surrogate_encoded_as_utf_8_is_refused() -> None:
    assert "is 0xED" in refused(LONG.encode() + b"q1,s,\xed\xa0\x80,m,1\n")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
def test_a_file_over_the_cap_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 200)
    row = {"item": "q1", "system": "s", "output": "o" * 50, "metric": "m", "value": 1}
    data = {
        "a.csv": LONG + "q1,s,aaaaaaaaaaaaaaaaaaaa,m,1\n" * 20,
        "a.jsonl": lines(*[row] * 5),
        "a.json": json.dumps([row] * 5),
        "a.parquet": "PAR1" + "x" * 400,
    }[name]
    assert "larger than 200 bytes" in refused(data, name)


def test_the_cap_is_named_in_mebibytes() -> None:
    assert "100 MiB" in str(limits.too_large("a.csv"))


def test_too_many_rows_and_columns_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROWS", 2)
    rows = "q1,s,a,m,1\nq2,s,a,m,1\n"
    assert len(read(LONG + rows).items) == 2
    assert "more than 2 rows" in refused(LONG + rows + "q3,s,a,m,1\n")
    monkeypatch.setattr(limits, "MAX_COLUMNS", 4)
    assert "5 columns" in refused(LONG + rows)
    assert "5 keys" in refused(lines(dict.fromkeys("abcde", 1)), "a.jsonl")


def test_too_many_different_keys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_COLUMNS", 10)
    rows = [{"item": str(n), "system": "s", "output": "o"} for n in range(200)]
    rows += [{"item": f"x{n}", "system": "s", "output": "o", f"key{n}": 1} for n in range(11)]
    assert "more than 10 different keys" in refused(lines(*rows), "a.jsonl")


def test_a_cell_over_the_cap_is_refused_with_row_and_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CELL_CHARS", 100)
    assert "row 3: A cell has more than 100" in refused(LONG + "q1,s,a,m,1\nq2,s," + "x" * 101 + ",m,1\n")
    row = {"item": "q1", "system": "s", "output": "x" * 101}
    assert "row 1, column output" in refused(lines(row), "a.jsonl")


def test_a_cell_larger_than_the_csv_modules_own_limit_is_read() -> None:
    assert len(read(LONG + f"q1,s,{'x' * 200_000},m,1\n").outputs[0].text or "") == 200_000


def test_a_line_over_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_LINE_BYTES", 64)
    assert "row 2: The line is longer" in refused(LONG + "," * 100)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"evalId": "e", "results": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'[{"item": "q", "system": "s", "output": ' + b"[" * 10_000 + b"]" * 10_000 + b"}]",
    ],
)
def test_json_10_000_deep_is_refused_at_once(data: bytes) -> None:
    started = time.process_time()
    assert "more than 200 levels deep" in refused(data, "a.json")
    assert time.process_time() - started < 1


def test_a_deep_row_after_good_ones_is_skipped_by_row() -> None:
    good = lines({"item": "q1", "system": "s", "output": "o"})
    got = read(good + '{"item":' + "[" * 10_000 + "]" * 10_000 + "}\n", "a.jsonl")
    assert [(p.row, "levels deep" in p.why) for p in got.skipped] == [(2, True)]


def test_brackets_within_texts_do_not_count_as_depth() -> None:
    text = '"' + "[{\\" * 5_000
    got = read(lines({"item": "q1", "system": "s", "output": text}), "a.jsonl")
    assert got.outputs[0].text == text
    assert read(json.dumps([{"item": "q1", "system": "s", "output": text}]), "a.json").outputs[0].text == text


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"' + b'\\"' * 300_000 + b"[{" * 300,
        b'[{"a":"' + b'\\"' * 300_000,
        b'{"evalId": "e", "results": {"results": [' + b"{}," * 300 + b'"' + b'\\"' * 300_000,
        b'{"evalId": "e", "results":' + b"a" * 500_000,
    ],
)
def test_crafted_texts_take_linear_time(data: bytes) -> None:
    """Quadratic scanning of these takes minutes."""
    started = time.process_time()
    refused(data, "a.json")
    assert time.process_time() - started < 5


def test_numbers_of_thousands_of_digits_are_reported() -> None:
    good = lines({"item": "q1", "system": "s", "output": "o"})
    got = read(good + '{"item": "q2", "system": "s", "output": ' + "9" * 5_000 + "}\n", "a.jsonl")
    assert "too long to read" in got.skipped[0].why


def test_an_unknown_format_lists_the_accepted_ones() -> None:
    sentence = refused(b"\x7fELF something", "a.bin")
    assert all(f"({key})" in sentence for key in ("promptfoo", "csv", "jsonl", "parquet"))
    assert "spreadsheet" in refused(b"PK\x03\x04rest", "a.xlsx")
    assert f"accepted: auto, {', '.join(IMPORTERS)}" in refused("x", "a.csv", "excel")


def test_a_stream_that_cannot_seek_is_read() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError("not seekable")

    key, found = read_file(Pipe((LONG + "q1,s,a,m,1\n").encode()), "a.csv")
    assert key == "csv"
    assert len(list(found)) == 4


def test_strict_reading_refuses_what_would_be_skipped() -> None:
    rows = read_rows(io.BytesIO(b"a,b\n1,2\n1,2,3\n"), "a.csv")
    assert next(rows) == (2, {"a": "1", "b": "2"})
    with pytest.raises(ImportFileError, match="a.csv, row 3: The row has 3 cells"):
        next(rows)


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 "])
def test_an_image_is_told_where_it_belongs(head: bytes) -> None:
    assert "added on the page Items" in refused(head + b"\0" * 40, "kite.png")
