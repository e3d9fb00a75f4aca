from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from projects.models.imports import ImportBatch
from projects.models.project import Project


class Item(models.Model):
    """What a system was asked. The text is in its revisions; the row is its identity."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    external_id = models.CharField(max_length=300)
    # The prompt family: the unit of independence. Defaults to the item's own external id.
    cluster = models.CharField(max_length=300)
    language = models.CharField(max_length=35, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="items")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "external_id"], name="item_external_once"),
            models.CheckConstraint(condition=~Q(external_id="") & ~Q(cluster=""), name="item_named"),
        ]
        indexes = [models.Index(fields=["project", "cluster"], name="item_cluster")]

    def __str__(self) -> str:
        return self.external_id


class ItemRevision(models.Model):
    """The content of an item. Immutable: a correction or a redaction is a new revision."""

    class Kind(models.TextChoices):
        IMPORT = "import", _("As imported")
        CORRECTION = "correction", _("Corrected")
        REDACTION = "redaction", _("Redacted")

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.IMPORT)
    messages = models.JSONField(default=list, help_text="[{role, content, tool_calls?}]")
    context = models.JSONField(default=list, help_text="Sources given with the prompt.")
    reference = models.JSONField(default=list, help_text="Reference answers, 0..n.")
    choices = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    html = models.TextField(blank=True, help_text="Rendered once, sanitised; what raters see.")
    reason = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "revision"], name="itemrevision_once"),
            models.UniqueConstraint(fields=["item"], condition=Q(current=True), name="itemrevision_one_current"),
        ]

    def __str__(self) -> str:
        return f"item {self.item_id} revision {self.revision}"


class ItemTag(models.Model):
    """A slice an item belongs to, such as `topic:refunds`."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=150)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "tag"], name="itemtag_once"),
            models.CheckConstraint(condition=~Q(tag=""), name="itemtag_named"),
        ]
        indexes = [models.Index(fields=["tag"], name="itemtag_tag")]

    def __str__(self) -> str:
        return self.tag


class ItemExclusion(models.Model):
    """An item left out of the rounds that open from now on: recorded, reversible. What has opened keeps it."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="exclusions")
    reason = models.CharField(max_length=500)
    excluded_at = models.DateTimeField(auto_now_add=True)
    excluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(lifted_at__isnull=True), name="itemexclusion_one_standing"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="itemexclusion_has_reason"),
        ]

    def __str__(self) -> str:
        return f"exclusion of item {self.item_id}"

    @classmethod
    def standing(cls) -> QuerySet[ItemExclusion]:
        """Those that count now."""
        return cls.objects.filter(lifted_at=None)
