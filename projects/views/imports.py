"""Import in the browser: a file is looked at, shown, and written only when a person confirms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.forms_import import FormatForm, UploadForm
from projects.importers import GENERIC, IMPORTERS, limits
from projects.models import ImportBatch, ImportMapping, Project
from projects.services.checking import FORMAT as CHECKS
from projects.services.import_preview import role_choices
from projects.services.import_templates import mapping_delete, mapping_rename, mapping_save, template_for
from projects.services.import_uploads import upload_cancel, upload_confirm, upload_create, upload_map
from projects.templatetags.numbers import number, times

LISTED = 50
ROWS_NAMED = 8
NAMED = ("system", "system_b", "metric")  # what a person says where the file does not
State = ImportBatch.State


@login_required
@require_http_methods(["GET", "POST"])
def import_upload(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.IMPORT)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        try:
            batch = upload_create(
                project=row,
                file=form.cleaned_data["file"],
                format=form.cleaned_data["format"] or "auto",
                actor=request.user,
            )
        except ServiceError as error:
            add_service_error(form, error)
        else:
            return redirect("projects:import_preview", row.slug, batch.pk)
    context = {
        "project": row,
        "nav": "import",
        "form": form,
        "batches": ImportBatch.objects.filter(project=row).exclude(format=CHECKS).select_related("created_by")[:LISTED],
        "formats": [importer.title for importer in IMPORTERS.values()],
        "largest": limits.MAX_BYTES,
        "mappings": ImportMapping.objects.filter(project=row).select_related("created_by"),
    }
    return render(request, "projects/import.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def import_preview(request: HttpRequest, project: str, batch: int) -> HttpResponse:
    row = get_project(request.user, project, Action.IMPORT)
    batches = ImportBatch.objects.exclude(format=CHECKS).select_related("project", "created_by")
    found = get_object_or_404(batches, project=row, pk=batch)
    if request.method == "POST":
        try:
            return _act(request, row, found)
        except ServiceError as error:
            messages.error(request, error.message)
            return redirect(request.path)
    if request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        if found.state != State.RUNNING:
            return HttpResponseClientRefresh()
        return render(request, "projects/_import_progress.html", {"project": row, "batch": found})
    return render(request, "projects/import_preview.html", _context(row, found))


def _act(request: HttpRequest, project: Project, batch: ImportBatch) -> HttpResponse:
    here = redirect("projects:import_preview", project.slug, batch.pk)
    match request.POST.get("action"):
        case "cancel":
            upload_cancel(batch=batch)
            messages.success(request, f"{batch.file_name} was not imported.")
            return redirect("projects:import", project.slug)
        case "import":
            _confirm(request, batch)
            return here
        case "format":
            form = FormatForm(request.POST)
            if not form.is_valid():
                raise ServiceError("Choose one of the formats in the list.")
            upload_map(batch=batch, format=form.cleaned_data["format"], chosen={}, defaults={})
            return here
        case "map":
            upload_map(batch=batch, format="", chosen=_chosen(request, batch), defaults=_defaults(request))
            return here
        case "like":
            if (like := template_for(batch)) is None:
                raise ServiceError("The import whose columns were to be taken is not there any more.")
            upload_map(batch=batch, format="", chosen=like.columns, defaults=like.defaults)
            messages.success(request, f"The columns are read as in {like.title}.")
            return here
        case "use":
            chosen = request.POST.get("mapping", "")
            saved = ImportMapping.objects.filter(project=project, pk=int(chosen) if chosen.isdecimal() else 0).first()
            if saved is None:
                raise ServiceError("Choose one of the saved mappings in the list.")
            upload_map(batch=batch, format="", chosen=saved.columns, defaults=saved.defaults)
            messages.success(request, f"The columns are read by the mapping “{saved.name}”.")
            return here
        case "keep":
            _keep(request, batch)
            return here
        case "name":
            if not (given := _defaults(request)):
                raise ServiceError("Say what the system that answered is called.")
            upload_map(batch=batch, format="", chosen={}, defaults=given)
            return here
    raise ServiceError("The page sent nothing we know. Load it again and choose one of its buttons.")


def _confirm(request: HttpRequest, batch: ImportBatch) -> None:
    """Import what the page showed. Columns changed since then are read and shown first."""
    roles = {each["column"]: each["role"] for each in batch.mapping.get("fields", [])}
    chosen, shown = _chosen(request, batch), _saved_defaults(batch)
    if chosen and ({**roles, **chosen} != roles or _defaults(request) != shown):
        upload_map(batch=batch, format="", chosen=chosen, defaults=_defaults(request))
        messages.warning(request, "You changed how the columns are read. Look at the result, then import.")
    elif upload_confirm(batch=batch, actor=request.user, answers=request.POST) is not None:
        messages.success(request, f"{batch.file_name} is imported.")


def _keep(request: HttpRequest, batch: ImportBatch) -> None:
    """Save how the columns are read under a name; what was changed on the page since then is read first."""
    chosen, defaults = _chosen(request, batch), _defaults(request)
    roles = {each["column"]: each["role"] for each in batch.mapping.get("fields", [])}
    if {**roles, **chosen} != roles or defaults != _saved_defaults(batch):
        upload_map(batch=batch, format="", chosen=chosen, defaults=defaults)
    saved = mapping_save(batch=batch, name=request.POST.get("mapping_name", ""), chosen=chosen, defaults=defaults,
                         actor=request.user)  # fmt: skip
    messages.success(request, f"The mapping “{saved.name}” is saved, for the next table with such columns.")


@login_required
@require_POST
def import_mapping(request: HttpRequest, project: str, mapping: int) -> HttpResponse:
    """Another name for a saved mapping, or its end."""
    row = get_project(request.user, project, Action.IMPORT)
    found = get_object_or_404(ImportMapping.objects.select_related("project"), project=row, pk=mapping)
    try:
        if request.POST.get("action") == "delete":
            mapping_delete(mapping=found, actor=request.user)
            messages.success(request, f"The mapping “{found.name}” is deleted. What was imported with it stays.")
        else:
            mapping_rename(mapping=found, name=request.POST.get("mapping_name", ""), actor=request.user)
            messages.success(request, "The mapping has its new name.")
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("projects:import", row.slug)


def _chosen(request: HttpRequest, batch: ImportBatch) -> dict[str, str]:
    """The role chosen for each column; columns are named by their place, for names may hold anything."""
    columns = [each["column"] for each in batch.mapping.get("fields", [])]
    given = {column: request.POST.get(f"role-{place}") for place, column in enumerate(columns)}
    return {column: role for column, role in given.items() if role}


def _defaults(request: HttpRequest) -> dict[str, str]:
    found = {name: request.POST.get(name, "").strip()[:150] for name in NAMED}
    return {name: value for name, value in found.items() if value}


def _saved_defaults(batch: ImportBatch) -> dict[str, str]:
    options = batch.mapping.get("options", {})
    saved = options.get("mapping", {}).get("options", {}) or options
    return {name: saved[name] for name in NAMED if saved.get(name)}


def _context(project: Project, batch: ImportBatch) -> dict[str, Any]:
    mapping = batch.mapping
    return {
        "project": project,
        "nav": "import",
        "batch": batch,
        "counts": batch.counts,
        "title": IMPORTERS[batch.format].title if batch.format in IMPORTERS else batch.format,
        "fields": mapping.get("fields", []),
        "questions": mapping.get("questions", []) if batch.state == State.PREVIEW else [],
        "like": template_for(batch) if batch.state == State.PREVIEW else None,
        "mapped": batch.format in GENERIC,
        "mappings": ImportMapping.objects.filter(project=project) if batch.format in GENERIC else [],
        "roles": role_choices(),
        "defaults": _saved_defaults(batch),
        "error": mapping.get("error", ""),
        "nothing": mapping.get("nothing", False),
        "button": button_words(batch.counts),
        "format_form": FormatForm(initial={"format": batch.format}),
        "groups": grouped(batch.problems),
    }


def button_words(counts: dict[str, Any]) -> str:
    """“Import 118 items and 474 outputs”: what is new; else what changes."""
    new, changed = counts.get("new", {}), counts.get("changed", {})
    words = [("items", "item,items"), ("outputs", "output,outputs"), ("scores", "score,scores")]
    named = [times(new[kind], word) for kind, word in words if new.get(kind)]
    if not named:
        total = sum(changed.values())
        return f"Import {times(total, 'change,changes')}" if total else "Import"
    return f"Import {', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else f"Import {named[0]}"


@dataclass
class ProblemGroup:
    """Problems that differ only in what they name."""

    why: str
    skipped: bool
    count: int = 0
    places: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        more = self.count - len(self.places)
        return ", ".join(self.places) + (f" and {number(more)} more" if more else "")


def grouped(problems: list[dict[str, Any]]) -> list[ProblemGroup]:
    found: dict[tuple[str, str], ProblemGroup] = {}
    for problem in problems:
        # What stands in quotes, and numbers, differ from row to row.
        pattern = re.sub(r"'[^']*'|“[^”]*”|\d[\d.,]*", "…", problem["why"])
        key = (problem["severity"], pattern + problem["column"])
        group = found.setdefault(key, ProblemGroup(problem["why"], problem["severity"] == "skipped"))
        group.count += 1
        if len(group.places) < ROWS_NAMED:
            _, _, place = problem["where"].partition(", ")
            group.places.append(str(problem["row"]) if problem["row"] is not None else place or "The file")
    return list(found.values())
