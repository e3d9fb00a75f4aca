"""A report and a registered gate stay as they were written."""

from __future__ import annotations

from projects.guards import Guard, changed

GUARDS: list[Guard] = [
    Guard(
        "guard_report_update",
        "analytics_report",
        "UPDATE",
        changed("round_id", "number", "built_at", "seed", "options", "body", "digest", "data_digest"),
        "A report never changes: build a new one.",
    ),
    Guard(
        "guard_gate_update",
        "analytics_gate",
        "UPDATE",
        changed("round_id", "definition", "digest", "preregistered", "registered_at"),
        "A registered gate never changes.",
    ),
]
