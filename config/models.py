"""The one table of the project itself: who is at which task of the background work."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django_tasks_db.models import DBTaskResult


class TaskLease(models.Model):
    """What the queue of django-tasks lacks: a lease with its end, the attempts made, and a key that makes a task
    one of its kind."""

    task = models.OneToOneField(DBTaskResult, on_delete=models.CASCADE, related_name="lease")
    # Two requests to do the same thing name the same key, and it is done once.
    key = models.CharField(max_length=200, unique=True)
    worker = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: nobody is at it.")
    attempts = models.PositiveSmallIntegerField(default=0)
    # Set in the transaction in which the task does what it is for: a task that has it is never done again.
    done_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, help_text="Why it was given up, in words.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__isnull=True) | ~Q(worker=""), name="tasklease_held_by_somebody"),
        ]

    def __str__(self) -> str:
        return self.key
