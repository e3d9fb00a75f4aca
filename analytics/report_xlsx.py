"""The report as a workbook: a sheet a section, every figure with its interval and what it counts beside it.

No cell is a formula: a text that a spreadsheet would run is led by an apostrophe, as in the CSV files."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from analytics.digests import body_json
from analytics.models import Report
from analytics.report_table import COLUMNS, estimates
from annotation.exporters.writers import safe_cell

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MAX_CELL = 32_000  # of Excel
# What XML cannot hold, and half characters.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TITLES = {
    "agreement": "Agreement",
    "scores": "Scores",
    "comparisons": "Comparisons",
    "totals": "Totals",
    "preference": "Preference",
    "raters": "Raters",
    "automated": "Metrics",
    "powered": "People and judge together",
    "slices": "Slices",
    "picture": "The whole picture",
}
_WIDTHS = {"figure": 56, "reason": 44, "method": 44, "warnings": 44}


def report_xlsx(report: Report) -> bytes:
    from openpyxl import Workbook  # only who wants a workbook waits for it

    body = json.loads(body_json(report.body))  # keys in one order: each database keeps another
    book = Workbook(write_only=True)
    book.properties.title = cell(f"{body['round']['name']}, report {report.number}")
    book.properties.creator = "Adjudge"
    book.properties.created = book.properties.modified = report.built_at.replace(tzinfo=None)
    _sheet(book, "Answer", ("", ""), _answer(report, body))
    for section, rows in _sections(body).items():
        _sheet(book, _TITLES.get(section, section.capitalize()), COLUMNS, rows)
    _sheet(book, "Method", ("", ""), _method(report, body))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def cell(value: Any) -> Any:
    """Numbers stay numbers; a text is never a formula."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return safe_cell(_UNFIT.sub("\ufffd", str(value)))[:MAX_CELL]


def _sections(body: dict[str, Any]) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    for place, estimate in estimates(body):
        section, _, name = place.partition(".")
        cells = {**estimate, "figure": name, "warnings": " ".join(estimate["warnings"])}
        found.setdefault(section, []).append([cells.get(column) for column in COLUMNS])
    return found


def _answer(report: Report, body: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    yield "Answer", body["answer"]["headline"]
    yield from (("", sentence) for sentence in body["answer"]["lead"])
    for key in ("project", "name", "mode", "state", "n_prompts", "n_items", "n_tasks", "n_raters", "n_judgments"):
        yield key.removeprefix("n_").replace("_", " ").capitalize(), body["round"][key]
    yield "Report", report.number
    yield "Built", f"{report.built_at:%Y-%m-%d %H:%M} UTC"
    yield "Digest", report.digest
    yield from (("Warning", warning) for warning in body["warnings"])


def _method(report: Report, body: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    yield from (("", paragraph) for paragraph in body["method"])
    made = body["provenance"]
    yield from (("Seed", made["seed"]), ("Report", report.digest), ("Data", made["data_digest"]))
    yield "Rubric", made["rubric"]["digest"]
    yield from made["packages"].items()
    yield from (("Command", each) for each in made.get("commands", []))
    yield from ((each["figure"], each["source"]) for each in body.get("references", []))


def _sheet(book: Workbook, title: str, columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    named = any(columns)
    for number, column in enumerate(columns, start=1):
        wide = _WIDTHS.get(column, 14) if named else (18, 110)[number - 1]
        sheet.column_dimensions[get_column_letter(number)].width = wide
    if named:
        sheet.freeze_panes = "B2"
        sheet.append([_bold(WriteOnlyCell(sheet, column), Font(bold=True)) for column in columns])
    for row in rows:
        cells = [WriteOnlyCell(sheet, cell(value)) for value in row]
        if not named:
            cells[-1].alignment = Alignment(wrap_text=True, vertical="top", horizontal="left")
        sheet.append(cells)


def _bold(made: Any, font: Any) -> Any:
    made.font = font
    return made
