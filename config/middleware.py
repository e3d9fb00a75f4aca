"""What every response gets: a request id, one log line, and the headers that browsers act on."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.utils.functional import LazyObject

from config.logs import request_id

logger = logging.getLogger("adjudge.request")

GetResponse = Callable[[HttpRequest], HttpResponse]
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# Route parameters that let their bearer in: an invitation, a password reset.
SECRET_PARAMETERS = {"code", "key", "secret", "signature", "token", "uidb36"}
PROBES = ("/healthz", "/readyz")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
QUIET_PATHS = (*PROBES, "/static/")
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()"
)


def incoming_id(request: HttpRequest) -> str:
    """A proxy's id is kept, so that its log and ours can be joined; a stranger's is not."""
    given = request.headers.get("X-Request-ID", "")
    return given if settings.TRUSTED_PROXIES and REQUEST_ID.fullmatch(given) else uuid4().hex


def masked_path(request: HttpRequest) -> str:
    path = request.path
    match = request.resolver_match
    for name, value in (match.kwargs if match else {}).items():
        if name in SECRET_PARAMETERS and isinstance(value, str):
            path = path.replace(value, "***")
    return path


def user_id(request: HttpRequest) -> int | None:
    """Only if the request already knows its user: a log line must not cost a query."""
    user = getattr(request, "_cached_user", None) or getattr(request, "user", None)
    if user is None or (isinstance(user, LazyObject) and not hasattr(request, "_cached_user")):
        return None
    pk: int | None = user.pk
    return pk


def level_of(request: HttpRequest, status: int) -> int:
    if status >= 500:
        return logging.ERROR
    if status in {401, 403, 429}:  # a refusal is worth finding
        return logging.WARNING
    return logging.DEBUG if request.path.startswith(QUIET_PATHS) else logging.INFO


class RequestLogMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        identifier = incoming_id(request)
        token = request_id.set(identifier)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = identifier
            fields = {
                "method": request.method,
                "path": masked_path(request),
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "user": user_id(request),
            }
            logger.log(level_of(request, response.status_code), "request", extra={"fields": fields})
            return response
        finally:
            request_id.reset(token)


class HostMiddleware(CommonMiddleware):
    """Django's, which turns away whoever asks for another host. Probes come from inside and ask for an address."""

    def process_request(self, request: HttpRequest) -> Any:
        return None if request.path in PROBES else super().process_request(request)


class NullCharacterMiddleware:
    """No text that a person types holds a NUL, and PostgreSQL cannot look one up: such a request is a bad one, whatever
    it asks. After the check against forgery, which has read the form. The API reads its bodies itself, with limits and
    answers of its own, and refuses it there."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        sent = [request.path, *(value for values in request.GET.lists() for value in values[1])]
        if request.method == "POST" and request.content_type in FORMS and not request.path.startswith("/api/"):
            sent += [value for values in request.POST.lists() for value in values[1]]
        if any("\0" in text for text in sent):
            raise BadRequest("The request holds a NUL character.")


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """The nonce is in every header, used or not: a page's policy never depends on what the page shows."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        self._make_nonce(request)


class ResponseHeadersMiddleware:
    """Nothing is stored by browsers and proxies unless a view or the static files say otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response
