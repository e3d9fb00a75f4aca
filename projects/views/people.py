"""Members and invitations of a project. For leads. Changing and removing a member also concerns what they hold
in rounds, so those doors are in `annotation.views.people`."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from projects import selectors
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import InviteForm, add_service_error
from projects.models import Invitation, Project, Role
from projects.services import people as service
from projects.views.telling import telling


@login_required
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest, project: str) -> HttpResponse:
    """The list; a POST invites. The link is in this one answer only, for only its hash is kept."""
    row = get_project(request.user, project, Action.PEOPLE)
    form, link, invitation = InviteForm(request.POST or None), "", None
    if request.method == "POST" and form.is_valid():
        try:
            invitation, token = service.invitation_create(project=row, **form.cleaned_data, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            link = request.build_absolute_uri(reverse("projects:invitation", args=[token]))
            form = InviteForm()
    return _page(request, row, form, link, invitation)


def _page(
    request: HttpRequest, project: Project, form: InviteForm, link: str, invitation: Invitation | None
) -> HttpResponse:
    context = {
        "project": project,
        "nav": "people",
        "members": list(selectors.members(project)),
        "pending": list(selectors.invitations_pending(project)),
        "roles": Role.choices,
        "form": form,
        "link": link,
        "invitation": invitation,
    }
    return render(request, "projects/people.html", context)


@login_required
@require_POST
def invitation_revoke(request: HttpRequest, project: str, invitation: int) -> HttpResponse:
    row = get_project(request.user, project, Action.PEOPLE)
    found = get_object_or_404(Invitation.objects.select_related("project"), project=row, pk=invitation)
    with telling(request, gettext("The invitation is revoked. Its link no longer works.")):
        service.invitation_revoke(invitation=found, actor=request.user)
    return redirect("projects:people", row.slug)
