"""Who belongs to an organisation: invitations, roles, farewells."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from registry.models import (
    ApiToken,
    AuditEntry,
    Invitation,
    Membership,
    Organization,
)
from registry.models.webhooks import Event
from registry.services.audit import record
from registry.services.webhooks import announce

INVITATION_DAYS: Final = 7
Action = AuditEntry.Action


class LastOwner(Exception):
    """An organisation cannot be left without an owner."""


class InvitationGone(Exception):
    """The invitation is unknown, used, withdrawn or too old."""


class AlreadyMember(Exception):
    """Who accepts an invitation belongs to the organisation already."""


def invite(
    organization: Organization, *, role: str, email: str, by: User
) -> tuple[Invitation, str]:
    """Return a new invitation and its secret, which is shown once and never stored."""
    key = Invitation.new_key()
    invitation = Invitation(
        organization=organization,
        role=role,
        email=email,
        digest=ApiToken.digest_of(key),
        invited_by=by,
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
    )
    invitation.full_clean(exclude=["accepted_at", "withdrawn_at"])
    with transaction.atomic():
        invitation.save()
        subject = f"{email} ({role})" if email else role
        record(organization, Action.INVITED, actor=by, subject=subject)
    return invitation, key


def find_invitation(key: str) -> Invitation:
    """Return the invitation with this secret; raises InvitationGone."""
    open_ones = Invitation.objects.open(at=timezone.now()).matching(key)
    found = open_ones.select_related("organization", "invited_by").first()
    if found is None:
        raise InvitationGone
    return found


def accept_invitation(key: str, user: User) -> Membership:
    """Return the membership that an invitation gave; raises what find_invitation does.

    Raises AlreadyMember, which leaves the invitation for somebody else.
    """
    with transaction.atomic():
        invitation = find_invitation(key)
        organization = _locked(invitation.organization)
        if organization.memberships.filter(user=user).exists():
            raise AlreadyMember
        # Two people may have opened the same link.
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None)
        if not taken.update(accepted_at=timezone.now()):
            raise InvitationGone
        membership = Membership.objects.create(
            organization=organization, user=user, role=invitation.role
        )
        record(organization, Action.JOINED, actor=user, subject=invitation.role)
        data = {
            "organization": organization.slug,
            "username": user.username,
            "role": invitation.role,
        }
        announce(organization, Event.MEMBER_JOINED, data)
    return membership


def withdraw_invitation(invitation: Invitation, *, by: User) -> None:
    """Make an invitation's link useless."""
    with transaction.atomic():
        invitation.withdrawn_at = timezone.now()
        invitation.save(update_fields=["withdrawn_at"])
        subject = invitation.email or invitation.role
        organization = invitation.organization
        record(organization, Action.INVITATION_WITHDRAWN, actor=by, subject=subject)


def change_role(membership: Membership, role: str, *, by: User) -> None:
    """Give a member another role; raises LastOwner."""
    with transaction.atomic():
        organization = _locked(membership.organization)
        if role != Membership.Role.OWNER:
            _keep_an_owner(organization, without=membership)
        membership.role = role
        membership.save(update_fields=["role"])
        subject = f"{membership.user.username} ({role})"
        record(organization, Action.ROLE_CHANGED, actor=by, subject=subject)


def remove_member(membership: Membership, *, by: User) -> None:
    """End a membership and revoke the member's tokens here; raises LastOwner."""
    with transaction.atomic():
        organization, user = _locked(membership.organization), membership.user
        _keep_an_owner(organization, without=membership)
        tokens = ApiToken.objects.filter(user=user, organization=organization)
        tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        membership.delete()
        is_own = by == user
        action = Action.LEFT if is_own else Action.MEMBER_REMOVED
        subject = "" if is_own else user.username
        record(organization, action, actor=by, subject=subject)


def _locked(organization: Organization) -> Organization:
    """Return the organisation, which nobody else changes until this is committed."""
    return Organization.objects.select_for_update().get(pk=organization.pk)


def _keep_an_owner(organization: Organization, *, without: Membership) -> None:
    owners = organization.memberships.filter(role=Membership.Role.OWNER)
    if without.role == Membership.Role.OWNER and owners.count() == 1:
        raise LastOwner
