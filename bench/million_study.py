"""Two open rounds, one of them grown to a million tasks: `python -m bench.million_study WANTED.json MADE.json`.

A thousand tasks come by the services, as ever. The others are copies of their rows, made by the database: over the same
outputs, with one wanted judgment each. What a claim reads and writes has its full size: tasks, their outputs, slots and
what one rater has judged."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import django

from bench.study import open_study

BASE = 1_000
LEFT = 200  # tasks that the rater who has judged nearly all has not
_COPIES = """
INSERT INTO annotation_task (round_id, item_id, kind, pair, "key", ordinal)
WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %(copies)s)
SELECT t.round_id, t.item_id, t.kind, t.pair, 'copy-' || g.n || '-' || t.ordinal, t.ordinal + g.n * %(base)s
FROM annotation_task t CROSS JOIN g WHERE t.round_id = %(round)s"""
# Without an index by place the databases would go over a thousand tasks for each of a million.
_PLACES = """
CREATE TEMPORARY TABLE bench_place AS
SELECT t.ordinal AS place, o.position, o.output_id
FROM annotation_task t JOIN annotation_taskoutput o ON o.task_id = t.id
WHERE t.round_id = %(round)s AND t.ordinal <= %(base)s"""
_BY_PLACE = "CREATE INDEX bench_by_place ON bench_place (place)"
_SHOWN = """
INSERT INTO annotation_taskoutput (task_id, position, output_id)
SELECT c.id, b.position, b.output_id
FROM annotation_task c JOIN bench_place b ON b.place = (c.ordinal - 1) %% %(base)s + 1
WHERE c.round_id = %(round)s AND c.ordinal > %(base)s"""
_SLOTS = """
INSERT INTO annotation_slot (round_id, task_id, n, item_key, pos, "group", state)
SELECT c.round_id, c.id, 1, c.id, c.ordinal, '', 0
FROM annotation_task c WHERE c.round_id = %(round)s AND c.ordinal > %(base)s"""
_JUDGED = """
INSERT INTO annotation_assignment (public_id, seat_id, task_id, item_key, occasion, purpose, state, shown_order,
  order_known, strategy, probability, draw_note, presentation_digest, version, skip_reason, created_at, closed_at)
SELECT 'veteran-' || c.id, %(seat)s, c.id, c.id, 0, 'extra', 1, '01', TRUE, 'balanced', 1, '', '', 0, '',
  CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
FROM annotation_task c WHERE c.round_id = %(round)s AND c.ordinal %% %(every)s <> 17"""


def main(wanted: Path, made: Path) -> None:
    django.setup()
    made.write_text(json.dumps(study(**json.loads(wanted.read_text(encoding="utf-8")))), encoding="utf-8")


def study(*, tasks: int, raters: int) -> dict[str, Any]:
    """The last of the raters is the one who has judged all but `LEFT` of the large round."""
    from accounts.models import User
    from annotation.models import Round, Seat
    from annotation.services.seats import seat_for
    from bench.study import refresh_statistics

    found = open_study(tasks=BASE, rounds=2, overlap=3, raters=raters + 1)
    large = Round.objects.get(public_id=found["rounds"][1])
    values = {"round": large.pk, "base": BASE, "copies": tasks // BASE - 1, "every": tasks // LEFT}
    _execute(values, _PLACES, _BY_PLACE, _COPIES, _SHOWN, _SLOTS)
    people = list(User.objects.order_by("pk"))
    draw = random.Random(5)
    for user in people[:-1]:  # under way, each somewhere in the order
        Seat.objects.filter(pk=seat_for(round=large, user=user).pk).update(cursor=draw.randrange(BASE, tasks // 2))
    _execute(values | {"seat": seat_for(round=large, user=people[-1]).pk}, _JUDGED)
    refresh_statistics()
    return found


def _execute(values: dict[str, int], *statements: str) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values if "%(" in statement else None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
