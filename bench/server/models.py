from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Bare(models.Model):
    """What the yardstick inserts: as little as an answer could be."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    value = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Bare]] = models.Manager()

    class Meta:
        app_label = "bench_server"

    def __str__(self) -> str:
        return self.value
