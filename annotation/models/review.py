from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.assignments import Assignment


class RevisionRequest(models.Model):
    """A reviewer sends a judgment back to its rater with a note. It is answered by the judgment's next revision; the
    judgment counts meanwhile as it stands."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="revision_requests")
    note = models.TextField()
    revision = models.PositiveIntegerField(help_text="The judgment's revision that was sent back.")
    sent_at = models.DateTimeField(auto_now_add=True)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "revision"],
                condition=Q(withdrawn_at__isnull=True),
                name="revisionrequest_once",
            ),
        ]

    def __str__(self) -> str:
        return f"request about assignment {self.assignment_id}"


class Reviewed(models.Model):
    """A reviewer is done with what was said about an assignment: it leaves the queue until more is said."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="reviewed")
    reviewed_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"assignment {self.assignment_id} reviewed"
