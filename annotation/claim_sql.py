"""The statements of `claims`, once for both databases. `/*pg …*/` parts are for PostgreSQL only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from annotation.presentation import CONTENT_COLUMNS, CONTENT_TABLES

_PG_ONLY = re.compile(r"/\*pg (.*?)\*/", re.S)


def in_lanes(statement: str, lanes: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The statement with a placeholder for each lane, and their values."""
    values = {f"lane{n}": lane for n, lane in enumerate(lanes)}
    return statement.format(lanes=", ".join(f"%({name})s" for name in values)), values


@cache
def for_vendor(statement: str, vendor: str) -> str:
    return _PG_ONLY.sub(r"\1" if vendor == "postgresql" else "", statement)


# The round is locked first, shared: a pause or a close waits for those who are submitting, and whoever comes after
# sees the new state. First, because a change of the round holds it alone and then touches seats.
# What is joined (the assignment that was named, its slot, the judgment with the same key) is as it was before the
# wait for the lock: a step that acts on it must be one that fails when it is out of date.
OPEN = """
SELECT s.id, s.round_id, s.state, s.eligibility, s.cursor, s.n_assigned, s.n_judged,
       COALESCE(s.cap, r.cap_per_rater), r.state, r.lease_seconds, r.seed, r.strategy, r.gold_rate, r.repeat_rate,
       (SELECT COUNT(*) FROM annotation_assignment u
        WHERE u.seat_id = s.id AND u.closed_at IS NULL AND u.state IN (0, 3)), s.looked,
       a.id, a.state, a.slot_id, a.purpose,
       (SELECT COALESCE(MAX(j.revision), 0) FROM annotation_judgment j WHERE j.assignment_id = a.id),
       CASE WHEN x.lease_until < %(now)s THEN 1 ELSE 0 END,
       k.digest, k.assignment_id
FROM annotation_seat s JOIN annotation_round r ON r.id = s.round_id
LEFT JOIN annotation_assignment a ON a.seat_id = s.id AND a.public_id = %(public_id)s
LEFT JOIN annotation_slot x ON x.id = a.slot_id
LEFT JOIN annotation_judgment k ON k.seat_id = s.id AND k.key = %(key)s
WHERE s.id = %(seat)s /*pg FOR SHARE OF r FOR UPDATE OF s*/"""

SHARE_ROUND = "SELECT id FROM annotation_round WHERE id = %s /*pg FOR SHARE*/"

# Whether the first output of a pair's task `t` is of the later system of the two. Outputs stand in the order in which
# they came in, which may differ from item to item; sides are balanced over systems.
_TURNED = """COALESCE((
  SELECT CASE WHEN w0.system_id > w1.system_id THEN 1 ELSE 0 END
  FROM annotation_taskoutput z0 JOIN projects_output w0 ON w0.id = z0.output_id
  JOIN annotation_taskoutput z1 ON z1.task_id = z0.task_id AND z1.position = 1
  JOIN projects_output w1 ON w1.id = z1.output_id
  WHERE z0.task_id = t.id AND z0.position = 0), 0)"""
# Who gave the outputs of a task of several, in canonical order.
SYSTEMS = """
SELECT w.system_id FROM annotation_taskoutput z JOIN projects_output w ON w.id = z.output_id
WHERE z.task_id = %s ORDER BY z.position"""
UNSETTLED = f"""
SELECT a.id, a.state, a.slot_id, t.pair, a.shown_order,
       CASE WHEN x.state = 1 AND x.holder = a.id THEN 1 ELSE 0 END, {_TURNED}
FROM annotation_assignment a
JOIN annotation_task t ON t.id = a.task_id
LEFT JOIN annotation_slot x ON x.id = a.slot_id
WHERE a.seat_id = %s AND a.closed_at IS NULL AND a.state IN (0, 3)"""  # noqa: S608 - our own parts
RENEW_ASSIGNMENT = "UPDATE annotation_assignment SET lease_until = %s WHERE id = %s"
RENEW_SLOT = "UPDATE annotation_slot SET lease_until = %s WHERE id = %s AND state = 1 AND holder = %s"
CLOSE_ASSIGNMENT = "UPDATE annotation_assignment SET state = %s, closed_at = %s WHERE id = %s"

