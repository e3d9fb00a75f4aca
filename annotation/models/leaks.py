from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models.rounds import Round
from projects.models import Item, Output


class LeakDecision(models.Model):
    """What a lead decided about a word that tells which system answered: it stays, or its item stays out.

    It holds for the content it was made about (`digest`): other words are looked at anew. Taking the word out is
    a redaction, which is a revision of the item or output."""

    class Decision(models.TextChoices):
        ACCEPT = "accept", _("Stays")
        EXCLUDE = "exclude", _("Item left out of the round")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="leak_decisions")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    output = models.ForeignKey(Output, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)
    decision = models.CharField(max_length=7, choices=Decision.choices)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "item", "key"], condition=Q(output__isnull=True), name="leakdecision_item_once"
            ),
            models.UniqueConstraint(
                fields=["round", "output", "key"], condition=Q(output__isnull=False), name="leakdecision_output_once"
            ),
            models.CheckConstraint(condition=Q(decision__in=["accept", "exclude"]), name="leakdecision_known"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.decision}"
