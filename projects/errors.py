"""Refusals in words. A service raises one of these; doors show its text as it stands."""

from __future__ import annotations


class ServiceError(Exception):
    """The act was refused and nothing was changed. The message is a full sentence for the person."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Conflict(ServiceError):
    """Somebody else changed it first."""
