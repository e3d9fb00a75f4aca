"""What a lead writes to a rater about a task. It must not tell which system answered: names of systems are refused."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from annotation import leaks
from annotation.leaks import Finder
from annotation.models import Assignment, Comment, Round
from annotation.services.judging import MAX_COMMENT
from projects import audit
from projects.errors import ServiceError
from projects.models import System


@transaction.atomic
def reply(*, assignment: Assignment, text: str, actor: Any) -> Comment:
    text = text.strip()
    if not text:
        raise ServiceError(gettext("Write something first."), field="text")
    if len(text) > MAX_COMMENT:
        raise ServiceError(
            gettext("A message has at most %(most)s characters; this one has %(n)s.")
            % {"most": f"{MAX_COMMENT:,}", "n": f"{len(text):,}"},
            field="text",
        )
    project = assignment.seat.round.project
    if word := _telling(assignment.seat.round, text):
        raise ServiceError(
            gettext(
                "“%(word)s” may tell the rater which system answered, so the message was not sent. Write it without."
            )
            % {"word": word},
            field="text",
        )
    row = Comment.objects.create(assignment=assignment, author=actor, from_rater=False, text=text)
    audit.record(project=project, actor=actor, verb="rater.message", target=f"assignment:{assignment.pk}")
    return row


def _telling(round: Round, text: str) -> str:
    """The first words that tell a system: the same are looked for in the texts that the round shows."""
    systems = System.objects.filter(project=round.project).values_list("name", "version")
    own = leaks.own_terms("\n".join(round.options.get("leak_terms", [])))
    places = Finder([*leaks.system_terms(systems), *own, *leaks.known_terms()]).places(text)
    return text[places[0].start : places[0].end] if places else ""
