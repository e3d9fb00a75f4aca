"""Two answers for whoever watches the process. Neither needs a log-in, neither says anything private.

/healthz: the process answers. A restart would help if it did not, so the database is not asked.
/readyz: send people here: the database answers and has the schema that this code expects.
"""

from __future__ import annotations

import logging
from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

logger = logging.getLogger("adjudge.health")
RETRY_SECONDS = "5"


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    if reason := not_ready():
        logger.warning("not_ready", extra={"fields": {"reason": reason}})
        response = HttpResponse(f"{reason}\n", status=503, content_type="text/plain; charset=utf-8")
        response["Retry-After"] = RETRY_SECONDS
        return response
    return HttpResponse("ready\n", content_type="text/plain; charset=utf-8")


def not_ready() -> str:
    """Why not, in a sentence that names no host, user or path; empty when ready."""
    try:
        missing = expected_migrations() - set(MigrationRecorder(connection).applied_migrations())
    except DatabaseError:
        return "The database does not answer."
    if missing:
        return f"The database lacks {len(missing)} migration(s). Run: python manage.py migrate"
    return ""


@cache
def expected_migrations() -> frozenset[tuple[str, str]]:
    """What this code was built with. Reading the files takes 0.2 s, and they do not change while we run."""
    return frozenset(MigrationLoader(None).graph.nodes)
