from __future__ import annotations

import secrets

from django.db import models

from projects.models.imports import ImportBatch
from projects.models.project import Project


def new_public_name() -> str:
    return secrets.token_urlsafe(18)


class Media(models.Model):
    """An uploaded image or sound, served under an opaque name that tells nothing about its origin."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="media")
    public_name = models.CharField(max_length=40, unique=True, default=new_public_name)
    digest = models.CharField(max_length=64)
    content_type = models.CharField(max_length=50)
    size = models.PositiveBigIntegerField()
    file = models.FileField(upload_to="media/")
    original_name = models.CharField(max_length=300, blank=True)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="media_once")]

    def __str__(self) -> str:
        return self.public_name
