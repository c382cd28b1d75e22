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


@admin.register(models.Hearing)
class HearingAdmin(ReadOnlyAdmin):
    """Verdicts that a team can answer before they are published."""

    list_display = ["verification", "until", "end", "answered_by"]
    list_filter = ["end"]
    list_select_related = ["verification__revision__model", "answered_by"]


@admin.register(models.Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Disputes; moderators decide them on their own page."""

    list_display = ["id", "model", "kind", "opened_by", "state", "answer_until"]
    list_filter = ["state"]
    list_select_related = ["model", "opened_by"]


@admin.register(models.Verification)
class VerificationAdmin(ReadOnlyAdmin):
    """Verdicts."""

    list_display = ["revision", "verdict", "compared_with", "engine", "created_at"]
    list_filter = ["verdict"]
    list_select_related = ["revision__model", "compared_with"]
