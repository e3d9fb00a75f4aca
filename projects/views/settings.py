from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import ProjectForm, add_service_error
from projects.services.projects import project_update


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.SETTINGS)
    form = ProjectForm(request.POST or None, initial={"name": row.name, "description": row.description})
    if request.method == "POST" and form.is_valid():
        try:
            project_update(project=row, **form.cleaned_data, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(request, gettext("The settings are saved."))
            return redirect("projects:settings", row.slug)
    return render(request, "projects/settings.html", {"project": row, "nav": "settings", "form": form})
