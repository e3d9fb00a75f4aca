"""Refusals in words. A service raises one of these; doors show its text as it stands."""

from __future__ import annotations

from config.refusals import Refusal


class ServiceError(Refusal):
    """The act was refused and nothing was changed. The message is a full sentence for the person."""


class Conflict(ServiceError):
    """Somebody else changed it first."""