# The task found, with its texts and the tally of its pair. On PostgreSQL the locking part is a CTE, so that only the
# slot is locked and not the rows that are read along. `{drawn}` is what the chance of a draw is computed from.
_WITH_CONTENT = f"""
SELECT c.slot_id, c.task_id, c.item_key, c.pos, t.pair, l.d, {{drawn}}, {_TURNED}, {CONTENT_COLUMNS}
FROM c {CONTENT_TABLES}
LEFT JOIN annotation_sidetally l ON l.seat_id = %(seat)s AND l.pair = t.pair
ORDER BY o.position"""  # noqa: S608 - our own parts
_NOTHING_DRAWN = _WITH_CONTENT.format(drawn="0, 0")
_OPEN_TO_ME = """NOT EXISTS (SELECT 1 FROM annotation_assignment y
                    WHERE y.seat_id = %(seat)s AND y.item_key = x.item_key AND y.state < 3)"""
_LANE = 'x.round_id = %(round)s AND x."group" = %(lane)s AND x.state = 0'
_FOUND = """SELECT x.id AS slot_id, x.task_id, x.item_key, x.pos
  FROM annotation_slot x"""
# Below and above every place. As a bound, for SQLite would go over all slots to find a plain NOT EXISTS false for each.
_BEFORE_ALL = -(2**62)
_BEHIND_ALL = 2**62
_LOCKED = "/*pg FOR UPDATE OF x SKIP LOCKED*/"


def _ahead(start: str) -> str:
    """The place up to which `look` open slots stand behind a place; beyond all where there are fewer. It keeps a step
    bounded for who may have none of a million open slots."""
    return f"""COALESCE((SELECT x.pos FROM annotation_slot x WHERE {_LANE} AND x.pos > {start}
                         ORDER BY x.pos, x.n LIMIT 1 OFFSET %(look)s), {_BEHIND_ALL})"""  # noqa: S608 - our own parts


def _back(start: str) -> str:
    return f"""COALESCE((SELECT x.pos FROM annotation_slot x WHERE {_LANE} AND x.pos < {start}
                         ORDER BY x.pos DESC, x.n DESC LIMIT 1 OFFSET %(look)s), {_BEFORE_ALL})"""  # noqa: S608


WALK = f"""
WITH c AS (
  {_FOUND}
  WHERE {_LANE} AND x.pos > %(start)s AND x.pos <= {_ahead("%(start)s")} AND {_OPEN_TO_ME}
  ORDER BY x.pos, x.n LIMIT 1 {_LOCKED}){_NOTHING_DRAWN}"""  # noqa: S608 - our own parts
# How far such a step reached (nothing: to the end), and whether it passed a slot that this rater may have: then
# somebody else was just taking it.
EDGE = f"""
WITH edge AS (SELECT {_ahead("%(start)s")} AS pos)
SELECT CASE WHEN edge.pos < {_BEHIND_ALL} THEN edge.pos END,
       CASE WHEN EXISTS (SELECT 1 FROM annotation_slot x
         WHERE {_LANE} AND x.pos > %(start)s AND x.pos <= (SELECT pos FROM edge) AND {_OPEN_TO_ME}) THEN 1 ELSE 0 END
FROM edge"""  # noqa: S608 - our own parts
# `{lanes}`: a placeholder for each lane that the seat may take from. Of leases that ran out the first `look` are looked
# at: this rater may not have those that they let go themselves.
FREED = f"""
WITH c AS (
  {_FOUND}
  WHERE x.round_id = %(round)s AND x."group" IN ({{lanes}}) AND x.state = 1 AND x.lease_until <= %(now)s
    AND x.lease_until <= COALESCE((SELECT x.lease_until FROM annotation_slot x
      WHERE x.round_id = %(round)s AND x.state = 1 ORDER BY x.lease_until LIMIT 1 OFFSET %(look)s), %(now)s)
    AND {_OPEN_TO_ME}
  ORDER BY x.lease_until LIMIT 1 {_LOCKED}){_NOTHING_DRAWN}"""  # noqa: S608 - our own parts
