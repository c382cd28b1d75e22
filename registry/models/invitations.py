"""Invitations into an organisation."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from registry.models.organizations import ApiToken, Membership, Organization

KEY_BYTES: Final = 32


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, *, at: datetime) -> InvitationQuerySet:
        """Return invitations that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=at)

    def matching(self, key: str) -> InvitationQuerySet:
        """Return the invitation with this secret; secrets are stored as digests."""
        return self.filter(digest=ApiToken.digest_of(key))


class Invitation(models.Model):
    """A link by which one person joins an organisation, once."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    role = models.CharField(_("role"), max_length=12, choices=Membership.Role.choices)
    email = models.EmailField(_("e-mail"), blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.email or self.digest[:8]} to {self.organization}"

    @staticmethod
    def new_key() -> str:
        """Return a fresh secret for a link."""
        return secrets.token_urlsafe(KEY_BYTES)
