"""The report as one file that needs nothing else: no script, no outside reference, light and dark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from analytics.digests import short
from analytics.models import Report
from analytics.report_page import page_of

SHEETS = ("tokens.css", "base.css", "components.css", "report.css")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def report_context(report: Report, places: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What `_report.html` shows, on the page and in the file; only the page knows `places` to link to."""
    return {
        "page": page_of(report.body, places),
        "number": report.number,
        "built_at": report.built_at,
        "digest": short(report.digest),
        "full_digest": report.digest,
    }


def report_html(report: Report) -> str:
    return render_to_string("analytics/report_file.html", {**report_context(report), "styles": _styles()})


def _styles() -> SafeString:
    """Our own style sheets. They come from the installation, never from a person."""
    texts = []
    for name in SHEETS:
        path = finders.find(f"css/{name}")
        if path is None:
            raise FileNotFoundError(f"The style sheet {name} is missing from the installation.")
        with open(path, encoding="utf-8") as file:
            texts.append(_COMMENT.sub("", file.read()))
    return mark_safe(f"<style>{''.join(texts)}</style>")  # noqa: S308 - our own files, no input in them
