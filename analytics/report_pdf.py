"""The report as a PDF, set by Typst: no system library, nothing fetched, the fonts that come with the package."""

from __future__ import annotations

import json
from pathlib import Path

from analytics.models import Report
from analytics.report_document import document_of
from analytics.report_page import page_of

TEMPLATE = Path(__file__).parent / "printed" / "report.typ"


def report_pdf(report: Report) -> bytes:
    """Fonts of the machine stand in only for letters that the package's own lack."""
    import typst  # large: loaded only for a PDF

    page = page_of(report.body)
    document = document_of(page, number=report.number, built_at=report.built_at, digest=report.digest)
    made: bytes = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        format="pdf",
        sys_inputs={"data": json.dumps(document, ensure_ascii=False)},
        timestamp=int(report.built_at.timestamp()),
    )
    return made
