"""What every refusal in words has in common. It imports nothing, so that every app can build on it."""

from __future__ import annotations


class Refusal(Exception):
    """The act was refused and nothing was changed. The message is a full sentence for the person."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
