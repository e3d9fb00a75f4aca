"""What became of an act, told as a message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest

from projects.errors import ServiceError


@contextmanager
def telling(request: HttpRequest, said: str) -> Iterator[None]:
    """`said`, where the service within did what it was asked; else why it refused, in its own words."""
    try:
        yield
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, said)
