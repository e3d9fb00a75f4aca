"""Who judges what. The constraints here are the last line behind `annotation.claims`."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models.rounds import Round
from annotation.models.tasks import Task
from projects.models import Rater


def new_public_id() -> str:
    return secrets.token_urlsafe(12)


class Slot(models.Model):
    """One wanted judgment, a row made when the round opens. Overlap is exact because slots are rows."""

    class State(models.IntegerChoices):
        OPEN = 0, _("Open")
        LEASED = 1, _("Leased")
        JUDGED = 2, _("Judged")
        WITHDRAWN = 3, _("Withdrawn")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="slots")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="slots")
    n = models.PositiveSmallIntegerField()
    # Copies, so that the walk reads one index: the exclusion key, and the strategy's order.
    item_key = models.BigIntegerField()
    pos = models.BigIntegerField()
    group = models.CharField(max_length=30, blank=True)
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.OPEN)
    lease_until = models.DateTimeField(null=True, blank=True)
    # The live assignment that holds the slot. No foreign key: assignments point here, and a cycle would
    # make every claim two statements longer.
    holder = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "n"], name="slot_once"),
            models.CheckConstraint(condition=Q(state__in=[0, 1, 2, 3]), name="slot_state_known"),
            models.CheckConstraint(
                condition=~Q(state=1) | Q(holder__isnull=False, lease_until__isnull=False),
                name="slot_leased_has_holder",
            ),
        ]
        indexes = [
            models.Index(fields=["round", "group", "pos", "n"], condition=Q(state=0), name="slot_open"),
            models.Index(fields=["round", "lease_until"], condition=Q(state=1), name="slot_leased"),
        ]

    def __str__(self) -> str:
        return f"slot {self.task_id}/{self.n}"


class Seat(models.Model):
    """One rater in one round."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        TRAINING = "training", _("In training")
        FAILED = "failed", _("Training not passed")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="seats")
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="seats")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    group = models.CharField(max_length=30, blank=True)
    language = models.CharField(max_length=35, blank=True)
    eligibility = models.JSONField(default=dict, blank=True)
    cap = models.PositiveIntegerField(null=True, blank=True)
    cursor = models.BigIntegerField(default=0)
    # How far the search for an open slot is; empty where it begins anew. See `annotation.claim_search`.
    looked = models.SmallIntegerField(null=True, blank=True)
    n_assigned = models.PositiveIntegerField(default=0)
    n_judged = models.PositiveIntegerField(default=0)
    gold_at = models.PositiveIntegerField(null=True, blank=True)
    paused_reason = models.CharField(max_length=200, blank=True, default="", help_text="For the lead.")
    # Gold up to this assignment was looked at when the lead let the rater go on: only later gold can pause again.
    checked_until = models.BigIntegerField(default=0)
    # When the rater went on from the instructions of the round, whose guideline version never changes.
    guideline_read_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "rater"], name="seat_once"),
            models.CheckConstraint(
                condition=Q(state__in=["active", "training", "failed", "paused", "closed"]), name="seat_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.pk}"


class SideTally(models.Model):
    """How often one system of a pair was shown on the left more than the other, within a seat."""

    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="tallies")
    pair = models.CharField(max_length=60)
    d = models.SmallIntegerField(default=0)
    last = models.SmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seat", "pair"], name="sidetally_once"),
            models.CheckConstraint(condition=Q(d__gte=-1, d__lte=1), name="sidetally_balanced"),
        ]

    def __str__(self) -> str:
        return f"{self.seat_id} {self.pair}: {self.d}"


class Assignment(models.Model):
    """One task with one rater: the lease, what was shown where, and the draft."""

    class State(models.IntegerChoices):
        LIVE = 0, _("Live")
        JUDGED = 1, _("Judged")
        SKIPPED = 2, _("Skipped")
        LOST = 3, _("Lost")

    class Purpose(models.TextChoices):
        NORMAL = "normal", _("Normal")
        GOLD = "gold", _("Gold")
        TRAINING = "training", _("Training")
        REPEAT = "repeat", _("Repeat")
        IMPORTED = "imported", _("Imported")
        EXTRA = "extra", _("Extra")

    # No work on the round's tasks: a rater's own counts and times leave it out.
    APART: ClassVar[tuple[Purpose, ...]] = (Purpose.IMPORTED, Purpose.TRAINING)

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="assignments")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="assignments")
    slot = models.ForeignKey(Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments")
    item_key = models.BigIntegerField()
    occasion = models.PositiveIntegerField(default=0)
    purpose = models.CharField(max_length=8, choices=Purpose.choices, default=Purpose.NORMAL)
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.LIVE)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Canonical positions in the order shown: "10" shows the second output first.
    shown_order = models.CharField(max_length=10, default="0")
    order_known = models.BooleanField(default=True, help_text="False: imported without it; no position statistics.")
    strategy = models.CharField(max_length=20, blank=True)
    probability = models.FloatField(null=True, blank=True)
    draw_note = models.CharField(max_length=20, blank=True, default="", help_text="Why the probability is not known.")
    presentation_digest = models.CharField(max_length=64, blank=True)
    draft = models.JSONField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0, help_text="Optimistic lock of draft and revisions.")
    skip_reason = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seat", "item_key", "occasion"], condition=Q(state__lt=3), name="assignment_item_once"
            ),
            models.UniqueConstraint(fields=["slot"], condition=Q(state__lt=2), name="assignment_slot_once"),
            models.UniqueConstraint(fields=["seat"], condition=Q(state=0), name="assignment_one_live"),
            models.CheckConstraint(condition=Q(state__in=[0, 1, 2, 3]), name="assignment_state_known"),
            # Only normal work holds a slot, and normal work that counts always holds one.
            models.CheckConstraint(
                condition=Q(purpose="normal") | Q(slot__isnull=True), name="assignment_only_normal_holds_slot"
            ),
            models.CheckConstraint(
                condition=~Q(purpose="normal") | Q(slot__isnull=False) | Q(state__gte=2),
                name="assignment_normal_holds_slot",
            ),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__gt=0, probability__lte=1),
                name="assignment_probability_range",
            ),
        ]
        indexes = [
            # Live, or lost to somebody else without this rater having heard of it yet.
            models.Index(fields=["seat"], condition=Q(closed_at__isnull=True), name="assignment_unsettled"),
        ]

    def __str__(self) -> str:
        return self.public_id