# The first open task behind the place u × (the last open place); with the open place before it. Before the first comes
# the last, round the start. Each part looks at so many open slots and no further: then there is no row, or the place
# before is not known.
_BEFORE = f"SELECT x.pos FROM annotation_slot x WHERE {_LANE} AND {_OPEN_TO_ME}"  # noqa: S608 - our own parts
JUMP = f"""
WITH top AS (
  SELECT x.pos FROM annotation_slot x WHERE {_LANE} ORDER BY x.pos DESC, x.n DESC LIMIT 1
), place AS (
  SELECT CAST(/*pg FLOOR*/(%(u)s * top.pos) AS BIGINT) AS pos FROM top
), edge AS (
  SELECT {_ahead("(SELECT pos FROM place)")} AS pos
), ahead AS (
  {_FOUND}
  WHERE {_LANE} AND x.pos > (SELECT pos FROM place) AND x.pos <= (SELECT pos FROM edge) AND {_OPEN_TO_ME}
  ORDER BY x.pos, x.n LIMIT 1 {_LOCKED}
), behind AS (
  {_FOUND}
  WHERE {_LANE} AND x.pos <= (SELECT CASE WHEN edge.pos < {_BEHIND_ALL} OR EXISTS (SELECT 1 FROM ahead)
                                          THEN {_BEFORE_ALL} ELSE place.pos END FROM place CROSS JOIN edge)
    AND x.pos <= {_ahead(str(_BEFORE_ALL))} AND {_OPEN_TO_ME}
  ORDER BY x.pos, x.n LIMIT 1 {_LOCKED}
), found AS (
  SELECT * FROM ahead UNION ALL SELECT * FROM behind
), back AS (
  SELECT {_back("(SELECT pos FROM found)")} AS pos
), c AS (
  SELECT found.*, top.pos AS top, COALESCE(
    ({_BEFORE} AND x.pos < found.pos AND x.pos >= (SELECT pos FROM back) ORDER BY x.pos DESC, x.n DESC LIMIT 1),
    CASE WHEN (SELECT pos FROM back) = {_BEFORE_ALL} THEN
      ({_BEFORE} AND x.pos >= {_back(str(_BEHIND_ALL))} ORDER BY x.pos DESC, x.n DESC LIMIT 1) - top.pos END) AS before
  FROM found CROSS JOIN top
){_WITH_CONTENT.format(drawn="c.before, c.top")}"""  # noqa: S608 - our own parts
# One of the first tasks that this rater may have: that with the rank that the draw gives for so many. `ranks` holds
# the rank for each possible number of them, two digits each, for the number is known only here. Of none there is no
# rank, and PostgreSQL may read the empty text before it sees that nothing joins.
WINDOW = f"""
WITH near AS (
  SELECT x.id, x.task_id, x.item_key, x.pos, x.n FROM annotation_slot x
  WHERE {_LANE} ORDER BY x.pos, x.n LIMIT %(look)s
), mine AS (
  SELECT x.id, x.pos, x.n FROM near x
  WHERE {_OPEN_TO_ME}
    AND NOT EXISTS (SELECT 1 FROM annotation_slot b
                    WHERE b.task_id = x.task_id AND b.n < x.n AND b.state = 0 AND b."group" = %(lane)s)
  ORDER BY x.pos, x.n LIMIT %(window)s
), ranked AS (
  SELECT id, ROW_NUMBER() OVER (ORDER BY pos, n) AS place FROM mine
), size AS (
  SELECT COUNT(*) AS k FROM mine
), found AS (
  {_FOUND} JOIN ranked ON ranked.id = x.id CROSS JOIN size
  WHERE x.state = 0 AND ranked.place = CAST(NULLIF(
    SUBSTR(%(ranks)s, CAST(2 * size.k - 1 AS INTEGER), 2), '') AS INTEGER) {_LOCKED}
), c AS (
  SELECT found.*, size.k FROM found CROSS JOIN size
){_WITH_CONTENT.format(drawn="c.k, 0")}"""  # noqa: S608 - our own parts
CHECK = f"""
WITH c AS (SELECT NULL AS slot_id, id AS task_id, 0 AS item_key, 0 AS pos
           FROM annotation_task WHERE id = %(task)s){_NOTHING_DRAWN}"""  # noqa: S608 - our own parts
LOSE_HOLDER = """
UPDATE annotation_assignment SET state = 3
WHERE state = 0 AND id = (SELECT holder FROM annotation_slot WHERE id = %s)"""

