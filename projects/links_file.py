"""Links by which people come in, as a table to download."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from django.http import HttpResponse


def links_file(name: str, links: Iterable[tuple[str, str]]) -> HttpResponse:
    """`links`: address and link of each. Nobody keeps a copy on the way, for whoever has a link may use it."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(("email", "link"))
    for email, link in links:
        # A spreadsheet would take such an address for a formula.
        write((f"'{email}" if email[:1] in tuple("=+-@") else email, link))
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    return response
