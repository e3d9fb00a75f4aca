"""Where a rater's request lands: the round, the rater's seat in it and the task named, in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import login_required
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
    round, project, version, rubric, guideline, seat, assignment = _read(row[1:])
    round.project, round.rubric_version, round.guideline = project, version, guideline
    version.rubric = rubric
    if seat is None or seat.state == Seat.State.CLOSED:
        seat = seat_for(round=round, user=user)
    else:
        seat.round = round
    return Place(round, seat, assignment)


def rater_place(request: HttpRequest, public_id: str, task: str = "") -> Place:
    """The place of whoever asks."""
    return place_of(request.user, public_id, task)


rater_required = login_required


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
