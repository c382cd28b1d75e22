"""Organisations, their members and the tokens of their programs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from registry.models import ApiToken, AuditEntry, Membership, Organization
from registry.services.audit import record

Action = AuditEntry.Action


def create_organization(*, slug: str, owner: User, name: str = "") -> Organization:
    """Return a new organisation with its first owner.

    Raises django's ValidationError for a name that is taken, reserved or malformed.
    """
    organization = Organization(slug=slug, name=name)
    with transaction.atomic():
        organization.full_clean()
        organization.save()
        Membership.objects.create(
            organization=organization, user=owner, role=Membership.Role.OWNER
        )
        record(organization, Action.ORGANIZATION_MADE, actor=owner)
    return organization


def create_token(
    *,
    user: User,
    organization: Organization,
    name: str,
    scope: str,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Return a new token and its secret, which is shown once and never stored."""
    key = ApiToken.new_key()
    token = ApiToken(
        user=user,
        organization=organization,
        name=name,
        scope=scope,
        prefix=key[:12],
        digest=ApiToken.digest_of(key),
        expires_at=expires_at,
    )
    token.full_clean()
    with transaction.atomic():
        token.save()
        subject = f"{name} ({token.prefix}…, {scope})"
        record(organization, Action.TOKEN_MADE, actor=user, subject=subject)
    return token, key


def revoke_token(token: ApiToken, *, by: User) -> None:
    """Make a token useless from now on; its row stays for the record."""
    token.revoked_at = timezone.now()
    with transaction.atomic():
        token.save(update_fields=["revoked_at"])
        subject = f"{token.name} ({token.prefix}…)"
        record(token.organization, Action.TOKEN_REVOKED, actor=by, subject=subject)


def find_token(key: str) -> ApiToken | None:
    """Return the valid token with this secret and note its use, or None."""
    now = timezone.now()
    found = ApiToken.objects.valid(at=now).matching(key)
    token = found.select_related("user", "organization").first()
    if token is None:
        return None
    # Once a minute is exact enough, and reads stay reads.
    if token.last_used_at is None or token.last_used_at < now - timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def token_for(username: str, organization: str, scope: str) -> tuple[ApiToken, str]:
    """Return a token for scripts; user, organisation and role are made if missing.

    Raises django's ValidationError for names that cannot be used.
    """
    with transaction.atomic():
        user, created = User.objects.get_or_create(username=username)
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        found = Organization.objects.named(organization).first()
        if found is None:
            found = create_organization(slug=organization, owner=user)
        # Who joins an organisation that others made may push and no more.
        Membership.objects.get_or_create(
            user=user,
            organization=found,
            defaults={"role": Membership.Role.MAINTAINER},
        )
        return create_token(
            user=user, organization=found, name="command line", scope=scope
        )
