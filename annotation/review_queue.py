"""What waits for a reviewer in a round: flags, comments, skipped tasks, judgments sent in haste, and those sent back.
Reads only; the number of queries does not grow with the round."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext, gettext_noop

from annotation.kept_figures import MANY
from annotation.models import Assignment, Comment, Flag, FreeText, Judgment, RevisionRequest, Round
from annotation.services.judging import SKIP_REASONS

KINDS = {
    "flags": gettext_noop("Flagged"),
    "comments": gettext_noop("Comments"),
    "skipped": gettext_noop("Skipped"),
    "haste": gettext_noop("Sent in haste"),
    "returned": gettext_noop("Sent back"),
}
HASTE = {
    "fast": gettext_noop("in less time than reading takes"),
    "unread": gettext_noop("with the end of an answer not in view"),
}


@dataclass(slots=True)
class Line:
    """One assignment with all that was said about it."""

    assignment: Assignment
    said: list[str] = field(default_factory=list)
    request: RevisionRequest | None = None
    answered: bool = False  # the rater has revised the judgment since


def _open_requests() -> QuerySet[RevisionRequest]:
    return RevisionRequest.objects.filter(withdrawn_at=None)


def unanswered(requests: QuerySet[RevisionRequest]) -> QuerySet[RevisionRequest]:
    """Those whose judgment has no later revision."""
    later = Judgment.objects.filter(assignment=OuterRef("assignment"), current=True, revision__gt=OuterRef("revision"))
    return requests.filter(~Exists(later), withdrawn_at=None)


def queue_of(round: Round, kind: str, *, done: bool = False) -> QuerySet[Assignment]:
    """The assignments of one kind, the newest first; those a reviewer is done with on request only."""
    found = Assignment.objects.filter(_about(round, kind, done), seat__round=round)
    if not done:
        found = found.exclude(_settled())
    return found.order_by("-pk")


def _about(round: Round, kind: str, done: bool) -> Q:
    """From what was said to the assignments it is about: that is little, where a round has a hundred thousand."""
    of_round = {"assignment__seat__round": round}
    if kind == "flags":
        flags = Flag.objects.filter(**of_round, **({} if done else {"resolved_at": None}))
        return Q(pk__in=flags.values("assignment"))
    if kind == "comments":  # often many: there it is quicker to ask of each
        return Q(Exists(_comments()) | Exists(_words()))
    if kind == "skipped":
        return Q(state=Assignment.State.SKIPPED)
    if kind == "haste":
        hasty = Judgment.objects.filter(seat__round=round, current=True, events__has_key="warned")
        return Q(pk__in=hasty.values("assignment"))
    return Q(pk__in=_open_requests().filter(**of_round).values("assignment"))


def _comments() -> QuerySet[Comment]:
    return Comment.objects.filter(assignment=OuterRef("pk"), from_rater=True, erased_at=None)


def _words() -> QuerySet[FreeText]:
    kind = FreeText.Kind.COMMENT
    mine = FreeText.objects.filter(judgment__assignment=OuterRef("pk"), judgment__current=True)
    return mine.filter(kind=kind, erased_at=None)


def _settled() -> Q:
    """Done with, and nothing was said since."""
    at = OuterRef("reviewed__reviewed_at")
    newer = (
        Exists(_comments().filter(created_at__gt=at))
        | Exists(_words().filter(judgment__submitted_at__gt=at))
        | Exists(Flag.objects.filter(assignment=OuterRef("pk"), resolved_at=None))
    )
    return Q(reviewed__isnull=False) & ~Q(newer)


def counts_of(round: Round) -> dict[str, int]:
    return {kind: queue_of(round, kind).count() for kind in KINDS}


def looked_at(round: Round) -> int:
    """How many assignments the round has, as far as it matters whether they are many."""
    return Assignment.objects.filter(seat__round=round).order_by()[:MANY].count()


def lines_of(assignments: list[Assignment]) -> list[Line]:
    """What was said about each: five queries, however many there are."""
    lines = {each.pk: Line(each) for each in assignments}
    for flag in Flag.objects.filter(assignment__in=lines, resolved_at=None):
        note = f": {flag.note}" if flag.note else ""
        lines[flag.assignment_id].said.append(f"{gettext('Flagged.')} {flag.get_reason_display()}{note}")
    for each in assignments:
        if each.state == Assignment.State.SKIPPED:
            why = SKIP_REASONS.get(each.skip_reason)
            lines[each.pk].said.append(f"{gettext('Skipped.')} {gettext(why) if why else each.skip_reason}")
    for comment in Comment.objects.filter(assignment__in=lines, from_rater=True, erased_at=None):
        lines[comment.assignment_id].said.append(f"“{comment.text}”")
    words = FreeText.objects.filter(judgment__assignment__in=lines, judgment__current=True, erased_at=None)
    for pk, text in words.filter(kind=FreeText.Kind.COMMENT).values_list("judgment__assignment_id", "text"):
        lines[pk].said.append(f"“{text}”")
    revisions: dict[int, int] = defaultdict(int)
    judged = Judgment.objects.filter(assignment__in=lines, current=True)
    for pk, revision, events in judged.values_list("assignment_id", "revision", "events"):
        revisions[pk] = revision
        if warned := events.get("warned"):
            lines[pk].said.append(gettext("Sent %(how)s.") % {"how": haste(warned)})
    for request in _open_requests().filter(assignment__in=lines).order_by("pk"):
        line = lines[request.assignment_id]
        line.request, line.answered = request, revisions[request.assignment_id] > request.revision
    return list(lines.values())


def haste(warned: Any) -> str:
    keys = warned if isinstance(warned, list) else str(warned).split()
    said = [gettext(HASTE[key]) for key in keys if key in HASTE]
    return f" {gettext('and')} ".join(said) or gettext("after a warning")
