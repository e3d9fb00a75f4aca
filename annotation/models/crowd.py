"""People who come by a link from a crowd platform: no account, one round, an id that the platform gave."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models.assignments import Seat
from annotation.models.rounds import Round


def new_token() -> str:
    return secrets.token_urlsafe(16)


class JoinLink(models.Model):
    """The link of a round, what it asks consent to, and what participants are told at the end."""

    class Platform(models.TextChoices):
        PROLIFIC = "prolific", _("Prolific")
        MTURK = "mturk", _("Mechanical Turk")
        OTHER = "other", _("Another")

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="join_link")
    token = models.CharField(max_length=32, unique=True, default=new_token)
    is_open = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    platform = models.CharField(max_length=8, choices=Platform.choices, default=Platform.PROLIFIC)
    # Names of the parameters in the address: whose participation it is, and of which study and session.
    id_parameter = models.CharField(max_length=40)
    study_parameter = models.CharField(max_length=40, blank=True)
    session_parameter = models.CharField(max_length=40, blank=True)
    consent = models.TextField()
    consent_version = models.PositiveIntegerField(default=1)
    cap = models.PositiveIntegerField(null=True, blank=True, help_text="Tasks for one participant.")
    places = models.PositiveIntegerField(null=True, blank=True, help_text="Participants in all.")
    # What is shown at the end, by how it ended: judged; screened out; no consent.
    done_code = models.CharField(max_length=100, blank=True)
    done_url = models.URLField(max_length=500, blank=True)
    out_code = models.CharField(max_length=100, blank=True)
    out_url = models.URLField(max_length=500, blank=True)
    declined_code = models.CharField(max_length=100, blank=True)
    declined_url = models.URLField(max_length=500, blank=True)
    n_declined = models.PositiveIntegerField(default=0, help_text="Who did not consent is counted and not kept.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(consent=""), name="joinlink_asks_consent"),
            models.CheckConstraint(condition=~Q(id_parameter=""), name="joinlink_names_participants"),
        ]

    def __str__(self) -> str:
        return f"join link of round {self.round_id}"


class Participant(models.Model):
    """Who came by the link and consented. The platform's id is the rater's `external_id` until it is erased."""

    class Outcome(models.TextChoices):
        NONE = "", _("Under way")
        DONE = "done", _("Done")
        OUT = "out", _("Screened out")

    link = models.ForeignKey(JoinLink, on_delete=models.CASCADE, related_name="participants")
    seat = models.OneToOneField(Seat, on_delete=models.PROTECT, related_name="participant")
    study = models.CharField(max_length=200, blank=True)
    session = models.CharField(max_length=200, blank=True)
    consent_version = models.PositiveIntegerField()
    consented_at = models.DateTimeField()
    outcome = models.CharField(max_length=4, choices=Outcome.choices, blank=True, default=Outcome.NONE)
    ended_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=["", "done", "out"]), name="participant_outcome_known"),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(study="", session=""), name="participant_erased_is_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"participant {self.pk}"
