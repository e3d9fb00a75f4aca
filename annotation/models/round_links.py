"""Links by which people make an account and become raters of one round."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotation.models.crowd import new_token
from annotation.models.rounds import Round


class RoundLink(models.Model):
    """For one address, or for so many people. The secret of the address is worked out from `key` and the server's own
    secret (`services.round_links`), so the table alone lets nobody in, and a lead can see the link again."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="rater_links")
    key = models.CharField(max_length=32, unique=True, default=new_token)
    email = models.EmailField(blank=True, help_text="Empty: whoever holds the link, while there are places.")
    # What whoever comes in by it can judge, where the list of addresses said so.
    qualifications = models.JSONField(default=list, blank=True)
    languages = models.JSONField(default=list, blank=True)
    places = models.PositiveIntegerField()
    n_used = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(n_used__lte=F("places")), name="roundlink_within_places"),
            models.CheckConstraint(condition=Q(email="") | Q(places=1), name="roundlink_address_is_one_place"),
        ]

    def __str__(self) -> str:
        return f"rater link {self.pk} of round {self.round_id}"
