"""Support look-ups, read-only."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from projects.models import AuditEvent, ImportBatch, Invitation, Membership, Project


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "slug")
    exclude = ("pseudonym_key",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("project", "user", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("project", "user")
    search_fields = ("project__slug", "user__email")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("project", "email", "role", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("project",)
    exclude = ("token_hash",)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    list_display = ("file_name", "project", "format", "state", "created_by", "created_at")
    list_filter = ("state", "format")
    list_select_related = ("project", "created_by")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("chain", "seq", "at", "actor", "verb", "target")
    search_fields = ("chain", "verb", "target")
