from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from projects.models.project import Project


class ImportMapping(models.Model):
    """How the columns of a table are read, under a name, for the next table like it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mappings")
    name = models.CharField(max_length=100)
    columns = models.JSONField(default=dict, help_text="Column → role.")
    defaults = models.JSONField(default=dict, blank=True, help_text="System and metric of all rows.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="importmapping_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="importmapping_named"),
        ]

    def __str__(self) -> str:
        return self.name


class ImportBatch(models.Model):
    """One import: which file, read by whom, with what outcome. Every output knows its batch."""

    class State(models.TextChoices):
        PREVIEW = "preview", _("Waiting for confirmation")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    format = models.CharField(max_length=40)
    file_name = models.CharField(max_length=300)
    file_digest = models.CharField(max_length=64)
    file_size = models.PositiveBigIntegerField(default=0)
    stored_as = models.CharField(max_length=200, blank=True, help_text="The uploaded file, until it is imported.")
    mapping = models.JSONField(default=dict, blank=True)
    tool = models.CharField(max_length=100, blank=True)
    tool_version = models.CharField(max_length=100, blank=True)
    run_id = models.CharField(max_length=200, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    problems = models.JSONField(default=list, blank=True)
    progress = models.PositiveIntegerField(default=0, help_text="Records read so far.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["preview", "running", "done", "failed"]), name="importbatch_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name
