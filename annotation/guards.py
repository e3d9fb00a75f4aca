"""Judgments are append-only, and a closed round takes no new work."""

from __future__ import annotations

from projects.guards import Guard, changed, never

ADJUDICATION_GUARDS: list[Guard] = [
    Guard(
        "guard_adjudication_update",
        "annotation_adjudication",
        "UPDATE",
        changed("task_id", "criterion_id", "target", "revision", "number", "label", "data", "unsettled", "withdrawn"),
        "An adjudication never changes: a new ruling is a new revision.",
    ),
    *never(
        "guard_adjudication", "annotation_adjudication", "DELETE", "An adjudication is never deleted: take it back."
    ),
]
GUARDS: list[Guard] = [
    # `current` and `next_assignment` are the only columns that move on.
    Guard(
        "guard_judgment_update",
        "annotation_judgment",
        "UPDATE",
        changed("assignment_id", "seat_id", "revision", "key", "digest", "late", "submitted_at"),
        "A judgment never changes: a change of mind is a new revision.",
    ),
    Guard(
        "guard_judgment_closed",
        "annotation_judgment",
        "INSERT",
        "(SELECT r.state FROM annotation_round r JOIN annotation_seat s ON s.round_id = r.id "
        "WHERE s.id = NEW.seat_id) = 'closed' AND "
        "(SELECT a.purpose FROM annotation_assignment a WHERE a.id = NEW.assignment_id) <> 'imported'",
        "The round is closed: it takes no more judgments.",
    ),
    *never("guard_judgment", "annotation_judgment", "DELETE", "A judgment is never deleted."),
    *never("guard_rating", "annotation_rating", "UPDATE DELETE", "A rating never changes."),
    *ADJUDICATION_GUARDS,
    # What a round measures is fixed once it has been opened; a change opens a successor round.
    Guard(
        "guard_round_update",
        "annotation_round",
        "UPDATE",
        "OLD.opened_at IS NOT NULL AND ("
        + changed("rubric_version_id", "guideline_id", "mode", "seed", "one_task_per_item", "opened_at", "design")
        + " OR NEW.overlap < OLD.overlap)",
        "An open round keeps its rubric, guideline, mode, seed and sample: open a successor round.",
    ),
]
