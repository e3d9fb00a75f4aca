from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models.assignments import Assignment, Seat
from projects.models import ImportBatch
from rubrics.models import Criterion


class Judgment(models.Model):
    """What a rater submitted. Append-only: a change of mind is a new revision."""

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="judgments")
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="judgments")
    revision = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    # Idempotency: the same key with the same digest is the same submit.
    key = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    next_assignment = models.BigIntegerField(null=True, blank=True)
    late = models.BooleanField(default=False)
    submitted_at = models.DateTimeField()
    seconds = models.FloatField(null=True, blank=True)
    active_seconds = models.FloatField(null=True, blank=True)
    events = models.JSONField(default=dict, blank=True, help_text="Such as use of the word diff.")
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="judgment_revision_once"),
            models.UniqueConstraint(fields=["assignment"], condition=Q(current=True), name="judgment_one_current"),
            models.UniqueConstraint(fields=["seat", "key"], name="judgment_key_once"),
            models.CheckConstraint(
                condition=(Q(seconds__isnull=True) | Q(seconds__gte=0))
                & (Q(active_seconds__isnull=True) | Q(active_seconds__gte=0)),
                name="judgment_seconds_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"judgment {self.pk}"


class Rating(models.Model):
    """The answer to one criterion about one target.

    `target` is empty for the whole task, `o0` for the first output shown, `o0t2` for its third turn.
    It records what was seen and chosen by shown position; systems are resolved in analysis."""

    judgment = models.ForeignKey(Judgment, on_delete=models.CASCADE, related_name="ratings")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=12, blank=True, default="")
    number = models.FloatField(null=True, blank=True)
    label = models.CharField(max_length=120, blank=True)
    data = models.JSONField(null=True, blank=True, help_text="Spans, rankings, several-of.")
    cannot_judge = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judgment", "criterion", "target"], name="rating_once"),
            models.CheckConstraint(
                condition=Q(cannot_judge=False) | Q(number__isnull=True, label="", data__isnull=True),
                name="rating_cannot_judge_is_no_value",
            ),
        ]
        indexes = [models.Index(fields=["criterion"], name="rating_criterion")]

    def __str__(self) -> str:
        return f"rating {self.pk}"


class FreeText(models.Model):
    """Words a rater wrote. In a table of its own, outside every digest, so that it can be erased."""

    class Kind(models.TextChoices):
        ANSWER = "answer", _("Answer to a text criterion")
        REASON = "reason", _("Reason for a rating")
        COMMENT = "comment", _("Comment on the task")

    judgment = models.ForeignKey(Judgment, on_delete=models.CASCADE, related_name="texts")
    criterion = models.ForeignKey(Criterion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=12, blank=True, default="")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    text = models.TextField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judgment", "criterion", "target", "kind"], name="freetext_once"),
            models.UniqueConstraint(
                fields=["judgment", "kind"], condition=Q(criterion__isnull=True), name="freetext_comment_once"
            ),
            models.CheckConstraint(condition=Q(erased_at__isnull=True) | Q(text=""), name="freetext_erased_is_empty"),
        ]

    def __str__(self) -> str:
        return f"text {self.pk}"
