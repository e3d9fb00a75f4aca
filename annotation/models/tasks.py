from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models.rounds import Round
from projects.models import Item, Output


class Task(models.Model):
    """One thing to judge: an ordered set of 1..n outputs of one item."""

    class Kind(models.TextChoices):
        NORMAL = "normal", _("Normal")
        GOLD = "gold", _("Gold")
        TRAINING = "training", _("Training")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="tasks")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.NORMAL)
    # The systems judged, as sorted ids: what sides are balanced over. Empty for one output.
    pair = models.CharField(max_length=60, blank=True)
    # Canonical identity of the outputs, so that the same task is made once.
    key = models.CharField(max_length=120)
    ordinal = models.PositiveIntegerField(default=0, help_text="Import order.")

    class Meta:
        ordering = ["ordinal", "id"]
        constraints = [
            models.UniqueConstraint(fields=["round", "key"], name="task_once"),
            models.CheckConstraint(condition=Q(kind__in=["normal", "gold", "training"]), name="task_kind_known"),
        ]
        indexes = [
            models.Index(fields=["round"], condition=Q(kind="gold"), name="task_gold"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class TaskOutput(models.Model):
    """An output of a task in canonical order. What a rater sees is the assignment's permutation of it."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="task_outputs")
    position = models.PositiveSmallIntegerField()
    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["task", "position"]
        constraints = [
            models.UniqueConstraint(fields=["task", "position"], name="taskoutput_position_once"),
            models.UniqueConstraint(fields=["task", "output"], name="taskoutput_output_once"),
            models.CheckConstraint(condition=Q(position__lte=9), name="taskoutput_position_range"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}[{self.position}]"
