"""ZIP archives are hostile until shown otherwise: each bound, before and while reading."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import pytest

from projects.importers import ImportFileError, limits, read_file
from projects.importers.archive import Archive
from tests.projects.importers.archives import zipped, zstandard_zip
from tests.projects.importers.helpers import read, refused

GOOD = "item,system,output\nq,s,o\n"


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data), "a.zip")


def why(data: bytes) -> str:
    with pytest.raises(ImportFileError) as caught:
        opened(data)
    return str(caught.value)


def unread(data: bytes, entry: str = "a.csv") -> str:
    with pytest.raises(ImportFileError) as caught:
        opened(data).read(entry)
    return str(caught.value)


@pytest.mark.parametrize("data", [zipped({"a.csv": GOOD}), zipped({"a.csv": GOOD}, zipfile.ZIP_STORED),
                                  zstandard_zip({"a.csv": GOOD})])  # fmt: skip
def test_stored_deflated_and_zstandard(data: bytes) -> None:
    assert opened(data).read("a.csv") == GOOD.encode()


@pytest.mark.parametrize(
    "name", ["../a.csv", "/a.csv", "a/../../b.csv", "C:/a.csv", "a\\..\\b.csv", "a\nb.csv", "x" * 301]
)
def test_names_that_lead_elsewhere(name: str) -> None:
    assert "accepted are names within the archive" in why(zstandard_zip({name: GOOD}))


def test_a_file_without_a_name() -> None:
    data = bytearray(zipped({"a.csv": GOOD}))
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 28 : entry + 34] = struct.pack("<HHH", 0, 0, 5)  # what was its name is a comment now
    assert "accepted are names within the archive" in why(bytes(data))


def test_more_files_than_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({f"{n}.csv": GOOD for n in range(4)})
    monkeypatch.setattr(limits, "MAX_ENTRIES", 3)
    assert "more than 3 files" in why(data)
    lying = bytearray(data)  # the count says 1; the table of contents is as long as it is
    at = lying.rfind(b"PK\x05\x06")
    lying[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    assert "more than 3 files" in why(bytes(lying))


def test_a_long_table_of_contents_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_it(*args: object) -> None:
        raise AssertionError("the table of contents was read")

    data = zipped({f"{n}.csv": GOOD for n in range(4)})
    monkeypatch.setattr(limits, "MAX_ENTRIES", 3)
    monkeypatch.setattr(zipfile, "ZipFile", read_it)
    assert "more than 3 files" in why(data)


def test_files_that_unpack_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({"a.csv": "x" * 600, "b.csv": "y" * 600})
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1000)
    assert "unpacks to more than 1,000 bytes" in why(data)
    monkeypatch.setattr(limits, "MAX_BYTES", 500)
    assert "unpacks to more than 500 bytes" in why(data)


def test_a_file_that_unpacks_to_many_times_its_size() -> None:
    assert "200 times its size" in why(zipped({"a.csv": b"\0" * 3_000_000}))
    assert "200 times its size" in why(zstandard_zip({"a.csv": b"\0" * 3_000_000}))


@pytest.mark.parametrize("size", [5, 5_000_000])
def test_an_entry_that_lies_about_its_size(size: int) -> None:
    body = bytes(range(256)) * 200  # packs badly, so the ratio is not what refuses it
    assert "damaged" in unread(zstandard_zip({"a.csv": body}, size=min(size, len(body) + 5)))
    assert "damaged" in unread(zstandard_zip({"a.csv": body}, crc=1))


def test_deflated_bytes_that_are_damaged() -> None:
    data = bytearray(zipped({"a.csv": GOOD * 50}))
    data[45] ^= 0xFF
    assert "damaged" in unread(bytes(data))


def test_encrypted_linked_and_strangely_packed_files() -> None:
    data = bytearray(zipped({"a.csv": GOOD}))
    entry = data.rfind(b"PK\x01\x02")
    locked = bytearray(data)
    locked[entry + 8] |= 1
    assert "encrypted" in why(bytes(locked))
    linked = bytearray(data)
    linked[entry + 38 : entry + 42] = struct.pack("<I", 0o120777 << 16)
    assert "is a link" in why(bytes(linked))
    odd = bytearray(data)
    odd[entry + 10] = 97
    assert "accepted: Deflate, Zstandard" in why(bytes(odd))


def test_files_that_overlap() -> None:
    data = bytearray(zipped({"a.csv": GOOD, "b.csv": GOOD}))
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # begins where the first does
    assert "overlap" in why(bytes(data))


def test_the_same_name_twice() -> None:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        archive.writestr("a.csv", GOOD)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", GOOD)
    assert "more than once" in why(found.getvalue())


@pytest.mark.parametrize("cut", range(4, 120, 9))
def test_every_beginning_of_an_archive_is_refused(cut: int) -> None:
    assert refused(zipped({"a.csv": GOOD})[:cut], "a.zip")


def test_a_file_packed_by_gzip_is_unpacked_under_the_same_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read(gzip.compress(GOOD.encode()), "a.csv.gz").outputs) == 1
    assert len(read(zipped({"a.csv.gz": gzip.compress(GOOD.encode())}), "a.zip").outputs) == 1
    assert "damaged" in refused(gzip.compress(GOOD.encode())[:-9], "a.csv.gz")
    assert "200 times its size" in refused(gzip.compress(b"x" * 5_000_000), "a.csv.gz")
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
    assert "unpacks to more than 10 bytes" in refused(gzip.compress(GOOD.encode()), "a.csv.gz")


def test_a_spreadsheet_says_what_to_do() -> None:
    assert "save the sheet as CSV" in refused(zipped({"[Content_Types].xml": "<x/>"}), "a.xlsx")


def test_an_archive_of_one_table() -> None:
    got = read(zipped({"data/a.csv": GOOD, "__MACOSX/data/._a.csv": b"\0\5", ".DS_Store": "x"}), "a.zip")
    assert (got.key, len(got.outputs), [n.why for n in got.notes]) == ("zip", 1, ["1 file read as csv."])


def test_what_is_of_no_known_format_is_named_and_the_rest_read() -> None:
    got = read(
        zipped({"a.csv": GOOD, "b.bin": b"\1\2\3", "c.json": '{"no": 1}', "in.zip": zipped({"x.csv": GOOD})}), "a.zip"
    )
    assert len(got.outputs) == 1
    assert "a.zip/b.bin, a.zip/in.zip" in got.notes[1].why
    assert [(p.where, "column is missing" in p.why) for p in got.skipped] == [("a.zip/c.json", True)]


def test_an_archive_without_anything_to_read_is_refused() -> None:
    assert "format known here" in refused(zipped({"b.bin": b"\1\2"}), "a.zip")
    assert "it is empty" in refused(zipped({}), "a.zip")
    assert "column is missing" in refused(zipped({"c.json": '{"no": 1}'}), "a.zip")


def test_a_damaged_file_of_a_known_tool_refuses_the_whole() -> None:
    broken = '{"evalId": "e", "results": {"results": [{"gradingResult": '
    with pytest.raises(ImportFileError, match=r"a\.zip/p\.json: The JSON ends"):
        read(zipped({"a.csv": GOOD, "p.json": broken}), "a.zip")


def test_a_format_that_is_named_is_that_of_the_files_within() -> None:
    key, found = read_file(io.BytesIO(zipped({"a.txt": GOOD})), "a.zip", "csv")
    assert (key, sum(1 for _ in found) > 3) == ("zip", True)
