"""What all of the REST API shares: pagination, and how errors are told (RFC 9457).

The framework's settings load this module while it starts, so the addresses live in api_urls.py.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework import exceptions, pagination, renderers
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config.errors import PROBLEM_TYPE, SENTENCES
from projects.errors import Conflict, ServiceError

ERRORS_LISTED = 100


class CursorPagination(pagination.CursorPagination):
    """Pages stay right while rows are added, and the last page costs what the first does."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    ordering = "pk"

    def decode_cursor(self, request: Any) -> Any:
        try:
            return super().decode_cursor(request)
        except exceptions.NotFound as error:
            why = "This is not a cursor of ours. Take the addresses in next and previous as they stand."
            raise exceptions.ValidationError({"cursor": [why]}) from error


class TooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class Refused(exceptions.APIException):
    """A service said no; its sentence is for the reader."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.message)
        self.status_code = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.BAD_REQUEST
        self.field = error.field


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: the same shape for every refusal. Unknown errors stay errors (500)."""
    if isinstance(error, ServiceError):
        error = Refused(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    status = HTTPStatus(response.status_code)
    content: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    if isinstance(error, exceptions.ValidationError):
        errors = field_errors(error.detail)
        content["detail"] = "The content was refused; errors names each field."
        content["errors"] = errors[:ERRORS_LISTED]
    elif status == HTTPStatus.NOT_FOUND:
        content["detail"] = SENTENCES[404]  # one text: what is missing and what is another's look alike
    else:
        content["detail"] = detail_text(response.data)
        if isinstance(error, Refused) and error.field:
            content["errors"] = [{"pointer": f"/{escape(error.field)}", "detail": content["detail"], "code": "refused"}]
    response.data = content
    response.content_type = PROBLEM_TYPE
    # Whatever form the answer was asked in, a refusal is JSON.
    request = context["request"]
    request.accepted_renderer, request.accepted_media_type = renderers.JSONRenderer(), "application/json"
    return response


def detail_text(data: Any) -> str:
    return str(data.get("detail", "")) if isinstance(data, dict) else str(data)


def field_errors(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """DRF nests errors like the content; we list them, each with a JSON pointer (RFC 6901) to its place."""
    if isinstance(detail, dict):
        pairs = [("" if key == "non_field_errors" else f"/{escape(key)}", value) for key, value in detail.items()]
        return [error for step, value in pairs for error in field_errors(value, pointer + step)]
    if isinstance(detail, list):
        return [
            error
            for index, value in enumerate(detail)
            for error in field_errors(value, f"{pointer}/{index}" if isinstance(value, dict) else pointer)
        ]
    return [{"pointer": pointer, "detail": str(detail), "code": getattr(detail, "code", "invalid")}]


def escape(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
