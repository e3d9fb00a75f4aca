from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from projects.models.imports import ImportBatch
from projects.models.project import Project
from projects.models.systems import Output, System


class Metric(models.Model):
    """A number, label or preference that a program or an LLM judge gives."""

    class Source(models.TextChoices):
        CODE = "code", _("Code")
        LLM = "llm", _("LLM judge")
        HUMAN = "human", _("Human")

    class Kind(models.TextChoices):
        NUMBER = "number", _("Number")
        BOOL = "bool", _("Yes or no")
        LABEL = "label", _("Label")
        PREFERENCE = "preference", _("Preference between two")

    class Direction(models.TextChoices):
        HIGHER = "higher", _("Higher is better")
        LOWER = "lower", _("Lower is better")
        UNKNOWN = "unknown", _("Unknown")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="metrics")
    key = models.CharField(max_length=150)
    source = models.CharField(max_length=5, choices=Source.choices, default=Source.CODE)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.NUMBER)
    scale_min = models.FloatField(null=True, blank=True)
    scale_max = models.FloatField(null=True, blank=True)
    threshold = models.FloatField(null=True, blank=True)
    direction = models.CharField(max_length=7, choices=Direction.choices, default=Direction.UNKNOWN)
    criterion_key = models.SlugField(max_length=60, blank=True, help_text="The criterion it answers as well.")
    config = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="metric_once"),
            models.CheckConstraint(
                condition=Q(scale_min__isnull=True)
                | Q(scale_max__isnull=True)
                | Q(scale_min__lt=models.F("scale_max")),
                name="metric_scale_ordered",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class AutomatedScore(models.Model):
    """What a metric gave to one output, to a pair of outputs, or to a whole run of a system.

    No value with a `missing_reason` is a missing score: it is never zero."""

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="scores")
    # Identity of the score for idempotent import: target, turn, order of showing, judge.
    key = models.CharField(max_length=64)
    output = models.ForeignKey(Output, null=True, blank=True, on_delete=models.CASCADE, related_name="scores")
    output_b = models.ForeignKey(Output, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    system = models.ForeignKey(System, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    turn = models.PositiveIntegerField(null=True, blank=True)
    position = models.CharField(max_length=7, blank=True, help_text="a_first, b_first or empty for unknown.")
    number = models.FloatField(null=True, blank=True)
    label = models.CharField(max_length=200, blank=True)
    passed = models.BooleanField(null=True, blank=True)
    judge = models.CharField(max_length=200, blank=True)
    explanation = models.TextField(blank=True)
    missing_reason = models.CharField(max_length=300, blank=True)
    details = models.JSONField(default=dict, blank=True, help_text="The judge's cost, time, prompt and the like.")
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="scores")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["metric", "key"], name="score_once"),
            models.CheckConstraint(
                condition=Q(output__isnull=False, system__isnull=True)
                | Q(output__isnull=True, output_b__isnull=True, system__isnull=False),
                name="score_has_one_target",
            ),
            models.CheckConstraint(condition=Q(position__in=["", "a_first", "b_first"]), name="score_position_known"),
            models.CheckConstraint(
                condition=~Q(missing_reason="") | Q(number__isnull=False) | ~Q(label=""),
                name="score_value_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"score {self.pk}"
