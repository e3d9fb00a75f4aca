"""Rubric → version → criterion → level, and guidelines. A published version never changes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from projects.models import Project


class Rubric(models.Model):
    """A named rubric of a project, or one shared by all (project empty)."""

    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="rubrics")
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], condition=Q(project__isnull=False), name="rubric_once"),
            models.UniqueConstraint(fields=["slug"], condition=Q(project__isnull=True), name="rubric_shared_once"),
        ]

    def __str__(self) -> str:
        return self.name


class RubricVersion(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        SUPERSEDED = "superseded", _("Superseded")
        ARCHIVED = "archived", _("Archived")

    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    notes = models.TextField(blank=True, help_text="What changed and why.")
    digest = models.CharField(max_length=64, blank=True, help_text="Of the canonical form, once published.")
    # Optimistic lock: an editor must name the edit it started from.
    edit = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["rubric", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rubric", "number"], name="rubricversion_once"),
            models.UniqueConstraint(fields=["rubric"], condition=Q(status="draft"), name="rubricversion_one_draft"),
            models.CheckConstraint(
                condition=Q(status="draft", published_at__isnull=True)
                | Q(status__in=["published", "superseded", "archived"], published_at__isnull=False),
                name="rubricversion_published_is_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rubric_id} v{self.number}"

    @property
    def is_frozen(self) -> bool:
        return self.status != self.Status.DRAFT


class Criterion(models.Model):
    """One question of a rubric. Its type is a module of `rubrics.criteria`."""

    class Measurement(models.TextChoices):
        NOMINAL = "nominal", _("Nominal (labels without order)")
        ORDINAL = "ordinal", _("Ordinal (order only)")
        INTERVAL = "interval", _("Interval (equal steps)")
        RATIO = "ratio", _("Ratio (equal steps from a true zero)")
        TEXT = "text", _("Text")

    class Scope(models.TextChoices):
        TASK = "task", _("The whole task")
        OUTPUT = "output", _("Each output")
        TURN = "turn", _("Each turn of an output")

    version = models.ForeignKey(RubricVersion, on_delete=models.CASCADE, related_name="criteria")
    key = models.SlugField(max_length=60)
    position = models.PositiveIntegerField()
    type = models.CharField(max_length=20)
    question = models.CharField(max_length=500)
    guidance = models.TextField(blank=True)
    level_of_measurement = models.CharField(max_length=8, choices=Measurement.choices)
    scope = models.CharField(max_length=6, choices=Scope.choices, default=Scope.TASK)
    required = models.BooleanField(default=True)
    allow_cannot_judge = models.BooleanField(default=False)
    weight = models.FloatField(default=1.0)
    shown_if = models.JSONField(null=True, blank=True)
    examples = models.JSONField(default=list, blank=True, help_text="[{text, verdict, positive}]")
    config = models.JSONField(default=dict, blank=True, help_text="What only this type needs.")

    class Meta:
        ordering = ["version", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="criterion_key_once"),
            models.CheckConstraint(condition=~Q(key="") & ~Q(question=""), name="criterion_named"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="criterion_weight_not_negative"),
            models.CheckConstraint(
                condition=Q(level_of_measurement__in=["nominal", "ordinal", "interval", "ratio", "text"]),
                name="criterion_measurement_known",
            ),
            models.CheckConstraint(condition=Q(scope__in=["task", "output", "turn"]), name="criterion_scope_known"),
        ]

    def __str__(self) -> str:
        return self.key


class Level(models.Model):
    """One answer of a scale or of a list. `code` names it in files and exports; `number` gives its order."""

    criterion = models.ForeignKey(Criterion, on_delete=models.CASCADE, related_name="levels")
    position = models.PositiveIntegerField()
    code = models.CharField(max_length=60)
    number = models.FloatField(null=True, blank=True)
    label = models.CharField(max_length=120)
    anchor = models.TextField(blank=True)
    example = models.TextField(blank=True)

    class Meta:
        ordering = ["criterion", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["criterion", "code"], name="level_code_once"),
            models.UniqueConstraint(
                fields=["criterion", "number"], condition=Q(number__isnull=False), name="level_number_once"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Guideline(models.Model):
    """One version of the instructions raters read. Published text never changes."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    name = models.CharField(max_length=100, default="Guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField()
    html = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    published_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "name", "number"], name="guideline_once")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"
