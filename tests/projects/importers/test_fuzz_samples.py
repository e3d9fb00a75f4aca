"""Real files of every tool, damaged at random for a minute each: records or a refusal, and nothing else comes out."""

from __future__ import annotations

import io
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from projects.importers import ImportFileError, read_file
from tests.projects.importers import test_langfuse
from tests.projects.importers.archives import zipped
from tests.projects.importers.helpers import SAMPLES, lines

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
TOKENS = (
    b"null",
    b"NaN",
    b"-1",
    b'""',
    b"{}",
    b"[]",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"1e999",
    b"True",
    b"\n",
    b'"',
    b"9" * 40,
)
LARGEST = 200_000

TOOLS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir()) if SAMPLES.exists() else []


def damaged(data: bytes, draw: random.Random) -> bytes:
    content = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(content) + 1)
        length = draw.choice((1, 2, 8, 64, 512))
        match draw.randrange(5):
            case 0:
                del content[at : at + length]
            case 1:
                content[at:at] = draw.choice(TOKENS)
            case 2:
                content[at : at + length] = draw.choice(TOKENS)
            case 3:
                other = draw.randrange(len(content) + 1)
                content[at:at] = content[other : other + length]
            case _:
                content = content[:at] if draw.random() < 0.2 else content
    return bytes(content)


def files_of(tool: str) -> Iterator[Path]:
    for path in sorted((SAMPLES / tool).rglob("*")):
        if path.is_file() and path.name != "SOURCE.md" and path.stat().st_size < LARGEST:
            yield path


def made() -> dict[str, list[tuple[str, bytes]]]:
    """Of the formats that no tool's file is at hand for, by hand."""
    table = [{"item": "q1", "prompt": "May I?", "system": "a", "output": "No.", "metric": "m", "value": n, "tag": "x"}
             for n in range(4)]  # fmt: skip
    cells = [list(table[0]), *([str(cell) for cell in row.values()] for row in table)]
    csv = "\n".join(map(",".join, cells)).encode()
    pq.write_table(pa.Table.from_pylist(table), packed := io.BytesIO(), compression="NONE")
    trace = {"trace": test_langfuse.trace(scores=[test_langfuse.score()]),
             "observations": [test_langfuse.observation()]}  # fmt: skip
    said = [{"role": "user", "content": "May I?"}, {"role": "assistant", "content": "No."}]
    vote = {"question_id": 1, "model_a": "a", "model_b": "b", "winner": "tie", "judge": "j", "conversation_a": said}
    return {
        "csv": [("t.csv", csv), ("t.tsv", csv.replace(b",", b"\t"))],
        "jsonl": [("t.jsonl", lines(*table).encode()), ("t.json", json.dumps(table).encode())],
        "parquet": [("t.parquet", packed.getvalue())],
        "arena": [("votes.jsonl", lines(vote, vote).encode())],
        "zip": [("t.zip", zipped({"t.csv": csv, "scores/s.jsonl": lines(test_langfuse.score())}))],
        "langfuse": [
            ("scores.jsonl", lines(test_langfuse.score(), test_langfuse.score(dataType="BOOLEAN", value=1)).encode()),
            ("observations.jsonl", lines(test_langfuse.observation()).encode()),
            ("trace.json", json.dumps(trace, indent=2).encode()),
            ("page.json", json.dumps({"data": [test_langfuse.trace()], "meta": {"page": 1}}).encode()),
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize("tool", [*TOOLS, *made()])
def test_damaged_files_are_read_or_refused(tool: str) -> None:
    files = made().get(tool) or [(path.name, path.read_bytes()) for path in files_of(tool)]
    seed = random.SystemRandom().randrange(2**32)
    draw, until, tried = random.Random(seed), time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        name, data = draw.choice(files)
        content = damaged(data, draw)
        tried += 1
        try:
            _, records = read_file(io.BytesIO(content), name, "auto", {"system": "a", "system_b": "b"})
            for _ in records:
                pass
        except ImportFileError as error:
            if not str(error).startswith(name):
                pytest.fail(f"{error} (seed {seed}, try {tried})")
        except Exception as error:
            kept = Path(os.environ.get("FUZZ_KEEP", ".")) / f"damaged-{tool}-{seed}-{tried}"
            if "FUZZ_KEEP" in os.environ:
                kept.write_bytes(content)
            raise AssertionError(f"{name}, damaged (seed {seed}, try {tried})") from error
    assert tried
