"""An export as one download: the file itself, or a ZIP of several."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from django.http import FileResponse

from annotation.exporters.back import BACK
from annotation.exporters.back.answers import Choice
from annotation.exporters.files import export_round
from annotation.models import Round

_TYPES = {".json": "application/json", ".jsonl": "application/jsonl", ".zip": "application/zip"}


def download(*, round: Round, kind: str, choice: Choice) -> FileResponse:
    """Built whole before the first byte leaves, so that nobody saves half a file. Raises ServiceError."""
    with tempfile.TemporaryDirectory() as folder:
        made = export_round(round=round, formats=[kind], out=Path(folder), choice=choice)
        whole: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
        try:
            if len(made.files) == 1:
                suffix = made.files[0].suffix
                with made.files[0].open("rb") as file:
                    shutil.copyfileobj(file, whole)
            else:
                suffix = ".zip"
                _zip(made.files, whole)
        except BaseException:
            whole.close()
            raise
    whole.seek(0)
    name = f"{round.project.slug}-{round.slug}-{kind.replace('_', '-')}{suffix}"
    response = FileResponse(whole, as_attachment=True, filename=name, content_type=_TYPES[suffix])
    if kind in BACK:
        response["Records"] = str(sum(each.records for each in made.written))
        response["Left-Out"] = str(sum(sum(each.left_out.values()) for each in made.written))
    return response


def _zip(files: list[Path], into: IO[bytes]) -> None:
    """Without times, so that the same data give the same bytes."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            info = zipfile.ZipInfo(path.name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(info, "w") as entry:
                shutil.copyfileobj(source, entry)
