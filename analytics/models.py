"""What was concluded, and when: reports and gates, stored as they were built."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models import Round


class Report(models.Model):
    """A frozen set of results over a round. The body is the serialised report; nothing is computed from it."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="reports")
    number = models.PositiveIntegerField()
    built_at = models.DateTimeField()
    seed = models.BigIntegerField()
    options = models.JSONField(default=dict, blank=True)
    body = models.JSONField()
    digest = models.CharField(max_length=64, help_text="Of the body without the build time.")
    data_digest = models.CharField(max_length=64, help_text="Of the ratings it was built from.")
    built_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["round", "number"], name="report_once")]

    def __str__(self) -> str:
        return f"report {self.number} of round {self.round_id}"


class ReportRun(models.Model):
    """A report that a worker builds, or has built: how far it is, and what became of it."""

    class State(models.TextChoices):
        RUNNING = "running", _("Being built")
        DONE = "done", _("Built")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="report_runs")
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    seed = models.BigIntegerField(default=0)
    final_answers = models.BooleanField(default=False)
    step = models.CharField(max_length=100, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    report = models.ForeignKey(Report, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    problem = models.CharField(max_length=500, blank=True, help_text="Why it failed, in a sentence.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["round"], condition=models.Q(state="running"), name="reportrun_one_of_a_round"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["running", "done", "failed", "cancelled"]), name="reportrun_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"report run {self.pk}"


class Gate(models.Model):
    """Conditions for release, registered before the data."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="gates")
    definition = models.JSONField()
    digest = models.CharField(max_length=64)
    preregistered = models.BooleanField(help_text="Registered before the round was opened.")
    registered_at = models.DateTimeField()
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["round"], condition=models.Q(preregistered=True), name="gate_one_preregistered"
            )
        ]

    def __str__(self) -> str:
        return f"gate of round {self.round_id}"
