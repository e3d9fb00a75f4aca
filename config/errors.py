"""Pages and API answers for refusals and failures. None of them touches the database or the session."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils import translation
from django.utils.translation import gettext_noop

PROBLEM_TYPE = "application/problem+json"
SENTENCES = {
    400: gettext_noop("The request could not be understood. Go back, check what was sent, and try again."),
    403: gettext_noop("You do not have the right to do this. Ask a lead of the project if you need it."),
    404: gettext_noop("There is nothing at this address, or you have no access to it."),
    429: gettext_noop("There were too many attempts in a short time. Wait five minutes and try again."),
    500: gettext_noop("Something failed on our side. Nothing was saved by this request. Try again in a moment."),
}
CSRF_SENTENCE = gettext_noop(
    "This form was open for too long, or cookies are switched off, so we cannot be sure that you sent it. "
    "Go back, reload the page, and send it again."
)
TITLES = {
    400: gettext_noop("Bad request"),
    403: gettext_noop("Not allowed"),
    404: gettext_noop("Not found"),
    429: gettext_noop("Too many attempts"),
    500: gettext_noop("Server error"),
}


def problem(status: int, detail: str) -> JsonResponse:
    """RFC 9457, for errors raised outside the API framework but under the API's address."""
    content = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail}
    return JsonResponse(content, status=status, content_type=PROBLEM_TYPE)


def error_response(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse:
    sentence = sentence or SENTENCES[status]
    if request.path.startswith("/api/"):
        return problem(status, sentence)
    # The reader's language on every page alike: what is missing and what is hidden must not differ by it.
    language = translation.get_language_from_request(request)
    with translation.override(language):
        words = {"title": translation.gettext(TITLES[status]), "sentence": translation.gettext(sentence)}
        # No request is passed: context processors would read the session and the user.
        page = loader.render_to_string(f"{status}.html", words)
    return HttpResponse(page, status=status, headers={"Content-Language": language})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Called by allauth's rate limits."""
    response = error_response(request, 429)
    response["Retry-After"] = "300"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    return error_response(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_response(request, 403, CSRF_SENTENCE)
