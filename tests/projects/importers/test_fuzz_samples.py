"""Real files of every tool, damaged at random for a minute each: records or a refusal, and nothing else comes out."""

from __future__ import annotations

import io
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects.importers import ImportFileError, read_file
from tests.projects.importers.helpers import SAMPLES

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


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_damaged_files_are_read_or_refused(tool: str) -> None:
    files = [(path.name, path.read_bytes()) for path in files_of(tool)]
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