# Gold tasks this rater has not met, nor another task that excludes them; with what the item asks: its language, and how
# many of its tags are not for this rater. Few, so all are read and the seed chooses.
# What the rater has met is read once, not once for each of them: the time that gold takes must not give it away.
GOLD = """
WITH met AS (SELECT y.task_id, y.item_key FROM annotation_assignment y WHERE y.seat_id = %s AND y.state < 3)
SELECT t.id, CASE WHEN r.one_task_per_item THEN t.item_id ELSE t.id END, i.language,
       (SELECT COUNT(*) FROM projects_itemtag g WHERE g.item_id = t.item_id AND g.tag IN ({barred}))
FROM annotation_task t JOIN annotation_round r ON r.id = t.round_id JOIN projects_item i ON i.id = t.item_id
WHERE t.round_id = %s AND t.kind = 'gold'
  AND t.id NOT IN (SELECT task_id FROM met)
  AND CASE WHEN r.one_task_per_item THEN t.item_id ELSE t.id END NOT IN (SELECT item_key FROM met)
ORDER BY t.id"""
# This rater's own judged tasks that were not repeated yet, without the last few: those are still in mind.
REPEATABLE = """
SELECT a.task_id, a.item_key
FROM annotation_assignment a
WHERE a.seat_id = %s AND a.state = 1 AND a.purpose = 'normal' AND a.occasion = 0
  AND NOT EXISTS (SELECT 1 FROM annotation_assignment y
                  WHERE y.seat_id = a.seat_id AND y.item_key = a.item_key AND y.occasion > 0 AND y.state < 3)
ORDER BY a.id DESC LIMIT %s OFFSET %s"""

# (whether a judgment of the round is still wanted, whether others hold a slot that this rater may get). Of those that
# are held the first `look` are looked at, newest lease first.
LEFT = f"""
SELECT CASE WHEN EXISTS (SELECT 1 FROM annotation_slot x WHERE x.round_id = %(round)s AND x.state = 0)
              OR EXISTS (SELECT 1 FROM annotation_slot x WHERE x.round_id = %(round)s AND x.state = 1)
            THEN 1 ELSE 0 END,
       CASE WHEN EXISTS (SELECT 1 FROM (
         SELECT x.item_key, x."group" FROM annotation_slot x WHERE x.round_id = %(round)s AND x.state = 1
         ORDER BY x.lease_until DESC LIMIT %(look)s) x
         WHERE x."group" IN ({{lanes}}) AND {_OPEN_TO_ME}) THEN 1 ELSE 0 END"""  # noqa: S608 - our own parts

SHIFT_TALLY = "UPDATE annotation_sidetally SET d = d + %s WHERE seat_id = %s AND pair = %s"

# -- taking a task: one statement on PostgreSQL (TAKE), one after the other on SQLite

_TALLY = """
INSERT INTO annotation_sidetally (seat_id, pair, d, last) {source}
ON CONFLICT (seat_id, pair) DO UPDATE SET d = excluded.d, last = excluded.last"""
_ASSIGNMENT = """
INSERT INTO annotation_assignment
  (public_id, seat_id, task_id, slot_id, item_key, occasion, purpose, state, lease_until, shown_order,
   order_known, strategy, probability, draw_note, presentation_digest, version, skip_reason, created_at)
VALUES (%(public_id)s, %(seat)s, %(task)s, %(slot)s, %(item_key)s, %(occasion)s, %(purpose)s, 0, %(lease_until)s,
        %(order)s, TRUE, %(strategy)s, %(probability)s, %(note)s, %(digest)s, 0, '', %(now)s) RETURNING id"""
_SEAT = """
UPDATE annotation_seat
SET cursor = %(cursor)s, looked = %(looked)s, n_assigned = n_assigned + 1, n_judged = n_judged + %(uncounted)s
WHERE id = %(seat)s"""
SET_TALLY = _TALLY.format(source="VALUES (%(seat)s, %(pair)s, %(d)s, %(step)s)")
INSERT_ASSIGNMENT = _ASSIGNMENT
LEASE_SLOT = """
UPDATE annotation_slot SET state = 1, lease_until = %(lease_until)s, holder = %(assignment)s
WHERE id = %(slot)s AND state IN (0, 1)"""
MOVE_SEAT = _SEAT
SET_NEXT = "UPDATE annotation_judgment SET next_assignment = %s WHERE id = %s"
# Gives the assignment, and 1 when its slot was leased.
_TALLY_IF_ANY = "SELECT %(seat)s, %(pair)s, %(d)s::smallint, %(step)s::smallint WHERE %(d)s::smallint IS NOT NULL"
TAKE = f"""
WITH tally AS ({_TALLY.format(source=_TALLY_IF_ANY)}
), given AS ({_ASSIGNMENT}
), leased AS (
  UPDATE annotation_slot SET state = 1, lease_until = %(lease_until)s, holder = (SELECT id FROM given)
  WHERE id = %(slot)s AND state IN (0, 1) RETURNING id
), moved AS ({_SEAT}
), linked AS (
  UPDATE annotation_judgment SET next_assignment = (SELECT id FROM given) WHERE id = %(judgment)s
)
SELECT given.id, (SELECT COUNT(*) FROM leased) FROM given"""  # noqa: S608 - our own parts

