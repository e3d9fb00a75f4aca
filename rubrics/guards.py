"""Frozen means frozen: a published version with its criteria and levels, and a published guideline."""

from __future__ import annotations

from projects.guards import Guard, changed

_FROZEN = "A published rubric version never changes: make a new version."


def _version_is_frozen(row: str) -> str:
    return f"(SELECT v.status FROM rubrics_rubricversion v WHERE v.id = {row}.version_id) <> 'draft'"  # noqa: S608


def _criterion_is_frozen(row: str) -> str:
    join = "rubrics_rubricversion v JOIN rubrics_criterion c ON c.version_id = v.id"
    return f"(SELECT v.status FROM {join} WHERE c.id = {row}.criterion_id) <> 'draft'"  # noqa: S608


GUARDS: list[Guard] = [
    # Status may go on (published → superseded → archived) but never back to draft.
    Guard(
        "guard_version_update",
        "rubrics_rubricversion",
        "UPDATE",
        "OLD.status <> 'draft' AND (NEW.status = 'draft' OR "
        + changed("rubric_id", "number", "notes", "digest", "published_at")
        + ")",
        _FROZEN,
    ),
    Guard("guard_version_delete", "rubrics_rubricversion", "DELETE", "OLD.status <> 'draft'", _FROZEN),
    Guard("guard_criterion_insert", "rubrics_criterion", "INSERT", _version_is_frozen("NEW"), _FROZEN),
    Guard(
        "guard_criterion_update",
        "rubrics_criterion",
        "UPDATE",
        f"{_version_is_frozen('OLD')} OR {_version_is_frozen('NEW')}",
        _FROZEN,
    ),
    Guard("guard_criterion_delete", "rubrics_criterion", "DELETE", _version_is_frozen("OLD"), _FROZEN),
    Guard("guard_level_insert", "rubrics_level", "INSERT", _criterion_is_frozen("NEW"), _FROZEN),
    Guard(
        "guard_level_update",
        "rubrics_level",
        "UPDATE",
        f"{_criterion_is_frozen('OLD')} OR {_criterion_is_frozen('NEW')}",
        _FROZEN,
    ),
    Guard("guard_level_delete", "rubrics_level", "DELETE", _criterion_is_frozen("OLD"), _FROZEN),
    Guard(
        "guard_guideline_update",
        "rubrics_guideline",
        "UPDATE",
        "OLD.published_at IS NOT NULL AND " + changed("project_id", "name", "number", "text", "digest", "published_at"),
        "Published guidelines never change: write a new version.",
    ),
    Guard(
        "guard_guideline_delete",
        "rubrics_guideline",
        "DELETE",
        "OLD.published_at IS NOT NULL",
        "Published guidelines never change: write a new version.",
    ),
]
