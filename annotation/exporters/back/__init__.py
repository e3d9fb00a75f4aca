"""What people said in a round, written back in the forms of other tools. One small module a format.

A format has `TITLE`, `FILE` (its main file), `TAKES` (which answers have a place in it) and
`write(folder, tasks, name)`, which returns how many records it wrote and what was left out, by reason.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from django.utils.translation import gettext

from annotation.exporters.back import arena, dpo, hugging_face, langsmith, mlflow, phoenix, promptfoo
from annotation.exporters.back.answers import Choice, Judged, judged
from annotation.models import Round
from projects.errors import ServiceError

Progress = Callable[[str, int, int | None], None]


class Format(Protocol):
    TITLE: str
    FILE: str
    TAKES: str

    def write(self, folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]: ...


BACK: dict[str, Format] = {
    key: cast(Format, module)
    for key, module in {
        "promptfoo": promptfoo,
        "arena": arena,
        "phoenix": phoenix,
        "mlflow": mlflow,
        "langsmith": langsmith,
        "dpo": dpo,
        "hugging_face": hugging_face,
    }.items()
}


@dataclass(frozen=True, slots=True)
class Written:
    """One format of a round: its files, how many records, and what had no place in it."""

    format: str
    files: tuple[str, ...]
    records: int
    left_out: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"format": self.format, "records": self.records, "left_out": self.left_out}


def files_of(key: str) -> tuple[str, ...]:
    return (hugging_face.FILE, hugging_face.CARD) if key == "hugging_face" else (BACK[key].FILE,)


def write_back(
    folder: Path, *, round: Round, key: str, choice: Choice | None = None, progress: Progress | None = None
) -> Written:
    """Writes into the folder. Raises ServiceError, saying why, where nothing of the round has a place in the format."""
    form = BACK[key]
    tasks = _told(judged(round, choice or Choice()), form.FILE, progress)
    records, left = form.write(folder, tasks, f"{round.project.slug}/{round.slug}")
    if not records:
        reasons = "; ".join(f"{why} ({count:,})" for why, count in left.most_common())
        why = f"Left out: {reasons}." if reasons else "Nobody has answered anything that counts yet."
        raise ServiceError(
            gettext("%(title)s: no answer of this round has a place in it.") % {"title": gettext(form.TITLE)}
            + f" {gettext(form.TAKES)} {why}"
        )
    return Written(key, files_of(key), records, dict(left.most_common()))


def looked_at(*, round: Round, key: str, choice: Choice) -> tuple[Written, str]:
    """What the file would hold: its figures, and its beginning where it is text."""
    with tempfile.TemporaryDirectory() as folder:
        written = write_back(Path(folder), round=round, key=key, choice=choice)
        shown = next((name for name in written.files if not name.endswith(".parquet")), "")
        with (Path(folder) / shown).open(encoding="utf-8") as file:
            return written, file.read(_SHOWN)


_SHOWN = 1500  # characters of the file


def _told(tasks: Iterator[Judged], name: str, progress: Progress | None) -> Iterator[Judged]:
    for count, task in enumerate(tasks):
        if progress and count % 500 == 0:
            progress(f"Writing {name}", count, None)
        yield task
