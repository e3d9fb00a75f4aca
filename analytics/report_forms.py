"""Every form a report is handed out in. All are made of the stored body: none computes a figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse

from analytics.digests import body_json
from analytics.models import Report
from analytics.report_file import report_html
from analytics.report_pdf import report_pdf
from analytics.report_table import figures_csv, figures_parquet
from analytics.report_xlsx import report_xlsx


@dataclass(frozen=True)
class Form:
    key: str  # as `--format` and addresses name it
    title: str
    about: str
    name: str  # of the file
    content_type: str
    make: Callable[[Report], bytes]


def _text(make: Callable[[Report], str]) -> Callable[[Report], bytes]:
    return lambda report: make(report).encode()


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS = {
    form.key: form
    for form in (
        Form("pdf", "PDF", "to print and to send", "report.pdf", "application/pdf", report_pdf),
        Form(
            "html", "Web page", "one file, without a server", "report.html", "text/html; charset=utf-8",
            _text(report_html),
        ),
        Form("xlsx", "Workbook (XLSX)", "a sheet a section", "report.xlsx", _XLSX, report_xlsx),
        Form(
            "json", "JSON", "every figure, for programs", "report.json", "application/json",
            _text(lambda report: body_json(report.body)),
        ),
        Form(
            "csv", "Figures (CSV)", "a row a figure", "figures.csv", "text/csv; charset=utf-8",
            _text(lambda report: figures_csv(report.body)),
        ),
        Form(
            "parquet", "Figures (Parquet)", "a row a figure", "figures.parquet", "application/vnd.apache.parquet",
            lambda report: figures_parquet(report.body),
        ),
    )
}  # fmt: skip


def file_of(report: Report, form: str) -> HttpResponse:
    """One of the forms as a download; its ETag is the digest of what all of them are made of."""
    chosen = FORMS[form]
    response = HttpResponse(chosen.make(report), content_type=chosen.content_type)
    name = f"{report.round.slug}-report-{report.number}.{chosen.name.rpartition('.')[2]}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
