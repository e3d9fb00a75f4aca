"""The statements of `claims`, once for both databases. `/*pg …*/` parts are for PostgreSQL only."""

from __future__ import annotations

import re
from functools import cache

_PG_ONLY = re.compile(r"/\*pg (.*?)\*/", re.S)


@cache
def for_vendor(statement: str, vendor: str) -> str:
    return _PG_ONLY.sub(r"\1" if vendor == "postgresql" else "", statement)


# The round is locked first, shared: a pause or a close waits for those who are submitting, and whoever comes after
# sees the new state. First, because a change of the round holds it alone and then touches seats.
LOCK_SEAT = """
SELECT s.id, s.round_id, s.state, s."group", s.cursor, s.n_assigned, s.n_judged,
       COALESCE(s.cap, r.cap_per_rater), r.state, r.lease_seconds, r.seed, r.strategy, r.mode,
       r.gold_rate, r.repeat_rate
FROM annotation_seat s JOIN annotation_round r ON r.id = s.round_id
WHERE s.id = %s /*pg FOR SHARE OF r FOR UPDATE OF s*/"""

UNSETTLED = """
SELECT a.id, a.state, a.slot_id, t.pair, a.shown_order,
       CASE WHEN x.state = 1 AND x.holder = a.id THEN 1 ELSE 0 END
FROM annotation_assignment a
JOIN annotation_task t ON t.id = a.task_id
LEFT JOIN annotation_slot x ON x.id = a.slot_id
WHERE a.seat_id = %s AND a.closed_at IS NULL AND a.state IN (0, 3)"""
RENEW_ASSIGNMENT = "UPDATE annotation_assignment SET lease_until = %s WHERE id = %s"
RENEW_SLOT = "UPDATE annotation_slot SET lease_until = %s WHERE id = %s AND state = 1 AND holder = %s"
CLOSE_ASSIGNMENT = "UPDATE annotation_assignment SET state = %s, closed_at = %s WHERE id = %s"

_CANDIDATE = """
SELECT x.id, x.task_id, x.item_key, x.pos, t.pair,
       (SELECT COUNT(*) FROM annotation_taskoutput o WHERE o.task_id = t.id)
FROM annotation_slot x JOIN annotation_task t ON t.id = x.task_id
WHERE x.round_id = %s AND x."group" = %s AND {where}
  AND NOT EXISTS (SELECT 1 FROM annotation_assignment y
                  WHERE y.seat_id = %s AND y.item_key = x.item_key AND y.state < 3)
ORDER BY {order} LIMIT 1 /*pg FOR UPDATE OF x SKIP LOCKED*/"""
WALK = _CANDIDATE.format(where="x.state = 0 AND x.pos > %s", order="x.pos, x.n")
FREED = _CANDIDATE.format(where="x.state = 1 AND x.lease_until <= %s", order="x.lease_until")
LOSE_HOLDER = """
UPDATE annotation_assignment SET state = 3
WHERE state = 0 AND id = (SELECT holder FROM annotation_slot WHERE id = %s)"""

# Gold tasks this rater has not met, nor another task that excludes them. Few, so all are read and the seed chooses.
GOLD = """
SELECT t.id, t.pair, (SELECT COUNT(*) FROM annotation_taskoutput o WHERE o.task_id = t.id),
       CASE WHEN r.one_task_per_item THEN t.item_id ELSE t.id END
FROM annotation_task t JOIN annotation_round r ON r.id = t.round_id
WHERE t.round_id = %s AND t.kind = 'gold'
  AND NOT EXISTS (SELECT 1 FROM annotation_assignment y
                  WHERE y.seat_id = %s AND y.state < 3
                    AND (y.task_id = t.id OR y.item_key = CASE WHEN r.one_task_per_item THEN t.item_id ELSE t.id END))
ORDER BY t.id"""
# This rater's own judged tasks that were not repeated yet, without the last few: those are still in mind.
REPEATABLE = """
SELECT a.task_id, t.pair, (SELECT COUNT(*) FROM annotation_taskoutput o WHERE o.task_id = t.id), a.item_key
FROM annotation_assignment a JOIN annotation_task t ON t.id = a.task_id
WHERE a.seat_id = %s AND a.state = 1 AND a.purpose = 'normal' AND a.occasion = 0
  AND NOT EXISTS (SELECT 1 FROM annotation_assignment y
                  WHERE y.seat_id = a.seat_id AND y.item_key = a.item_key AND y.occasion > 0 AND y.state < 3)
ORDER BY a.id DESC LIMIT %s OFFSET %s"""

