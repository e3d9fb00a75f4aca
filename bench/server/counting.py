"""Counts the statements of a request that asks for it, and costs the others nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

ASK = "X-Bench-Count"
ANSWER = "X-Bench-Statements"
# They frame the work. Each is a journey to the server all the same, and is counted apart.
FRAMING = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class CountingMiddleware:
    """Stands outside all other middleware, so that session and user are in the count."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if ASK not in request.headers:
            return self.get_response(request)
        seen: list[str] = []

        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            response = self.get_response(request)
        response[ANSWER] = str(sum(not sql.startswith(FRAMING) for sql in seen))
        return response
