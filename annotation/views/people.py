"""Change a member's role, or remove a member: what they hold in rounds goes back to the queue."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from annotation.services import seats as service
from annotation.services.eligibility import member_qualify
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import RoleForm
from projects.models import Membership, Project
from projects.templatetags.words import in_sentence


def _member(project: Project, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("project", "user"), project=project, pk=pk)


@login_required
@require_POST
def member_change(request: HttpRequest, project: str, member: int) -> HttpResponse:
    row = get_project(request.user, project, Action.PEOPLE)
    membership = _member(row, member)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("The role was not changed: choose one of the four roles."))
        return redirect("projects:people", row.slug)
    try:
        changed = _change(request, membership, form.cleaned_data)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, changed)
    if not can(request.user, Action.PEOPLE, row):  # a lead who stepped down
        return redirect("/")
    return redirect("projects:people", row.slug)


@transaction.atomic
def _change(request: HttpRequest, membership: Membership, given: dict[str, str]) -> str:
    """Role, and what the person can judge where it was sent; all of it or none."""
    name = membership.user
    can_judge = {key: given[key].split(",") for key in ("qualifications", "languages") if key in request.POST}
    if can_judge:
        known = {"qualifications": membership.qualifications, "languages": membership.languages}
        member_qualify(membership=membership, **{**known, **can_judge}, actor=request.user)
    if can_judge and given["role"] == membership.role:
        return gettext("What %(name)s can judge is noted. It counts from their next task on.") % {"name": name}
    service.member_change(membership=membership, role=given["role"], actor=request.user)
    return gettext("%(name)s is now %(role)s.") % {"name": name, "role": in_sentence(membership.get_role_display())}


@login_required
@require_http_methods(["GET", "POST"])
def member_remove(request: HttpRequest, project: str, member: int) -> HttpResponse:
    """Asks once (GET), then does it (POST)."""
    row = get_project(request.user, project, Action.PEOPLE)
    membership = _member(row, member)
    if request.method == "GET":
        context = {"project": row, "nav": "people", "membership": membership}
        return render(request, "projects/member_remove.html", context)
    is_self, name = membership.user == request.user, str(membership.user)
    try:
        service.member_remove(membership=membership, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("projects:people", row.slug)
    if is_self:
        messages.success(request, gettext("You left “%(name)s”.") % {"name": row.name})
        return redirect("/")
    messages.success(request, gettext("%(name)s is no longer a member. Their judgments stay.") % {"name": name})
    return redirect("projects:people", row.slug)
