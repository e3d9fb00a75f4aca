"""A published version elsewhere: as a draft of another project, or as the prompt of an LLM judge."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from projects.access import Action, can, get_project, may_share, visible_projects
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.templatetags.numbers import times
from rubrics import services
from rubrics.copy_form import CopyForm, ShareForm
from rubrics.judge_import import judge_answers_import
from rubrics.judge_prompts import FORMS, written
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.views import shared


def _frozen(request: HttpRequest, project: str, rubric: str, number: int, action: Action) -> RubricVersion:
    row = get_project(request.user, project, action)
    found = shared.rubric_of(row, rubric)
    one = get_object_or_404(found.versions.select_related("rubric__project"), number=number)
    if not one.is_frozen:
        raise Http404("A draft may still change, so it goes nowhere else.")
    return one


@login_required
@require_http_methods(["GET", "POST"])
def copy(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    """Into another project that the person designs, or as a second rubric of this one."""
    one = _frozen(request, project, rubric, number, Action.DESIGN)
    targets = visible_projects(request.user, Action.DESIGN).order_by("name", "id")
    form = CopyForm(request.POST or None, projects=targets, initial={"project": one.rubric.project_id})
    if request.method == "POST" and form.is_valid():
        target = form.cleaned_data["project"]
        try:
            made = services.rubric_copy(
                version=one, project=target, actor=request.user, with_examples=form.cleaned_data["with_examples"]
            )
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(request, f"“{made.rubric.name}” is a draft in {target.name} now.")
            return redirect("rubrics:edit", target.slug, made.rubric.slug)
    context = shared.context_of(one.rubric, "versions", version=one, form=form)
    return render(request, "rubrics/copy.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def share(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    """With every project of the site: says who will read what (GET), then does it (POST)."""
    if not may_share(request.user):
        raise Http404("There is no such page, or you may not see it.")
    one = _frozen(request, project, rubric, number, Action.DESIGN)
    form = ShareForm(request.POST or None)
    if request.method == "POST":
        form = ShareForm(request.POST)
        form.is_valid()
        services.rubric_share(version=one, actor=request.user, with_examples=form.cleaned_data["with_examples"])
        messages.success(request, f"“{one.rubric.name}” is in the library of every project now.")
        return redirect("rubrics:library", one.rubric.project.slug)  # type: ignore[union-attr]
    context = shared.context_of(one.rubric, "versions", version=one, form=form)
    return render(request, "rubrics/share.html", context)


@login_required
@require_safe
def judge(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    """The version as the prompt of a judge, and as files for eval tools."""
    one = _frozen(request, project, rubric, number, Action.VIEW)
    spec = spec_of(one)
    forms = []
    for name, form in FORMS.items():
        try:
            forms.append((name, form, written(spec, name), ""))
        except ServiceError as refusal:
            forms.append((name, form, "", refusal.message))
    context = shared.context_of(one.rubric, "versions", version=one, forms=forms)
    context["may_import"] = can(request.user, Action.IMPORT, get_project(request.user, project, Action.VIEW))
    return render(request, "rubrics/judge.html", context)


@login_required
@require_safe
def judge_file(request: HttpRequest, project: str, rubric: str, number: int, form: str) -> HttpResponse:
    one = _frozen(request, project, rubric, number, Action.VIEW)
    if form not in FORMS:
        raise Http404("There is no such file.")
    try:
        text = written(spec_of(one), form)
    except ServiceError as refusal:
        return HttpResponse(refusal.message + "\n", status=422, content_type="text/plain; charset=utf-8")
    name = f"{one.rubric.slug}-v{one.number}.{FORMS[form].suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=f"{FORMS[form].content_type}; charset=utf-8", headers=headers)


@login_required
@require_POST
def judge_answers(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    """What the judge said, back onto the criteria of this version."""
    one = _frozen(request, project, rubric, number, Action.IMPORT)
    file = request.FILES.get("file")
    back = redirect("rubrics:judge", project, rubric, number)
    if file is None:
        messages.error(request, "Choose the file with the judge’s answers first.")
        return back
    try:
        done = judge_answers_import(
            version=one,
            project=get_project(request.user, project, Action.IMPORT),
            stream=cast(BinaryIO, file.file),
            name=file.name or "answers",
            judge=request.POST.get("judge", "").strip()[:100],
            actor=request.user,
        )
    except ServiceError as error:
        messages.error(request, error.message)
        return back
    counts = times(done.new, "new score,new scores")
    messages.success(request, f"{counts}, on {', '.join(done.metrics)}. The next report shows them beside the people.")
    if done.problems:
        first = "; ".join(f"{p.where}: {p.why}" for p in done.problems[:5])
        messages.warning(request, f"{times(len(done.problems), 'answer was,answers were')} left out. {first}")
    return back
