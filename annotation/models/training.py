"""Practice before the first task: how often a rater tried, and how each try went."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models.assignments import Assignment, Seat


class TrainingTry(models.Model):
    """One go of a rater through the training tasks of a round."""

    class State(models.TextChoices):
        RUNNING = "running", _("Under way")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Not passed")
        WAVED = "waved", _("Let through")

    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="training_tries")
    n = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.RUNNING)
    right = models.PositiveIntegerField(default=0, help_text="Known answers that were given.")
    asked = models.PositiveIntegerField(default=0)
    # The lead let the rater try again: this try does not use up one of those that the round allows.
    forgiven = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["seat", "n"]
        constraints = [
            models.UniqueConstraint(fields=["seat", "n"], name="trainingtry_once"),
            models.UniqueConstraint(fields=["seat"], condition=Q(state="running"), name="trainingtry_one_running"),
            models.CheckConstraint(
                condition=Q(state__in=["running", "passed", "failed", "waved"]), name="trainingtry_state_known"
            ),
            models.CheckConstraint(condition=Q(right__lte=models.F("asked")), name="trainingtry_right_of_asked"),
        ]

    def __str__(self) -> str:
        return f"try {self.n} of seat {self.seat_id}"


class TrainingStep(models.Model):
    """One training task within a try."""

    attempt = models.ForeignKey(TrainingTry, on_delete=models.CASCADE, related_name="steps")
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="training_step")
    right = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: not answered yet.")
    asked = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(right__isnull=True) | Q(right__lte=models.F("asked")), name="trainingstep_right_of_asked"
            ),
        ]

    def __str__(self) -> str:
        return f"step {self.assignment_id}"