# (slots not judged yet in the round, of these: slots of tasks this rater may still get)
LEFT = """
SELECT COUNT(*), COALESCE(SUM(CASE WHEN y.id IS NULL THEN 1 ELSE 0 END), 0)
FROM annotation_slot x
LEFT JOIN (SELECT MIN(a.id) AS id, a.item_key FROM annotation_assignment a
           WHERE a.seat_id = (SELECT id FROM annotation_seat WHERE round_id = %s AND id = %s) AND a.state < 3
           GROUP BY a.item_key) y ON y.item_key = x.item_key
WHERE x.round_id = %s AND x.state IN (0, 1)"""

TALLY = "SELECT d FROM annotation_sidetally WHERE seat_id = %s AND pair = %s"
MOVE_TALLY = "UPDATE annotation_sidetally SET d = %s, last = %s WHERE seat_id = %s AND pair = %s"
NEW_TALLY = "INSERT INTO annotation_sidetally (d, last, seat_id, pair) VALUES (%s, %s, %s, %s)"
SHIFT_TALLY = "UPDATE annotation_sidetally SET d = d + %s WHERE seat_id = %s AND pair = %s"

INSERT_ASSIGNMENT = """
INSERT INTO annotation_assignment
  (public_id, seat_id, task_id, slot_id, item_key, occasion, purpose, state, lease_until, shown_order,
   order_known, strategy, probability, presentation_digest, version, skip_reason, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, TRUE, %s, %s, '', 0, '', %s) RETURNING id"""
LEASE_SLOT = """
UPDATE annotation_slot SET state = 1, lease_until = %s, holder = %s WHERE id = %s AND state IN (0, 1)"""
MOVE_SEAT = "UPDATE annotation_seat SET cursor = %s, n_assigned = n_assigned + 1 WHERE id = %s"
SET_DIGEST = "UPDATE annotation_assignment SET presentation_digest = %s WHERE id = %s"

REPLAY = "SELECT digest, next_assignment, assignment_id FROM annotation_judgment WHERE seat_id = %s AND key = %s"
ASSIGNMENT = """
SELECT a.id, a.state, a.slot_id, a.purpose,
       (SELECT COALESCE(MAX(j.revision), 0) FROM annotation_judgment j WHERE j.assignment_id = a.id)
FROM annotation_assignment a WHERE a.public_id = %s AND a.seat_id = %s"""
LATENESS = "SELECT CASE WHEN lease_until < %s THEN 1 ELSE 0 END FROM annotation_slot WHERE id = %s"
CLOSE_SLOT = """
UPDATE annotation_slot SET state = 2, lease_until = NULL, holder = NULL
WHERE id = %s AND state = 1 AND holder = %s"""
JUDGE_ASSIGNMENT = """
UPDATE annotation_assignment SET state = 1, closed_at = %s, lease_until = NULL, draft = NULL, version = version + 1
WHERE id = %s AND state = 0"""
INSERT_JUDGMENT = """
INSERT INTO annotation_judgment
  (assignment_id, seat_id, revision, current, key, digest, late, submitted_at, seconds, active_seconds, events)
VALUES (%s, %s, %s, TRUE, %s, %s, %s, %s, %s, %s, %s) RETURNING id"""
INSERT_RATINGS = """
INSERT INTO annotation_rating (judgment_id, criterion_id, target, number, label, data, cannot_judge) VALUES """
RATING_ROW = "(%s, %s, %s, %s, %s, %s, %s)"
INSERT_TEXTS = "INSERT INTO annotation_freetext (judgment_id, criterion_id, target, kind, text) VALUES "
TEXT_ROW = "(%s, %s, %s, %s, %s)"
COUNT_JUDGED = "UPDATE annotation_seat SET n_judged = n_judged + 1 WHERE id = %s"
PAUSE_SEAT = "UPDATE annotation_seat SET state = 'paused', paused_reason = %s WHERE id = %s AND state = 'active'"
SET_NEXT = "UPDATE annotation_judgment SET next_assignment = %s WHERE id = %s"
RETIRE_JUDGMENT = "UPDATE annotation_judgment SET current = FALSE WHERE assignment_id = %s AND current"
BUMP_VERSION = "UPDATE annotation_assignment SET version = version + 1, draft = NULL WHERE id = %s"

SKIP_ASSIGNMENT = """
UPDATE annotation_assignment SET state = 2, closed_at = %s, skip_reason = %s WHERE id = %s AND state = 0"""
FREE_SLOT = "UPDATE annotation_slot SET lease_until = %s WHERE id = %s AND state = 1 AND holder = %s"
SHOWN = """
SELECT t.pair, a.shown_order FROM annotation_assignment a JOIN annotation_task t ON t.id = a.task_id
WHERE a.id = %s"""
