"""Many people invited from a pasted list: a preview, then their links, on the page and as a file. For leads."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import InviteListForm, add_service_error
from projects.links_file import links_file
from projects.models import Project, Role
from projects.services import inviting
from projects.services.people import INVITATION_DAYS


@login_required
@require_http_methods(["GET", "POST"])
def invite_list(request: HttpRequest, project: str) -> HttpResponse:
    """A first POST says what the list would do; one with `act=invite` does it."""
    row = get_project(request.user, project, Action.PEOPLE)
    form = InviteListForm(request.POST or None)
    plan, status = None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                plan = inviting.invite_plan(project=row, text=form.cleaned_data["text"])
                if request.POST.get("act") == "invite":
                    return _invite(request, row, form)
                status = 200
            except ServiceError as error:
                add_service_error(form, error)
    role = Role(form.cleaned_data["role"]).label if plan and form.is_valid() else ""
    context = {"project": row, "nav": "people", "form": form, "plan": plan, "role": role}
    return render(request, "projects/invite_list.html", context, status=status)


def _invite(request: HttpRequest, project: Project, form: InviteListForm) -> HttpResponse:
    made = inviting.invite_list(project=project, **form.cleaned_data, actor=request.user)
    links = [(each.invitation.email, _address(request, each.token), each.token) for each in made]
    context = {
        "project": project,
        "nav": "people",
        "links": links,
        "lines": "\n".join(f"{email}\t{address}" for email, address, _ in links),
        "until": made[0].invitation.expires_at,
        "days": INVITATION_DAYS,
        "role": Role(form.cleaned_data["role"]).label,
    }
    response = render(request, "projects/invite_links.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _address(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(reverse("projects:invitation", args=[token]))


@login_required
@require_POST
def invite_file(request: HttpRequest, project: str) -> HttpResponse:
    """The links of the page before as a table. Only links of this project's invitations are written."""
    row = get_project(request.user, project, Action.PEOPLE)
    found = inviting.invitations_of_links(project=row, tokens=request.POST.getlist("token"))
    return links_file(f"invitations-{row.slug}", ((email, _address(request, token)) for email, token in found))
