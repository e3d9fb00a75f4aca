"""Is a report what its exported ratings give? Recomputed from the files alone and compared, figure by figure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.assembly import FORMAT, ReportOptions, assemble
from analytics.digests import body_json
from analytics.from_export import data_of, info_of
from annotation.exporters.reading import Export
from projects.errors import ServiceError

TOLERANCE = 1e-9
# What says where a report was computed, not what it says.
_ELSEWHERE = ("provenance.packages", "provenance.python")
# What rests on the ratings of two rounds, of which the export has one.
OTHER_ROUND = "earlier"


@dataclass(frozen=True)
class Difference:
    place: str
    reported: Any
    recomputed: Any

    def __str__(self) -> str:
        return f"{self.place}: the report says {_short(self.reported)}, the ratings give {_short(self.recomputed)}."


def read_report(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ServiceError(f"{path}: this file cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ServiceError(f"{path}: this is no JSON ({error}). Accepted: a report.json.") from None
    if not isinstance(body, dict) or body.get("format") != FORMAT or "provenance" not in body:
        raise ServiceError(f"{path}: this is no report. Accepted: a report.json of the format {FORMAT}.")
    return body


def differences(
    body: dict[str, Any], export: Export, progress: Callable[[str, int, int | None], None]
) -> list[Difference]:
    """What the report says and the ratings do not, or the other way round; empty where they are equal to 1e-9."""
    made = body["provenance"]
    options = ReportOptions(made["seed"], made["level"], body.get("final_answers", {}).get("used", False))
    recomputed = assemble(data_of(export, options), info_of(export), progress)
    return list(compared_bodies(body, json.loads(body_json(recomputed))))


def compared_bodies(reported: Any, recomputed: Any, place: str = "") -> Iterator[Difference]:
    if place in _ELSEWHERE or place == OTHER_ROUND:
        return
    if isinstance(reported, dict) and isinstance(recomputed, dict):
        for key in sorted({*reported, *recomputed}):
            inner = f"{place}.{key}" if place else key
            yield from compared_bodies(reported.get(key, _NOTHING), recomputed.get(key, _NOTHING), inner)
    elif isinstance(reported, list) and isinstance(recomputed, list) and len(reported) == len(recomputed):
        for number, pair in enumerate(zip(reported, recomputed, strict=True)):
            yield from compared_bodies(*pair, f"{place}.{number}")
    elif not _equal(reported, recomputed):
        yield Difference(place, reported, recomputed)


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, int | float) and isinstance(b, int | float)):
        return type(a) is type(b) and bool(a == b)
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, _Nothing) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
