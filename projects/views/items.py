"""What was asked and what was answered. Systems show their names here, so raters never get these pages."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_POST, require_safe

from projects import selectors
from projects.access import Action, allowed, get_project, role_of
from projects.errors import ServiceError
from projects.forms import ItemFilterForm
from projects.item_filter import ItemFilter, chosen, read_filter
from projects.models import Item, ItemRevision, ItemTag, Output, OutputRevision, Project
from projects.rendering import render_output, render_prompt
from projects.services.tagging import items_tag, items_untag
from projects.shown_media import Showing
from projects.shown_words import in_readers_words
from projects.views.media import media_address

ITEMS_PER_PAGE = 50
OUTPUTS_PER_PAGE = 20


@login_required
@require_safe
def item_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    asked = read_filter(request.GET)
    more = asked.more or "more" in request.GET
    form = ItemFilterForm(request.GET, tags=selectors.tags(row), more=selectors.filter_choices(row) if more else {})
    # An unknown tag is no error: it finds nothing more than what the address says.
    found = selectors.items(row, asked)
    page = Paginator(found, ITEMS_PER_PAGE).get_page(request.GET.get("page"))
    listed = [(item, _asked(item)) for item in selectors.items_shown(page.object_list)]  # type: ignore[arg-type]
    role = role_of(request.user, row)
    context = {
        "project": row,
        "nav": "items",
        "page": page,
        "listed": listed,
        "form": form,
        "filtered": asked.asks,
        "more": more,
        "asked": asked.query(),
        "may_import": allowed(role, Action.IMPORT),
        "may_run": allowed(role, Action.RUN),
        "tag": asked.tag,
    }
    return render(request, "projects/items.html", context)


def _asked(item: Item) -> str:
    revision = next(iter(item.revisions.all()), None)  # prefetched: the current one only
    return selectors.excerpt(revision.messages) if revision else ""


@login_required
@require_POST
def item_tag(request: HttpRequest, project: str) -> HttpResponse:
    """Put a tag on the items chosen, or on all that were found; or take it off. For more than a page of them it says
    first how many that are."""
    row = get_project(request.user, project, Action.IMPORT)
    post = request.POST
    items, asked = chosen(row, post)
    if "all" in post and "sure" not in post and post.get("name", "").strip() and items.count() > ITEMS_PER_PAGE:
        return _sure(request, row, asked, items)
    name = " ".join(post.get("name", "").split())
    try:
        if post.get("act") == "untag":
            count = items_untag(project=row, items=items, tag=name, actor=request.user)
            said = f"The tag “{name}” was taken off {count:,} {'item' if count == 1 else 'items'}."
        else:
            count = items_tag(project=row, items=items, tag=name, actor=request.user)
            said = f"The tag “{name}” was put on {count:,} {'item' if count == 1 else 'items'}."
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said)
    return redirect(back_to_list(row, asked, post.get("page", "")))


def back_to_list(project: Project, asked: ItemFilter, page: str = "") -> str:
    """The address of the list as it was."""
    query = urlencode(asked.query() | ({"page": page} if page.isdigit() else {}))
    return f"{reverse('projects:items', args=[project.slug])}{'?' if query else ''}{query}"


def _sure(request: HttpRequest, project: Project, asked: ItemFilter, items: QuerySet[Item]) -> HttpResponse:
    name = " ".join(request.POST["name"].split())
    found, have = items.count(), items.filter(Exists(ItemTag.objects.filter(item=OuterRef("pk"), tag=name))).count()
    untag = request.POST.get("act") == "untag"
    context = {
        "project": project,
        "nav": "items",
        "name": name,
        "untag": untag,
        "found": found,
        "changed": have if untag else found - have,
        "asked": asked.query(),
        "back": urlencode(asked.query()),
    }
    return render(request, "projects/items_sure.html", context)


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
    prompt, shown = prompt_html(current) if current else SafeString(""), [_shown(output) for output in page]
    showing = Showing(row.pk, [prompt, *(each.html for each in shown)], lambda media, _: media_address(row, media))
    context = {
        "project": row,
        "nav": "items",
        "item": found,
        "tags": list(found.tags.order_by("tag")),
        "exclusions": list(found.exclusions.select_related("excluded_by").order_by("-pk")),
        "prompt": _placed(showing, prompt),
        "choices": _lines(current.choices) if current else [],
        "metadata": json.dumps(found.metadata, indent=2, ensure_ascii=False) if found.metadata else "",
        "revisions": revisions,
        "page": page,
        "shown": [replace(each, html=_placed(showing, each.html)) for each in shown],
    }
    return render(request, "projects/item.html", context)


def _placed(showing: Showing, html: str) -> SafeString:
    return mark_safe(in_readers_words(showing.html(html)))  # noqa: S308 - as `prompt_html`, with our own elements in it


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
