from __future__ import annotations

from django.db import models

from annotation.models.rounds import Round
from annotation.models.tasks import Task
from rubrics.models import Criterion


class DisagreementOrder(models.Model):
    """What the stored order of a round's disagreements was worked out from. Judgments, exclusions and final answers
    are the truth; this and its rows can be worked out from them at any time."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="disagreement_order")
    # Each working out writes rows of a generation of its own; that which stands is what pages read.
    generation = models.PositiveIntegerField(default=0, help_text="The one that stands; 0: none yet.")
    last_generation = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(null=True, blank=True)
    last_judgment = models.BigIntegerField(default=0)
    n_recent = models.PositiveIntegerField(default=0, help_text="Judgments among the last numbers up to that one.")
    rest = models.CharField(max_length=120, blank=True, default="", help_text="What else it was worked out from.")
    changes = models.PositiveIntegerField(default=0, help_text="How often wanted judgments were changed.")
    failures = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return f"disagreements of round {self.round_id}"


class Disagreement(models.Model):
    """One disagreement and its place in the order, what matters most first."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="disagreements", db_index=False)
    generation = models.PositiveIntegerField()
    rank = models.PositiveIntegerField()
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_index=False)
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.CharField(max_length=12, blank=True, default="")
    settled = models.BooleanField(default=False, help_text="A final answer stands.")
    distance = models.FloatField()
    share = models.FloatField()
    values = models.JSONField(default=list, help_text="What each rater answered, canonical.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "generation", "settled", "rank"], name="disagreement_rank_once"),
            models.UniqueConstraint(fields=["task", "criterion", "target", "generation"], name="disagreement_once"),
        ]

    def __str__(self) -> str:
        return f"disagreement {self.rank} of round {self.round_id}"
