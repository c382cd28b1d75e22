"""The facts in Django's admin; what services keep consistent is shown, not edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from registry import models


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no subscript at run time
    """Rows that only services may write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return that nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return that nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return that nobody deletes rows here."""
        return False


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who belongs to an organisation, and as what."""

    model = models.Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(models.Organization)
class OrganizationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Organisations with their members."""

    list_display = ["slug", "name", "is_catalog", "created_at"]
    list_filter = ["is_catalog"]
    search_fields = ["slug", "name", "name_zh"]
    inlines = [MembershipInline]


@admin.register(models.ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens; their secrets are not stored anywhere."""

    list_display = ["name", "prefix", "user", "organization", "scope", "revoked_at"]
    list_select_related = ["user", "organization"]
    exclude = ["digest"]


@admin.register(models.RegisteredModel)
class RegisteredModelAdmin(ReadOnlyAdmin):
    """Entries of the register."""

    list_display = ["slug", "kind", "category", "origin", "released"]
    list_filter = ["kind", "origin", "category"]
    search_fields = ["search_text"]


@admin.register(models.Correction)
class CorrectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Corrections by readers; the facts themselves are mended in the data files."""

    list_display = ["model", "fact", "source", "state", "created_at"]
    list_filter = ["state"]
    list_select_related = ["model"]
    readonly_fields = [
        *("model", "fact", "right", "source", "email", "created_at"),
        *("answer", "answered_by"),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return that nobody adds rows here: readers do, on the entry's page."""
        return False


@admin.register(models.Claim)
class ClaimAdmin(ReadOnlyAdmin):
    """Claims of organisations; they are decided on the moderators' page."""

    list_display = ["organization", "claimant", "state", "due_at", "created_at"]
    list_filter = ["state"]
    list_select_related = ["organization", "claimant"]


@admin.register(models.Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Commits."""

    list_display = ["model", "commit_id", "author", "created_at"]
    list_select_related = ["model", "author"]


@admin.register(models.Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs and how they ended."""

    list_display = ["id", "kind", "revision", "state", "progress", "attempts", "error"]
    list_filter = ["state", "kind"]
    list_select_related = ["revision__model"]
