"""In which language a page speaks: the reader's, on the pages whose words are all translated; English on the others,
so that no page mixes two. The rubric, the guidelines and the consent are the lead's own words and stay as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import ResolverMatch
from django.utils import translation
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

SOURCE = "en"
# Of projects, all but imports and items.
PROJECTS = (
    *("projects:help", "projects:new", "projects:invit", "projects:settings", "projects:metric"),
    *("projects:media", "projects:check", "projects:people"),
)
# Views by the beginning of their name. Those of allauth have no namespace and bring their own catalogue.
START = ("analytics:home", "analytics:search")
TRANSLATED = ("account_", "mfa_", "accounts:", "annotation:", "rubrics:guideline", *START, *PROJECTS)
# Files that programs read are the same for everybody.
ENGLISH = frozenset({"annotation:export_file", "projects:invite_file", "projects:media_file"})

change = require_POST(set_language)


def is_translated(match: ResolverMatch | None) -> bool:
    name = match.view_name if match else ""
    return name.startswith(TRANSLATED) and name not in ENGLISH


class LanguageMiddleware(LocaleMiddleware):
    """The language is the one chosen (a cookie), else the browser's. It is spoken where a view is translated."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.chosen_language = request.LANGUAGE_CODE  # type: ignore[attr-defined]
        _speak(request, SOURCE)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any) -> None:
        if is_translated(request.resolver_match):
            _speak(request, request.chosen_language)  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The thread goes on to other things, and must not keep this reader's language for them."""
        response = super().process_response(request, response)
        translation.deactivate()
        return response


def _speak(request: HttpRequest, language: str) -> None:
    translation.activate(language)
    request.LANGUAGE_CODE = language
