"""What was concluded, and when: reports and gates, stored as they were built."""

from __future__ import annotations

from django.conf import settings
from django.db import models

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
