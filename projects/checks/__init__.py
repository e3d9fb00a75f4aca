"""Checks of outputs that need no model: rules, patterns, and overlap with reference answers."""

from __future__ import annotations

from projects.checks import matching, patterns, structure, wording
from projects.checks.base import Check

CHECKS: dict[str, Check] = {
    check.key: check for module in (structure, patterns, wording, matching) for check in module.CHECKS
}
