"""Support look-ups, read-only."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from rubrics.models import Guideline, Rubric, RubricVersion


@admin.register(Rubric)
class RubricAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "project", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "slug", "project__slug")


@admin.register(RubricVersion)
class RubricVersionAdmin(ReadOnlyAdmin):
    list_display = ("rubric", "number", "status", "digest", "published_at")
    list_filter = ("status",)
    list_select_related = ("rubric",)


@admin.register(Guideline)
class GuidelineAdmin(ReadOnlyAdmin):
    list_display = ("project", "name", "number", "published_at")
    list_select_related = ("project",)
    search_fields = ("project__slug",)
