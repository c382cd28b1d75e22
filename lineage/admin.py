"""The claims in Django's admin, to read: they are append-only."""

from __future__ import annotations

from django.contrib import admin

from lineage import models
from registry.admin import ReadOnlyAdmin


@admin.register(models.Derivation)
class DerivationAdmin(ReadOnlyAdmin):
    """Derivations and their one state."""

    list_display = ["child", "relation", "parent", "layer", "state"]
    list_filter = ["layer", "state", "relation"]
    list_select_related = ["child", "parent"]


@admin.register(models.Statement)
class StatementAdmin(ReadOnlyAdmin):
    """What was said of derivations."""

    list_display = ["derivation", "kind", "author", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["derivation__child", "derivation__parent", "author"]


@admin.register(models.Verification)
class VerificationAdmin(ReadOnlyAdmin):
    """Verdicts."""

    list_display = ["revision", "verdict", "compared_with", "engine", "created_at"]
    list_filter = ["verdict"]
    list_select_related = ["revision__model", "compared_with"]
