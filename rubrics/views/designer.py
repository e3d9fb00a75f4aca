"""The designer: one form over the draft. Every button of it saves first, so nothing typed is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from projects.access import Action, can, get_project, may_share
from projects.errors import Conflict, ServiceError
from projects.models import Project
from rubrics import services
from rubrics.criteria import CRITERIA
from rubrics.forms import TYPES, AboutForm, Editor, new_criterion
from rubrics.lints import lint
from rubrics.models import Rubric, RubricVersion
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, RubricSpec
from rubrics.views import shared


class Desk:
    """The draft as it stands, and what somebody is changing in it."""

    def __init__(self, request: HttpRequest, project: Project, rubric: Rubric, draft: RubricVersion | None) -> None:
        self.request, self.project, self.rubric, self.draft = request, project, rubric, draft
        # Without a draft (published a moment ago) the newest version stands in, so that the page can say so.
        self.version = draft or shared.newest_of(rubric)
        self.spec = plain(spec_of(self.version))
        self.edit = self.version.edit
        self.problem = ""
        self.editor: Editor | None = None
        self.about = AboutForm(
            initial={"name": self.spec.name, "description": self.spec.description, "notes": self.spec.notes}
        )

    def open(self) -> None:
        """For a GET: the criterion that the address names, a new one, or the first."""
        kind = self.request.GET.get("new", "")
        if kind in CRITERIA:
            self.editor = Editor.of_spec(new_criterion(kind))
            return
        wanted = self.request.GET.get("criterion", "")
        chosen = self.stored(wanted) or next(iter(self.spec.criteria), None)
        self.editor = Editor.of_spec(chosen) if chosen else None

    def type(self) -> None:
        """For a POST: what was typed."""
        self.editor = Editor.of_post(self.request.POST)
        # The edit the writer started from, until a conflict has been told.
        self.edit = whole(self.request.POST.get("edit"))
        if "name" in self.request.POST:
            self.about = AboutForm(self.request.POST)

    def stored(self, key: str) -> CriterionSpec | None:
        return next((c for c in self.spec.criteria if key and c.key == key), None)

    def typed(self) -> RubricSpec | None:
        """The draft with what was typed in it; None when that is not accepted, with sentences in the forms."""
        about_ok = not self.about.is_bound or self.about.is_valid()
        criteria = list(self.spec.criteria)
        if self.editor is not None:
            stored = self.stored(self.editor.original)
            changed = self.editor.read([c for c in criteria if c is not stored], stored)
            if changed is None:
                return None
            criteria = with_criterion(criteria, stored, changed)
        if not about_ok:
            return None
        about = self.about.cleaned_data if self.about.is_bound else {}
        return replace(self.spec, criteria=tuple(criteria), **about)

    def save(self, spec: RubricSpec) -> bool:
        """False: refused; `problem` says why, and what was typed stays in the forms."""
        if self.draft is None:
            self.problem = shared.GONE
            return False
        if spec == self.spec:
            return True
        try:
            services.draft_save(version=self.draft, spec=spec, edit=self.edit, actor=self.request.user)
        except Conflict:
            self.problem = shared.CHANGED
            self.edit = self.version.edit
        except ServiceError as error:
            self.problem = error.message
        except ValidationError as error:
            self.problem = " ".join(error.messages)
        return not self.problem

    def page(self) -> HttpResponse:
        preview = self.typed() if self.editor is not None and self.request.method == "POST" else self.spec
        context = shared.context_of(
            self.rubric,
            "criteria",
            desk=self,
            version=self.version,
            editor=self.editor,
            about=self.about,
            listed=shared.listed(self.spec),
            types=TYPES,
            preview=preview or self.spec,
            unfinished="" if preview else self.unfinished,
            findings=lint(preview or self.spec),
            used=[v for v in shared.versions_of(self.rubric) if v.n_rounds],
            may_design=True,
        )
        status = 409 if self.problem else 200
        return render(self.request, "rubrics/designer.html", context, status=status)

    @property
    def unfinished(self) -> str:
        return self.editor.problem if self.editor else ""

    def url(self, **query: str) -> str:
        base = reverse("rubrics:edit", args=[self.project.slug, self.rubric.slug])
        return f"{base}?{urlencode(query)}" if query else base


def plain(spec: RubricSpec) -> RubricSpec:
    """Without row ids, so that what was typed can be compared with what is stored."""
    return replace(spec, criteria=tuple(replace(c, id=None) for c in spec.criteria))


def whole(raw: str | None) -> int:
    return int(raw) if raw and raw.isdigit() and len(raw) < 10 else 0


def with_criterion(
    criteria: list[CriterionSpec], stored: CriterionSpec | None, changed: CriterionSpec
) -> list[CriterionSpec]:
    if stored is None:
        return [*criteria, changed]
    found = [changed if c is stored else c for c in criteria]
    if stored.key != changed.key:
        found = [renamed(c, stored.key, changed.key) for c in found]
    return found


def renamed(spec: CriterionSpec, old: str, new: str) -> CriterionSpec:
    """A criterion shown only after another one follows its new key."""
    if not spec.shown_if or spec.shown_if.get("criterion") != old:
        return spec
    return replace(spec, shown_if={**spec.shown_if, "criterion": new})


def moved(spec: RubricSpec, key: str, step: int) -> RubricSpec:
    criteria = list(spec.criteria)
    here = next((n for n, c in enumerate(criteria) if c.key == key), None)
    if here is None or not 0 <= here + step < len(criteria):
        return spec
    criteria[here], criteria[here + step] = criteria[here + step], criteria[here]
    return replace(spec, criteria=tuple(criteria))


def without(spec: RubricSpec, key: str) -> RubricSpec:
    kept = [
        replace(c, shown_if=None) if (c.shown_if or {}).get("criterion") == key else c
        for c in spec.criteria
        if c.key != key
    ]
    return replace(spec, criteria=tuple(kept))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    row = get_project(request.user, project, Action.DESIGN if request.method == "POST" else Action.VIEW)
    found = shared.rubric_of(row, rubric)
    draft = shared.draft_of(found)
    may_design = can(request.user, Action.DESIGN, row)
    if request.method == "GET" and (draft is None or not may_design):
        shown = shared.shown_version(shared.newest_of(found))
        context = shared.context_of(found, "criteria", may_design=may_design, **shown)
        context["may_share"] = may_design and may_share(request.user)
        return render(request, "rubrics/version.html", context)
    desk = Desk(request, row, found, draft)
    if request.method == "GET":
        desk.open()
        return desk.page()
    desk.type()
    return _act(desk)


def _act(desk: Desk) -> HttpResponse:
    action, _, argument = desk.request.POST.get("action", "save").partition(":")
    if desk.editor is not None and desk.editor.act(action, argument):
        return desk.page()
    if action == "delete" and desk.editor is not None and argument == desk.editor.original:
        # What is about to go need not be right first.
        return _ask_to_delete(desk, argument)
    if action != "save" and desk.editor is not None and desk.editor.is_untouched:
        desk.editor = None
    spec = desk.typed()
    if spec is None:
        return desk.page()
    kept = spec.criteria[_place_of(desk)].key if desk.editor is not None else ""
    if action in ("up", "down"):
        spec = moved(spec, argument, -1 if action == "up" else 1)
    changes = spec != desk.spec
    if not desk.save(spec):
        return desk.page()
    if changes:
        messages.success(desk.request, "The draft is saved.")
    return _onward(desk, action, argument, kept)


def _place_of(desk: Desk) -> int:
    """Where the open criterion stands in the draft: last when it is new."""
    original = desk.editor.original if desk.editor else ""
    return next((n for n, c in enumerate(desk.spec.criteria) if c.key == original), -1)


def _onward(desk: Desk, action: str, argument: str, kept: str) -> HttpResponse:
    if action == "delete":
        return _ask_to_delete(desk, argument)
    if action == "open":
        return HttpResponseRedirect(desk.url(criterion=argument))
    if action == "add":
        return HttpResponseRedirect(desk.url(new=desk.request.POST.get("new_type", "scale")))
    return HttpResponseRedirect(desk.url(criterion=kept) if kept else desk.url())


def _ask_to_delete(desk: Desk, key: str) -> HttpResponse:
    return redirect("rubrics:criterion_delete", desk.project.slug, desk.rubric.slug, key)


@login_required
@require_POST
def preview(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """The draft with what is being typed, as raters see it. Saves nothing."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    desk = Desk(request, row, found, shared.draft_of(found))
    desk.type()
    spec = desk.typed()
    context: dict[str, Any] = {
        "preview": spec or desk.spec,
        "unfinished": "" if spec else desk.unfinished,
        "findings": lint(spec or desk.spec),
    }
    return render(request, "rubrics/_designer_side.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def criterion_delete(request: HttpRequest, project: str, rubric: str, key: str) -> HttpResponse:
    """Asks once (GET), then does it (POST)."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    draft = shared.draft_of(found)
    desk = Desk(request, row, found, draft)
    criterion = desk.stored(key)
    if draft is None or criterion is None:
        messages.error(request, f"The draft has no criterion “{key}” any more.")
        return redirect("rubrics:edit", row.slug, found.slug)
    if request.method == "POST":
        desk.edit = whole(request.POST.get("edit"))
        if desk.save(without(desk.spec, key)):
            messages.success(request, f"The criterion “{key}” is deleted.")
        else:
            messages.error(request, "Somebody else changed this draft a moment ago, so nothing was deleted. Try again.")
        return redirect("rubrics:edit", row.slug, found.slug)
    context = shared.context_of(found, "criteria", criterion=criterion, edit=desk.edit, version=draft)
    return render(request, "rubrics/criterion_delete.html", context)
