from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_noop

from annotation.models.assignments import Assignment, Seat
from annotation.models.tasks import Task
from rubrics.models import Criterion


class GoldAnswer(models.Model):
    """The known answer of a gold or training task, by canonical output position."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="gold_answers")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=12, blank=True, default="")
    number = models.FloatField(null=True, blank=True)
    label = models.CharField(max_length=120, blank=True)
    data = models.JSONField(null=True, blank=True)
    tolerance = models.FloatField(default=0)
    explanation = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "criterion", "target"], name="goldanswer_once"),
            models.CheckConstraint(condition=Q(tolerance__gte=0), name="goldanswer_tolerance_range"),
        ]

    def __str__(self) -> str:
        return f"gold {self.task_id}/{self.criterion_id}"


class Flag(models.Model):
    """A rater says that something is wrong with a task itself."""

    class Reason(models.TextChoices):
        BROKEN = "broken", gettext_noop("The text is broken or cut off")
        LANGUAGE = "language", gettext_noop("I do not read this language")
        UNSAFE = "unsafe", gettext_noop("It is disturbing or unsafe")
        REVEALS = "reveals", gettext_noop("It shows which system answered")
        PRIVATE = "private", gettext_noop("It shows private data")
        OTHER = "other", gettext_noop("Something else")

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="flags")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["assignment"], condition=Q(resolved_at__isnull=True), name="flag_one_open")
        ]

    def __str__(self) -> str:
        return f"flag {self.pk}"


class Comment(models.Model):
    """A message between a rater and the lead about one assignment; it names no system."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="comments")
    # Empty: the rater of the assignment wrote it.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    from_rater = models.BooleanField(default=True)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(erased_at__isnull=True) | Q(text=""), name="comment_erased_is_empty")
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}"


class Adjudication(models.Model):
    """A reviewer's final answer to one criterion of a task, by canonical output position.

    It stands apart from raters' own ratings and is never counted in agreement."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="adjudications")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=12, blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    number = models.FloatField(null=True, blank=True)
    label = models.CharField(max_length=120, blank=True)
    data = models.JSONField(null=True, blank=True)
    # The reviewer says that it cannot be settled; or takes the last ruling back, and then no ruling is current.
    unsettled = models.BooleanField(default=False)
    withdrawn = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "criterion", "target", "revision"], name="adjudication_revision_once"
            ),
            models.UniqueConstraint(
                fields=["task", "criterion", "target"],
                condition=Q(current=True),
                name="adjudication_one_current",
            ),
            models.CheckConstraint(
                condition=Q(unsettled=False, withdrawn=False) | Q(number__isnull=True, label="", data__isnull=True),
                name="adjudication_without_answer_is_empty",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(current=False), name="adjudication_withdrawn_is_not_current"
            ),
        ]

    def __str__(self) -> str:
        return f"adjudication {self.pk}"


class RaterExclusion(models.Model):
    """A rater's work left out of a round's figures: recorded, reversible, and reported both ways."""

    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="exclusions")
    reason = models.CharField(max_length=500)
    excluded_at = models.DateTimeField(auto_now_add=True)
    excluded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seat"], condition=Q(lifted_at__isnull=True), name="exclusion_one_standing"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="exclusion_has_reason"),
        ]

    def __str__(self) -> str:
        return f"exclusion of seat {self.seat_id}"
