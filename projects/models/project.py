from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models


def new_pseudonym_key() -> str:
    return secrets.token_hex(32)


class Project(models.Model):
    """One evaluation effort and its people."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, help_text="The question this project is to answer.")
    # Keys the pseudonyms of raters, so that they cannot be recomputed from an e-mail address.
    pseudonym_key = models.CharField(max_length=64, default=new_pseudonym_key, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
