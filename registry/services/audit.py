"""Writing down who did what."""

from __future__ import annotations

from django.contrib.auth.models import User

from registry.models import AuditEntry, Organization


def record(
    organization: Organization,
    action: AuditEntry.Action,
    *,
    actor: User | None,
    subject: str = "",
) -> None:
    """Add an entry; called in the transaction of the act itself."""
    AuditEntry.objects.create(
        organization=organization, action=action, actor=actor, subject=subject
    )
