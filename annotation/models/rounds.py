from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from projects.models import Item, Project, System
from rubrics.models import Guideline, RubricVersion


def new_seed() -> int:
    return secrets.randbelow(2**31)


def new_public_id() -> str:
    return secrets.token_urlsafe(9)


class Round(models.Model):
    """One run of judging. It keeps no counters: counts are read from the rows."""

    class Mode(models.TextChoices):
        SCORE = "score", _("Score one output")
        COMPARE = "compare", _("Compare two outputs")
        RANK = "rank", _("Rank several outputs")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")

    # It has opened and has not closed: what it holds is in use.
    GOING: ClassVar[tuple[State, ...]] = (State.OPEN, State.PAUSED)

    class Design(models.TextChoices):
        CENSUS = "census", _("Census")
        RANDOM = "random", _("Random sample")
        STRATIFIED = "stratified", _("Stratified sample")
        WEIGHTED = "weighted", _("Weighted sample")
        UNKNOWN = "unknown", _("Unknown")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    slug = models.SlugField(max_length=100)
    # What raters' addresses show instead of the slug, which may name a system.
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    name = models.CharField(max_length=200)
    # Shown to raters, so it must name no system.
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=7, choices=Mode.choices)
    rubric_version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="rounds")
    guideline = models.ForeignKey(Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="rounds")
    state = models.CharField(max_length=6, choices=State.choices, default=State.DRAFT)
    is_pilot = models.BooleanField(default=False)
    overlap = models.PositiveSmallIntegerField(default=1)
    strategy = models.CharField(max_length=20, default="balanced")
    seed = models.PositiveBigIntegerField(default=new_seed)
    lease_seconds = models.PositiveIntegerField(default=1800)
    gold_rate = models.FloatField(default=0)
    repeat_rate = models.FloatField(default=0)
    cap_per_rater = models.PositiveIntegerField(null=True, blank=True)
    # One task of an item per rater; off by default, so that three systems × overlap 3 can finish with three raters.
    one_task_per_item = models.BooleanField(default=False)
    show_reference = models.BooleanField(default=False)
    raters_see_own_figures = models.BooleanField(default=False)
    planned_seconds = models.PositiveIntegerField(default=45, help_text="Expected time a judgment, for planning.")
    baseline = models.ForeignKey(System, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The sample: what inference weights by.
    design = models.CharField(max_length=10, choices=Design.choices, default=Design.CENSUS)
    frame_size = models.PositiveIntegerField(null=True, blank=True)
    frame_digest = models.CharField(max_length=64, blank=True)
    # A successor judges the same tasks with another rubric or guideline version.
    predecessor = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="successors")
    only_criteria = models.JSONField(default=list, blank=True, help_text="Keys re-rated; empty: all.")
    options = models.JSONField(default=dict, blank=True, help_text="Such as alt_test: {epsilon, scoring}.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="round_once"),
            models.CheckConstraint(condition=Q(overlap__gte=1, overlap__lte=100), name="round_overlap_range"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "open", "paused", "closed"]), name="round_state_known"
            ),
            models.CheckConstraint(condition=Q(mode__in=["score", "compare", "rank"]), name="round_mode_known"),
            models.CheckConstraint(
                condition=Q(gold_rate__gte=0, gold_rate__lte=0.5, repeat_rate__gte=0, repeat_rate__lte=0.5),
                name="round_rates_range",
            ),
            models.CheckConstraint(condition=Q(lease_seconds__gte=60), name="round_lease_range"),
        ]

    def __str__(self) -> str:
        return self.name


class RoundSystem(models.Model):
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="round_systems")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "system"], name="roundsystem_once")]

    def __str__(self) -> str:
        return f"{self.round_id}/{self.system_id}"


class RoundItem(models.Model):
    """An item drawn into a round, with the chance it had to be drawn."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="round_items")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    inclusion_probability = models.FloatField(null=True, blank=True, help_text="Empty: unknown.")
    stratum = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "item"], name="rounditem_once"),
            models.CheckConstraint(
                condition=Q(inclusion_probability__isnull=True)
                | Q(inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="rounditem_probability_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round_id}/{self.item_id}"


class Unblinding(models.Model):
    """A lead has had it shown who answered what. It cannot be taken back, so the round cannot be reopened."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="unblinding")
    unblinded_at = models.DateTimeField()
    unblinded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"unblinding of round {self.round_id}"


class Renewal(models.Model):
    """When the order of an open round was worked out anew from its judgments, and when it is to be again. The claim
    never waits for it: it takes from the order as it stands."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="renewal")
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    n_judgments = models.PositiveIntegerField(default=0, help_text="That the order rests on.")
    words = models.CharField(max_length=300, blank=True, default="", help_text="What is least sure, for the lead.")

    def __str__(self) -> str:
        return f"order of round {self.round_id}"
