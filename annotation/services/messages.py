"""What a lead writes to a rater about a task. It must not tell which system answered: names of systems are refused."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from annotation.models import Assignment, Comment
from annotation.services.judging import MAX_COMMENT
from projects import audit
from projects.errors import ServiceError
from projects.models import Project, System

_SHORTEST_NAME = 3  # "a" and "v2" stand in too many sentences


@transaction.atomic
def reply(*, assignment: Assignment, text: str, actor: Any) -> Comment:
    text = text.strip()
    if not text:
        raise ServiceError("Write something first.", field="text")
    if len(text) > MAX_COMMENT:
        raise ServiceError(
            f"A message has at most {MAX_COMMENT:,} characters; this one has {len(text):,}.", field="text"
        )
    project = assignment.seat.round.project
    if name := _names_a_system(project, text):
        raise ServiceError(
            f"The message names the system “{name}”. Raters must not learn which system answered, so it was not sent.",
            field="text",
        )
    row = Comment.objects.create(assignment=assignment, author=actor, from_rater=False, text=text)
    audit.record(project=project, actor=actor, verb="rater.message", target=f"assignment:{assignment.pk}")
    return row


def _names_a_system(project: Project, text: str) -> str:
    words = text.casefold()
    for system in System.objects.filter(project=project):
        for name in (system.label, system.name):
            if len(name) >= _SHORTEST_NAME and name.casefold() in words:
                return name
    return ""