# -- judging: the same

CLOSE_SLOT = """
UPDATE annotation_slot SET state = 2, lease_until = NULL, holder = NULL
WHERE id = %s AND state = 1 AND holder = %s"""
JUDGE_ASSIGNMENT = """
UPDATE annotation_assignment SET state = 1, closed_at = %s, lease_until = NULL, draft = NULL, version = version + 1
WHERE id = %s AND state = 0"""
_JUDGMENT_COLUMNS = """assignment_id, seat_id, revision, current, key, digest, late, submitted_at, seconds,
   active_seconds, events"""
INSERT_JUDGMENT = f"""
INSERT INTO annotation_judgment ({_JUDGMENT_COLUMNS})
VALUES (%(assignment)s, %(seat)s, %(revision)s, TRUE, %(key)s, %(digest)s, %(late)s, %(now)s, %(seconds)s,
        %(active_seconds)s, %(events)s) RETURNING id"""  # noqa: S608 - our own parts
_RATING_COLUMNS = "judgment_id, criterion_id, target, number, label, data, cannot_judge"
INSERT_RATINGS = f"INSERT INTO annotation_rating ({_RATING_COLUMNS}) VALUES "  # noqa: S608 - our own parts
RATING_ROW = "(%s, %s, %s, %s, %s, %s, %s)"
INSERT_TEXTS = "INSERT INTO annotation_freetext (judgment_id, criterion_id, target, kind, text) VALUES "
TEXT_ROW = "(%s, %s, %s, %s, %s)"
# Gives the judgment, or no row when the slot is not this assignment's any more.
JUDGE = f"""
WITH closed AS (
  UPDATE annotation_slot SET state = 2, lease_until = NULL, holder = NULL
  WHERE id = %(slot)s AND state = 1 AND holder = %(assignment)s RETURNING id
), judged AS (
  UPDATE annotation_assignment
  SET state = 1, closed_at = %(now)s, lease_until = NULL, draft = NULL, version = version + 1
  WHERE id = %(assignment)s AND state = 0 AND (slot_id IS NULL OR slot_id = (SELECT id FROM closed))
  RETURNING id
), judgment AS (
  INSERT INTO annotation_judgment ({_JUDGMENT_COLUMNS})
  SELECT judged.id, %(seat)s, 1, TRUE, %(key)s, %(digest)s, %(late)s, %(now)s, %(seconds)s::float8,
         %(active_seconds)s::float8, %(events)s::jsonb FROM judged
  RETURNING id
), ratings AS (
  INSERT INTO annotation_rating ({_RATING_COLUMNS})
  SELECT judgment.id, u.criterion, u.target, u.number, u.label, u.data::jsonb, u.cannot_judge
  FROM judgment CROSS JOIN unnest(%(criteria)s::bigint[], %(targets)s::text[], %(numbers)s::float8[],
    %(labels)s::text[], %(data)s::text[], %(cannot_judge)s::boolean[])
    AS u(criterion, target, number, label, data, cannot_judge)
)
SELECT id FROM judgment"""  # noqa: S608 - our own parts

MOVE_ON = "UPDATE annotation_seat SET cursor = %s, looked = %s WHERE id = %s"
COUNT_JUDGED = "UPDATE annotation_seat SET n_judged = n_judged + %s WHERE id = %s"
PAUSE_SEAT = "UPDATE annotation_seat SET state = 'paused', paused_reason = %s WHERE id = %s AND state = 'active'"
RETIRE_JUDGMENT = "UPDATE annotation_judgment SET current = FALSE WHERE assignment_id = %s AND current"
BUMP_VERSION = "UPDATE annotation_assignment SET version = version + 1, draft = NULL WHERE id = %s"

SKIP_ASSIGNMENT = """
UPDATE annotation_assignment SET state = 2, closed_at = %s, skip_reason = %s WHERE id = %s AND state = 0"""
FREE_SLOT = "UPDATE annotation_slot SET lease_until = %s WHERE id = %s AND state = 1 AND holder = %s"
SHOWN = f"""
SELECT t.pair, a.shown_order, {_TURNED} FROM annotation_assignment a JOIN annotation_task t ON t.id = a.task_id
WHERE a.id = %s"""  # noqa: S608 - our own parts
