"""Support look-ups, read-only."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from annotation.models import Assignment, Flag, Round, Seat


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "mode", "state", "overlap", "opened_at", "closed_at")
    list_filter = ("state", "mode")
    list_select_related = ("project",)
    search_fields = ("name", "slug", "project__slug")


@admin.register(Seat)
class SeatAdmin(ReadOnlyAdmin):
    list_display = ("round", "rater", "state", "n_assigned", "n_judged")
    list_filter = ("state",)
    list_select_related = ("round", "rater")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "seat", "state", "purpose", "created_at", "closed_at", "lease_until")
    list_filter = ("state", "purpose")
    search_fields = ("public_id",)
    exclude = ("draft",)


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    list_display = ("assignment", "reason", "created_at", "resolved_at")
    list_filter = ("reason",)
    list_select_related = ("assignment",)
