"""Files larger than memory should hold: what comes of them is what comes of a small file, part by part."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from projects import audit
from projects.errors import ServiceError
from projects.importers import limits
from projects.models import AutomatedScore, ImportBatch, Item, ItemRevision, Output, OutputRevision, Project
from projects.services import import_parts, import_write
from projects.services.importing import ImportResult, Upload, import_files
from tests.factories import project_factory

pytestmark = pytest.mark.django_db
ROWS = 24


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    monkeypatch.setattr(import_parts, "PART_RECORDS", 7)


def rows() -> list[dict[str, Any]]:
    """Long: an output over two rows that are far apart, the second with another score."""
    first = [{"item": f"q{n // 2}", "prompt": f"Question {n // 2}?", "system": "ab"[n % 2], "output": f"Answer {n}.",
              "metric": "m", "value": n} for n in range(ROWS)]  # fmt: skip
    return [*first, *({**row, "metric": "k", "value": None if row["value"] == 3 else 1} for row in first)]


def table() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows()).encode()


def run(project: Project, data: bytes, name: str = "large.jsonl", *more: Upload) -> ImportResult:
    return import_files(project=project, uploads=[Upload(io.BytesIO(data), name), *more])[0]


def stored(project: Project) -> list[Any]:
    scores = AutomatedScore.objects.filter(metric__project=project)
    return [
        sorted(ItemRevision.objects.filter(item__project=project).values_list("item__external_id", "digest", "html")),
        sorted(OutputRevision.objects.filter(output__item__project=project).values_list("digest", "html", "revision")),
        sorted(scores.values_list("metric__key", "key", "number", "missing_reason"), key=str),
    ]


@pytest.mark.parametrize(
    "name",
    ["large.jsonl", *(pytest.param(each, marks=pytest.mark.slow) for each in ("large.csv", "large.parquet"))],
)
def test_a_file_in_parts_brings_what_it_brings_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, frame = table(), pa.Table.from_pylist(rows())
    if name.endswith("csv"):
        cells = [[str("" if cell is None else cell) for cell in row.values()] for row in rows()]
        data = "\n".join(map(",".join, [list(rows()[0]), *cells])).encode()
    elif name.endswith("parquet"):
        pq.write_table(frame, made := io.BytesIO(), row_group_size=10)
        data = made.getvalue()
    parted, whole = project_factory("Parted"), project_factory("Whole")
    found = run(parted, data, name)
    monkeypatch.setattr(limits, "MAX_BYTES", 10**8)
    expected = run(whole, data, name)
    assert (found.counts, found.new, found.changed) == (expected.counts, expected.new, expected.changed)
    assert found.counts == {"items": ROWS // 2, "systems": 2, "outputs": ROWS, "scores": 2 * ROWS, "judgments": 0}
    assert stored(parted) == stored(whole)
    assert {each.why for each in found.problems} == {each.why for each in expected.problems}
    (batch,) = ImportBatch.objects.filter(project=parted)
    wanted = ImportBatch.objects.get(project=whole)
    assert (batch.state, batch.counts, batch.file_digest) == ("done", wanted.counts, wanted.file_digest)
    audit.verify(parted)


def test_the_same_file_again_changes_nothing() -> None:
    project = project_factory()
    run(project, table())
    before = stored(project)
    again = run(project, table())
    assert (again.batch, set(again.new.values()), set(again.changed.values())) == (None, {0}, {0})
    assert (stored(project), ImportBatch.objects.count()) == (before, 1)


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (table() + b"\xff", "a.jsonl", "is not UTF-8"),
        (b'{"a": 1}\n' * 200, "a.jsonl", "a.jsonl"),
        (
            b'{"model_a": "a", "model_b": "b", "winner": "a", "question_id": 1}\n' * 30,
            "a.jsonl",
            "only tables of CSV, JSON Lines and",
        ),
        (b"[" + table()[:-1].replace(b"\n", b",") + b"]", "a.json", "larger than 1,000 bytes"),
    ],
)
def test_what_refuses_a_file_refuses_it_before_anything_is_written(data: bytes, name: str, sentence: str) -> None:
    with pytest.raises(ServiceError, match=sentence):
        run(project_factory(), data, name)
    assert not ImportBatch.objects.exists()
    assert not Item.objects.exists()


def test_a_large_file_comes_alone() -> None:
    with pytest.raises(ServiceError, match=r"large\.jsonl: .*without the other files\.$"):
        run(project_factory(), table(), "large.jsonl", Upload(io.BytesIO(b"item,system,output\nq,a,x\n"), "small.csv"))
    assert not Item.objects.exists()


def test_one_that_is_stopped_keeps_its_parts_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    project, calls = project_factory(), iter(range(100))

    def stopped(*given: Any) -> None:
        if next(calls) == 3:
            raise KeyboardInterrupt
        import_write.send(*given)

    with monkeypatch.context() as patch:
        patch.setattr(import_parts, "send", stopped)
        with pytest.raises(KeyboardInterrupt, match="importing the same file again adds the rest"):
            run(project, table())
    half = Output.objects.count()
    batch = ImportBatch.objects.get()
    assert 0 < half < ROWS
    assert (batch.state, batch.problems[0]["why"]) == ("failed", import_parts.UNFINISHED)
    found = run(project, table())
    assert (found.counts["outputs"], found.new["outputs"]) == (ROWS, ROWS - half)
    whole = project_factory("Whole")
    run(whole, table())
    assert stored(project) == stored(whole)
