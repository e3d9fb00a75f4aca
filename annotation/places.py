"""Where a rater's request lands: the round, the rater's seat in it and the task named, in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db import connection
from django.http import Http404, HttpRequest

from annotation.models import Assignment, Round, Seat
from annotation.services.seats import seat_for
from config.rows import Columns
from projects.access import Action, allowed, role_given
from projects.models import Project
from rubrics.models import Guideline, Rubric, RubricVersion

_ROUND = Columns(Round, "r")
_PROJECT = Columns(Project, "p")
_VERSION = Columns(RubricVersion, "v")
_RUBRIC = Columns(Rubric, "u")
_GUIDELINE = Columns(Guideline, "g", without=("text", "html"))  # shown by a page of its own
_SEAT = Columns(Seat, "s")
_ASSIGNMENT = Columns(Assignment, "a")
_EVERY = (_ROUND, _PROJECT, _VERSION, _RUBRIC, _GUIDELINE, _SEAT, _ASSIGNMENT)

_PLACE = f"""
SELECT m.role, {", ".join(columns.sql for columns in _EVERY)}
FROM annotation_round r
JOIN projects_project p ON p.id = r.project_id
JOIN rubrics_rubricversion v ON v.id = r.rubric_version_id
JOIN rubrics_rubric u ON u.id = v.rubric_id
LEFT JOIN rubrics_guideline g ON g.id = r.guideline_id
LEFT JOIN projects_membership m ON m.project_id = p.id AND m.user_id = %(user)s
LEFT JOIN projects_rater w ON w.project_id = p.id AND w.user_id = %(user)s
LEFT JOIN annotation_seat s ON s.round_id = r.id AND s.rater_id = w.id
LEFT JOIN annotation_assignment a ON a.seat_id = s.id AND a.public_id = %(task)s
WHERE r.public_id = %(round)s AND r.state <> 'draft'"""  # noqa: S608 - names of our own columns


@dataclass(frozen=True, slots=True)
class Place:
    round: Round
    seat: Seat
    assignment: Assignment | None  # the task that the request names, if it is this seat's


def place_of(user: Any, public_id: str, task: str = "") -> Place:
    """The rater's place in a round, or the same 404 for every other reason. The seat is made at the first visit."""
    row = _row(user, public_id, task)
    if row is None or not allowed(role_given(user, row[0]), Action.RATE):
        raise Http404("There is no such page, or you may not see it.")
    found = _placed(row)
    if found.seat is None or found.seat.state == Seat.State.CLOSED:
        return replace(found, seat=seat_for(round=found.round, user=user))
    return found


def _placed(row: Sequence[Any]) -> Place:
    round, project, version, rubric, guideline, seat, assignment = _read(row[1:])
    round.project, round.rubric_version, round.guideline = project, version, guideline
    version.rubric = rubric
    if seat is not None:
        seat.round = round
    return Place(round, seat, assignment)


# The same for a participant, whose seat the cookie names.
_PLACE_OF_SEAT = f"""
SELECT 'rater', {", ".join(columns.sql for columns in _EVERY)}
FROM annotation_seat s
JOIN annotation_round r ON r.id = s.round_id
JOIN projects_project p ON p.id = r.project_id
JOIN rubrics_rubricversion v ON v.id = r.rubric_version_id
JOIN rubrics_rubric u ON u.id = v.rubric_id
LEFT JOIN rubrics_guideline g ON g.id = r.guideline_id
LEFT JOIN annotation_assignment a ON a.seat_id = s.id AND a.public_id = %(task)s
WHERE s.id = %(seat)s AND r.state <> 'draft'"""  # noqa: S608 - names of our own columns


def rater_place(request: HttpRequest, public_id: str, task: str = "") -> Place:
    """The place of whoever asks: with an account, or as a participant without one."""
    participant = getattr(request, "participant", None)
    if participant is None:
        return place_of(request.user, public_id, task)
    with connection.cursor() as cursor:
        cursor.execute(_PLACE_OF_SEAT, {"seat": participant.seat_id, "task": task})
        row = cursor.fetchone()
    if row is None:
        raise Http404("There is no such page, or you may not see it.")
    return _placed(row)


def _row(user: Any, public_id: str, task: str) -> Sequence[Any] | None:
    if not user.is_authenticated:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, {"user": user.pk, "round": public_id, "task": task})
        found: Sequence[Any] | None = cursor.fetchone()
    return found


def _read(values: Sequence[Any]) -> Iterator[Any]:
    rest = iter(values)
    for columns in _EVERY:
        yield columns.read(list(islice(rest, columns.width)))
