from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from projects.models.imports import ImportBatch
from projects.models.items import Item
from projects.models.project import Project


class System(models.Model):
    """What answered: a model, a prompt version, a pipeline."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="systems")
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=100, blank=True, default="")
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaced_by")
    description = models.CharField(max_length=300, blank=True)
    config = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="system_once"),
            models.CheckConstraint(condition=~Q(name=""), name="system_named"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}" if self.version else self.name


class Output(models.Model):
    """One system's response to one item, with what it took. The text is in its revisions."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="outputs")
    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="outputs")
    repeat = models.PositiveIntegerField(default=0, help_text="Trial or epoch number.")
    variant = models.CharField(max_length=200, blank=True, default="", help_text="Perturbation of the prompt.")
    has_text = models.BooleanField(default=True, help_text="False: known from scores or judgments only.")
    error = models.TextField(blank=True, help_text="An infrastructure error; never counted as a bad answer.")
    latency_ms = models.FloatField(null=True, blank=True)
    ttft_ms = models.FloatField(null=True, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    cost = models.FloatField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    raw = models.JSONField(default=dict, blank=True)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="outputs")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "system", "repeat", "variant"], name="output_once"),
            models.CheckConstraint(
                condition=(Q(latency_ms__isnull=True) | Q(latency_ms__gte=0))
                & (Q(ttft_ms__isnull=True) | Q(ttft_ms__gte=0))
                & (Q(cost__isnull=True) | Q(cost__gte=0)),
                name="output_measures_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"output {self.pk}"


class OutputRevision(models.Model):
    """The content of an output. Immutable: changed text or a redaction is a new revision."""

    class Kind(models.TextChoices):
        IMPORT = "import", _("As imported")
        CORRECTION = "correction", _("Corrected")
        REDACTION = "redaction", _("Redacted")

    output = models.ForeignKey(Output, on_delete=models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.IMPORT)
    text = models.TextField(blank=True)
    messages = models.JSONField(default=list, blank=True, help_text="Turns and tool calls, where there are some.")
    digest = models.CharField(max_length=64)
    html = models.TextField(blank=True, help_text="Rendered once, sanitised; what raters see.")
    reason = models.CharField(max_length=500, blank=True)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["output", "revision"], name="outputrevision_once"),
            models.UniqueConstraint(fields=["output"], condition=Q(current=True), name="outputrevision_one_current"),
        ]

    def __str__(self) -> str:
        return f"output {self.output_id} revision {self.revision}"
