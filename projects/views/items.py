"""What was asked and what was answered. Systems show their names here, so raters never get these pages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from projects import selectors
from projects.access import Action, can, get_project
from projects.forms import ItemFilterForm
from projects.models import Item, ItemRevision, Output, OutputRevision
from projects.rendering import render_output, render_prompt

ITEMS_PER_PAGE = 50
OUTPUTS_PER_PAGE = 20


@login_required
@require_safe
def item_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    form = ItemFilterForm(request.GET, tags=selectors.tags(row))
    # An unknown tag is no error: it finds nothing more than what the address says.
    search, tag = request.GET.get("q", "").strip()[:300], request.GET.get("tag", "")
    found = selectors.items(row, search=search, tag=tag)
    page = Paginator(found, ITEMS_PER_PAGE).get_page(request.GET.get("page"))
    listed = [(item, _asked(item)) for item in page]
    context = {
        "project": row,
        "nav": "items",
        "page": page,
        "listed": listed,
        "form": form,
        "filtered": bool(search or tag),
        "query": _query(search, tag),
        "may_import": can(request.user, Action.IMPORT, row),
    }
    return render(request, "projects/items.html", context)


def _asked(item: Item) -> str:
    revision = next(iter(item.revisions.all()), None)  # prefetched: the current one only
    return selectors.excerpt(revision.messages) if revision else ""


def _query(search: str, tag: str) -> dict[str, str]:
    return {key: value for key, value in (("q", search), ("tag", tag)) if value}


@dataclass(frozen=True)
class ShownOutput:
    output: Output
    current: OutputRevision | None
    html: SafeString
    earlier: list[OutputRevision]


@login_required
@require_safe
def item_detail(request: HttpRequest, project: str, item: int) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    found = get_object_or_404(Item.objects.select_related("batch"), project=row, pk=item)
    revisions = list(found.revisions.order_by("-revision"))
    current = next((revision for revision in revisions if revision.current), None)
    page = Paginator(selectors.item_outputs(found), OUTPUTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": row,
        "nav": "items",
        "item": found,
        "tags": list(found.tags.order_by("tag")),
        "prompt": prompt_html(current) if current else "",
        "choices": _lines(current.choices) if current else [],
        "metadata": json.dumps(found.metadata, indent=2, ensure_ascii=False) if found.metadata else "",
        "revisions": revisions,
        "page": page,
        "shown": [_shown(output) for output in page],
    }
    return render(request, "projects/item.html", context)


def _lines(values: Any) -> list[str]:
    return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values or []]


def prompt_html(revision: ItemRevision) -> SafeString:
    """The stored HTML is what raters may see; the reference answers are added for those who read this page."""
    html = revision.html or render_prompt(revision.messages, _lines(revision.context))
    html += render_prompt([], (), _lines(revision.reference))
    return mark_safe(html)  # noqa: S308 - made and sanitised by projects.rendering, never by a file


def output_html(revision: OutputRevision) -> SafeString:
    html = revision.html or render_output(revision.text, revision.messages)
    return mark_safe(html)  # noqa: S308 - made and sanitised by projects.rendering, never by a file


def _shown(output: Output) -> ShownOutput:
    revisions = list(output.revisions.all())
    current = next((revision for revision in revisions if revision.current), None)
    html = output_html(current) if current else SafeString("")
    return ShownOutput(output, current, html, [r for r in revisions if r is not current])
