"""Files that appear together or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.folders import made_if_missing, private_folder
from config.stopping import point_of_no_return
from projects.errors import ServiceError


@contextmanager
def staged(out: Path, names: Iterable[str]) -> Iterator[Path]:
    """A folder inside `out` to write `names` into; they move to `out` when all of them are there.

    The move is a rename within one file system, so nobody ever reads half a file. Folders that had to be made go
    away again when the work does not come to its end."""
    if out.exists() and not out.is_dir():
        raise ServiceError(f"{out} is a file. Name a folder to write into.")
    for path in (out / name for name in names):
        if path.is_dir():
            raise ServiceError(f"{path} is a folder, where a file of this name is to be written. Name another folder.")
    begun = False
    try:
        with made_if_missing(out), private_folder(out, ".writing-") as folder:
            begun = True
            yield folder
            point_of_no_return()
            for path in sorted(folder.iterdir()):
                path.replace(out / path.name)
    except OSError as error:
        what = "the files" if begun else "this folder"
        raise ServiceError(f"{out}: {what} cannot be written: {error.strerror}.") from error
