"""The list of rubrics, a new one, and its YAML."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from projects.access import Action, can, get_project
from projects.errors import Conflict, ServiceError
from projects.forms import add_service_error
from projects.located import load
from projects.models import Project
from rubrics import services
from rubrics.changes import Piece, word_diff
from rubrics.drafts import plain
from rubrics.editor_rows import lines
from rubrics.file_form import FileForm
from rubrics.forms import NewRubricForm, YamlForm, new_criterion
from rubrics.models import Rubric, RubricVersion
from rubrics.rubric_files import rubric_in
from rubrics.schema import rubric_from
from rubrics.selectors import rubrics_of, spec_of
from rubrics.specs import RubricSpec
from rubrics.views import shared
from rubrics.views.desk import whole
from rubrics.yaml_form import yaml_of


@login_required
@require_safe
def rubric_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    rubrics = rubrics_of(row).annotate(n_rounds=Count("versions__rounds", distinct=True)).order_by("name", "id")
    listed = []
    for rubric in rubrics:
        versions = sorted(rubric.versions.all(), key=lambda v: -v.number)
        draft = next((v for v in versions if not v.is_frozen), None)
        published = next((v for v in versions if v.status == RubricVersion.Status.PUBLISHED), None)
        listed.append((rubric, published, draft))
    context = {
        "project": row,
        "nav": "rubrics",
        "tab": "rubrics",
        "listed": listed,
        "may_design": can(request.user, Action.DESIGN, row),
    }
    return render(request, "rubrics/list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.DESIGN)
    if request.method == "POST" and "text" in request.POST:
        return _new_from_yaml(request, row)
    form = NewRubricForm(request.POST or None, initial={"type": "scale"})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        first = new_criterion(given["type"], given["question"])
        spec = RubricSpec(name=given["name"], description=given["description"], criteria=(first,))
        try:
            version = services.rubric_create(project=row, spec=spec, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(request, f"The rubric “{spec.name}” is made, as a draft.")
            return redirect("rubrics:edit", row.slug, version.rubric.slug)
    context = {"project": row, "nav": "rubrics", "form": form, "yaml_form": FileForm(auto_id="yaml_%s")}
    return render(request, "rubrics/new.html", context)


def _new_from_yaml(request: HttpRequest, project: Project) -> HttpResponse:
    """The same rubric as its file says, as a draft; what is refused is said by line and column, and the text stays."""
    form = FileForm(request.POST, request.FILES, auto_id="yaml_%s")
    if form.is_valid():
        try:
            source = load(form.content, form.file_name)
            spec, _ = rubric_in(source)
            version = services.rubric_create(project=project, spec=spec, actor=request.user)
        except ServiceError as error:
            form.add_error("text", error.message)
        except ValidationError as error:
            form.add_error("text", f"YAML: {' '.join(error.messages)}")
        else:
            messages.success(request, f"The rubric “{spec.name}” is made, as a draft.")
            return redirect("rubrics:edit", project.slug, version.rubric.slug)
    new_form = NewRubricForm(initial={"type": "scale"})
    context = {"project": project, "nav": "rubrics", "form": new_form, "yaml_form": form}
    return render(request, "rubrics/new.html", context, status=422)


@login_required
@require_http_methods(["GET", "POST"])
def yaml(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """The draft as a file. What is refused is said by line and column, and the text stays."""
    row = get_project(request.user, project, Action.DESIGN if request.method == "POST" else Action.VIEW)
    found = shared.rubric_of(row, rubric)
    draft = shared.draft_of(found)
    version = draft or shared.newest_of(found)
    text = yaml_of(spec_of(version))
    if request.method == "GET" and "download" in request.GET:
        name = f"{found.slug}-v{version.number}.yaml"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
    form = YamlForm(request.POST or None, initial={"text": text})
    edit, status = version.edit, 200
    pieces: list[Piece] = []
    if request.method == "POST":
        edit, status = whole(request.POST.get("edit")), 422
        if form.is_valid():
            try:
                _save_yaml(request, found, draft, lines(form.cleaned_data["text"]), edit)
            except Conflict:
                form.add_error(None, shared.CHANGED)
                edit, status = version.edit, 409
                pieces = word_diff(text.strip(), lines(form.cleaned_data["text"]))
            except ServiceError as error:
                form.add_error(None if draft is None else "text", error.message)
            except ValidationError as error:
                form.add_error("text", f"YAML: {' '.join(error.messages)}")
            else:
                messages.success(request, "The draft is saved.")
                return redirect("rubrics:yaml", row.slug, found.slug)
    may_design = can(request.user, Action.DESIGN, row)
    context = shared.context_of(
        found, "yaml", version=version, draft=draft, form=form, edit=edit, text=text, may_design=may_design
    )
    context["pieces"] = pieces
    return render(request, "rubrics/yaml.html", context, status=status)


def _save_yaml(request: HttpRequest, rubric: Rubric, draft: RubricVersion | None, text: str, edit: int) -> None:
    if draft is None:
        raise ServiceError(shared.GONE)
    source = load(text, "YAML")
    spec = rubric_from(source, source.value)
    if spec.slug and spec.slug != rubric.slug:
        source.fail(
            ("slug",), f"The slug names this rubric in files and addresses, so it stays “{rubric.slug}”. Leave it out."
        )
    if plain(spec) != plain(spec_of(draft)):
        services.draft_save(version=draft, spec=spec, edit=edit, actor=request.user)
