"""The designer: one form over the draft. Every button of it saves first, so nothing typed is lost."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from projects.access import Action, can, get_project, may_share
from rubrics.drafts import duplicated, find, moved, without
from rubrics.selectors import spec_of
from rubrics.views import shared
from rubrics.views.desk import MODES, Desk, whole


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
    if action == "look" or (desk.editor is not None and desk.editor.act(action, argument)):
        return desk.page()
    if action == "delete" and desk.editor is not None and argument == desk.editor.original:
        # What is about to go need not be right first.
        return _ask_to_delete(desk, argument)
    if action != "save" and desk.editor is not None and desk.editor.is_untouched:
        desk.editor = None
    spec = desk.typed()
    if spec is None:
        return desk.page()
    kept = mine.key if desk.editor is not None and (mine := desk.mine()) is not None else ""
    if action in ("up", "down"):
        spec = moved(spec, argument, -1 if action == "up" else 1)
    elif action == "copy":
        spec, kept = duplicated(spec, argument)
    changes = spec != desk.spec
    if changes and desk.draft is not None and desk.is_stale:
        desk.merge()
        desk.problem = shared.CHANGED
        desk.told()
        return desk.page()
    if changes and not desk.save(spec):
        return desk.page()
    if changes:
        messages.success(desk.request, "The draft is saved.")
    return _onward(desk, action, argument, kept)


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
def autosave(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """What is typed, saved while it is typed. Parts that only the others changed stay as they left them; where both
    changed one thing nothing is saved, and the page asks."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    draft = shared.draft_of(found)
    desk = Desk(request, row, found, draft)
    desk.type()
    if desk.editor is not None and desk.editor.is_untouched:
        desk.editor = None
    if draft is None:
        return _said("gone", "Not saved: this draft was published or dropped.")
    original = desk.editor.original if desk.editor else ""
    mine = desk.mine()
    if desk.typed() is None:
        return _said("unfinished", f"Not saved yet: {desk.unfinished}")
    others = desk.is_stale
    if others and not desk.merge():
        return _said("conflict", "Not saved: somebody else changed the same.")
    desk.edit = desk.version.edit
    if not desk.save(desk.typed() or desk.spec):
        again = desk.problem == shared.CHANGED
        return _said("again" if again else "unfinished", f"Not saved: {desk.problem}")
    after = Desk(request, row, found, shared.draft_of(found))
    after.show(find(after.spec, mine.key if mine else original))
    words = "Draft saved. Somebody else changed other parts of it." if others else "Draft saved"
    return _said(
        "saved",
        words,
        edit=after.version.edit,
        original=after.editor.original if after.editor else original,
        base_criterion=after.bases.criterion,
        base_about=after.bases.about,
        base_order=after.bases.order,
    )


def _said(state: str, words: str, **more: object) -> HttpResponse:
    return JsonResponse({"state": state, "words": words, **more})


@login_required
@require_POST
def preview(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """The draft with what is being typed, as raters see it. Saves nothing."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    desk = Desk(request, row, found, shared.draft_of(found))
    desk.type()
    return render(request, "rubrics/_designer_side.html", {"project": row, "rubric": found, **desk.context()})


@login_required
@require_http_methods(["GET"])
def screen(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """The newest version on the whole of a rating screen, with answers that mean nothing. It sends nothing."""
    row = get_project(request.user, project, Action.VIEW)
    found = shared.rubric_of(row, rubric)
    version = shared.draft_of(found) or shared.newest_of(found)
    asked = request.GET.get("shown", "")
    context = shared.context_of(found, "criteria", version=version, spec=spec_of(version), modes=MODES.items())
    context["shown"] = asked if asked in MODES else "score"
    return render(request, "rubrics/screen.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def criterion_delete(request: HttpRequest, project: str, rubric: str, key: str) -> HttpResponse:
    """Asks once (GET), then does it (POST)."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    draft = shared.draft_of(found)
    desk = Desk(request, row, found, draft)
    criterion = find(desk.spec, key)
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
