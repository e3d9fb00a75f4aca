"""The yardstick: a form that a logged-in person submits, one row, five bytes back."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_http_methods

from bench.server.models import Bare


@login_required
@require_http_methods(["GET", "POST"])
def bare(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return HttpResponse(f'<input name="csrfmiddlewaretoken" value="{get_token(request)}">')
    Bare.objects.create(user_id=request.user.pk, value=request.POST["value"])
    return HttpResponse("saved")
