"""Every figure of a report as one row of a table, under its place in report.json: for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from analytics.digests import body_json
from annotation.exporters.writers import safe_cell

COLUMNS = (
    "figure",
    "value",
    "low",
    "high",
    "level",
    "status",
    "reason",
    "unit",
    "method",
    "n_units",
    "n_clusters",
    "n_raters",
    "n_judgments",
    "p_value",
    "q_value",
    "seed",
    "warnings",
)
_NUMBERS = ("value", "low", "high", "level", "p_value", "q_value")
_NAMED_BY = ("level", "rater", "system", "epsilon", "name")


def rows(body: dict[str, Any]) -> Iterator[list[Any]]:
    """`figure` is the way to the estimate in report.json, such as preference.overall.win_rate.amber.basalt."""
    for place, estimate in estimates(json.loads(body_json(body))):  # keys in one order: each database keeps another
        cells = {**estimate, "figure": place, "warnings": " ".join(estimate["warnings"])}
        yield [cells.get(column) for column in COLUMNS]


def figures_csv(body: dict[str, Any]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows(body))
    return buffer.getvalue()


def figures_parquet(body: dict[str, Any]) -> bytes:
    import pyarrow as pa  # large: loaded only for Parquet
    import pyarrow.parquet as pq

    columns = list(zip(*rows(body), strict=True)) or [()] * len(COLUMNS)
    kinds = [_kind(name, pa) for name in COLUMNS]
    made = [pa.array(cells, type=kind) for cells, kind in zip(columns, kinds, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(made, names=list(COLUMNS)), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _kind(name: str, pa: Any) -> Any:
    if name.startswith("n_") or name == "seed":
        return pa.int64()
    return pa.float64() if name in _NUMBERS else pa.string()


def estimates(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All estimates within, each with its place."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from estimates(each, f"{place}.{_name(each, number)}")
    if not isinstance(value, dict):
        return
    if "n_clusters" in value and "status" in value:
        yield place, value
        return
    for key, each in value.items():
        if place or key != "answer":  # its figures stand in their sections as well
            yield from estimates(each, f"{place}.{key}" if place else key)


def _name(each: Any, number: int) -> str:
    """What an entry of a list is about, or its number."""
    if not isinstance(each, dict):
        return str(number)
    if "system" in each and "other" in each:
        return f"{each['system']}.{each['other']}"
    return next((str(each[key]) for key in _NAMED_BY if key in each), str(number))
