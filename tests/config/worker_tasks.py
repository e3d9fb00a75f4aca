"""Tasks for the tests of the worker: a real worker process finds them by their path."""

from __future__ import annotations

import time
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import transaction

from config.background.tasks import durable, settle


def told(why: str, name: str, *rest: object) -> None:
    Group.objects.create(name=f"{name}: {why}"[:150])


@durable(gave_up=told)
def add(name: str, *rest: object) -> None:
    """What it is for: one group of this name, in the transaction that settles it."""
    with transaction.atomic():
        settle()
        Group.objects.create(name=name)


@durable(gave_up=told)
def add_slowly(name: str, marker: str) -> None:
    """The first attempt stops in the middle of its transaction, until its worker is killed."""
    first = not Path(marker).exists()
    with transaction.atomic():
        settle()
        Group.objects.create(name=name)
        if first:
            Path(marker).touch()
            time.sleep(60)


@durable(gave_up=told)
def stop_after(name: str, marker: str) -> None:
    """Does its work, and is killed before it can return."""
    add.call(name)
    Path(marker).touch()
    time.sleep(60)


@durable(gave_up=told)
def fail(name: str) -> None:
    raise ValueError("A fault of ours.")
