from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from projects.models.project import Project


class Role(models.TextChoices):
    LEAD = "lead", _("Lead")
    REVIEWER = "reviewer", _("Reviewer")
    RATER = "rater", _("Rater")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """A person's role in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    # What the person may judge: rounds ask for them. Words of the project, such as "expert"; languages such as "de".
    qualifications = models.JSONField(default=list, blank=True)
    languages = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.project_id}"


class Invitation(models.Model):
    """A link that lets one person sign up into one project. Only the link's hash is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(blank=True, help_text="Empty: whoever holds the link may use it once.")
    role = models.CharField(max_length=10, choices=Role.choices)
    # What the new member can judge, where the list of addresses said so.
    qualifications = models.JSONField(default=list, blank=True)
    languages = models.JSONField(default=list, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"Invitation {self.pk} to project {self.project_id}"


class Rater(models.Model):
    """Who judged, under a pseudonym. Judgments hang on this row, never on the user, so that imported,
    unknown, crowd and erased raters are ordinary raters."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="raters")
    pseudonym = models.CharField(max_length=100)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="raters"
    )
    external_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null means none; unique
    identity_known = models.BooleanField(
        default=True, help_text="False: a slot of a file without rater ids. It gets no rater statistics."
    )
    erased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "pseudonym"], name="rater_pseudonym_once"),
            models.UniqueConstraint(
                fields=["project", "user"], condition=Q(user__isnull=False), name="rater_user_once"
            ),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                condition=Q(external_id__isnull=False),
                name="rater_external_once",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(user__isnull=True, external_id__isnull=True),
                name="rater_erased_has_no_identity",
            ),
        ]

    def __str__(self) -> str:
        return self.pseudonym
