"""The files that belong to the database: media, and uploads that wait for their import.

Not among them: the machine's own key, the log-ins of the demonstration, written mail and logs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from config.backup.archive import Writer
from config.folders import private_folder
from projects.errors import ServiceError


def folders() -> dict[str, Path]:
    return {"media": Path(settings.MEDIA_ROOT), "uploads": Path(settings.DATA_DIR) / "uploads"}


def listed() -> Iterator[tuple[str, Path]]:
    """Each file with its name in an archive; links are not followed."""
    for name, folder in folders().items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield f"{name}/{path.relative_to(folder).as_posix()}", path


def add_all(writer: Writer) -> None:
    """After the database: what it names is then there, unless it was taken away since."""
    for name, path in listed():
        try:
            writer.add(name, path)
        except FileNotFoundError:  # an upload that was imported or cancelled in this moment
            continue


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """A private folder beside what will be replaced, so that a rename puts things in place."""
    parent.mkdir(parents=True, exist_ok=True)
    with private_folder(parent, ".restore-") as folder:
        yield folder


def need_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ServiceError(f"{folder} has {free:,} bytes free, and {size:,} are needed to unpack the archive.")


@contextmanager
def swapped(stage: Path) -> Iterator[None]:
    """Put the staged folders in place of the present ones; if the block fails, put those back."""
    done: list[tuple[Path, Path, Path]] = []
    try:
        for name, place in folders().items():
            new, old = stage / name, stage / f"old-{name}"
            new.mkdir(mode=0o700, exist_ok=True)
            done.append((place, new, old))
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                place.rename(old)
            new.rename(place)
        yield
    except BaseException:
        for place, new, old in reversed(done):
            _put_back(place, new, old)
        raise


def _put_back(place: Path, new: Path, old: Path) -> None:
    """Stopped anywhere between the two renames: whichever has happened is undone."""
    if not new.exists():
        place.rename(new)
    if old.exists():
        old.rename(place)


def give_to_owner(path: Path, model: Path) -> None:
    """Restored by root, the files still belong to the account that runs the service."""
    if os.geteuid() != 0:
        return
    owner = model.stat()
    for each in (path, *path.rglob("*")):
        os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)
