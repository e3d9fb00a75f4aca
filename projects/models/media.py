from __future__ import annotations

import secrets

from django.db import models

from projects.models.imports import ImportBatch
from projects.models.project import Project


def new_public_name() -> str:
    return secrets.token_urlsafe(18)


class Media(models.Model):
    """An uploaded image or sound, served under an opaque name that tells nothing about its origin. What is kept is the
    file written anew, without what it said of the program that made it; the digest is of the file as it came."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="media")
    public_name = models.CharField(max_length=40, unique=True, default=new_public_name)
    digest = models.CharField(max_length=64)
    content_type = models.CharField(max_length=50)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    file = models.FileField(upload_to="media/")
    original_name = models.CharField(max_length=300, blank=True)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="media_once")]

    def __str__(self) -> str:
        return self.public_name


class MediaName(models.Model):
    """A path under which a file came, by which texts refer to it. Never shown to raters."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="media_names")
    name = models.CharField(max_length=300)
    base = models.CharField(max_length=300, help_text="The name's last part: how it is looked up.")
    media = models.ForeignKey(Media, on_delete=models.CASCADE, related_name="names")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="medianame_once"),
            models.CheckConstraint(condition=~models.Q(name="") & ~models.Q(base=""), name="medianame_named"),
        ]
        indexes = [models.Index(fields=["project", "base"], name="medianame_base")]

    def __str__(self) -> str:
        return self.name
