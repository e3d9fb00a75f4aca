from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """Who did what, as opaque ids and payload digests; append-only and hash-chained per project.

    Names and texts never enter the chain, so that erasing a person breaks nothing."""

    chain = models.CharField(max_length=60, help_text="`project:<id>` or `site`.")
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=60, help_text="`user:<id>`, `token:<key>` or `system`.")
    verb = models.CharField(max_length=60)
    target = models.CharField(max_length=100)
    payload_digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["chain", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="audit_seq_once"),
            models.UniqueConstraint(fields=["chain", "previous"], name="audit_never_forks"),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq} {self.verb}"
