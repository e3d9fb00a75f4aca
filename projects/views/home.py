"""A new project, and the words of the product."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from projects.access import may_create_project
from projects.errors import ServiceError
from projects.forms import ProjectForm, add_service_error
from projects.services.projects import project_create


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if not may_create_project(request.user):
        raise Http404("This person may not make projects.")
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = project_create(**form.cleaned_data, creator=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(request, gettext("The project “%(name)s” is made. You lead it.") % {"name": project.name})
            return redirect("analytics:overview", project.slug)
    return render(request, "projects/new.html", {"form": form})


@login_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "projects/help.html")
