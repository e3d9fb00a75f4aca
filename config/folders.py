"""Folders that are there for a while."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def private_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder that only its owner may read, and that goes with the block.

    Its name is chosen before it is made, so that Ctrl-C leaves nothing whenever it comes: tempfile's own tells the
    name only after the folder is there."""
    folder = parent / f"{prefix}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _to_the_end(lambda: shutil.rmtree(folder, ignore_errors=True))


@contextmanager
def made_if_missing(folder: Path) -> Iterator[None]:
    """`folder` and those above it; the ones made here that hold nothing at the end of the block go again."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        _to_the_end(lambda: _remove_empty(missing))


def _remove_empty(folders: Sequence[Path]) -> None:
    for each in folders:  # the innermost first
        with suppress(OSError):
            each.rmdir()


def _to_the_end(clear: Callable[[], None]) -> None:
    """Ctrl-C may also come while things are cleared away: then they are cleared away all the same."""
    try:
        clear()
    finally:
        clear()
