"""Claiming an organisation of the catalog, and what moderators decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language

from registry.models import AuditEntry, Claim, ClaimNote, Membership, Organization
from registry.models.webhooks import Event
from registry.services.audit import record
from registry.services.webhooks import announce

# How long either side has for its next word.
DAYS: Final = 14
CODE_PREFIX: Final = "baimo-claim-"
Action = AuditEntry.Action
State = Claim.State
Kind = ClaimNote.Kind


class NotClaimable(Exception):
    """The organisation was made here by its own team."""


class ClaimRepeated(Exception):
    """The person has an open claim, or is an owner already."""


class ClaimClosed(Exception):
    """The claim does not wait for this word; it may have been decided meanwhile."""


def code_for(user: User, organization: Organization) -> str:
    """Return the code that this person shows on a page of that organisation.

    The same whenever it is asked for, and not to be guessed by others.
    """
    digest = salted_hmac("registry.claims", f"{organization.pk}:{user.pk}").hexdigest()
    return CODE_PREFIX + digest[:16]


def file_claim(
    organization: Organization, *, by: User, link: str, email: str, text: str
) -> Claim:
    """Return a new claim, which waits for a moderator.

    Raises NotClaimable and ClaimRepeated.
    """
    if not organization.is_catalog:
        raise NotClaimable
    with transaction.atomic():
        locked = Organization.objects.select_for_update().get(pk=organization.pk)
        owners = locked.memberships.filter(role=Membership.Role.OWNER)
        if owners.filter(user=by).exists():
            raise ClaimRepeated
        if locked.claims.open().filter(claimant=by).exists():
            raise ClaimRepeated
        claim = Claim.objects.create(
            organization=locked,
            claimant=by,
            link=link,
            email=email,
            text=text,
            language=get_language() or "",
            due_at=timezone.now() + timedelta(days=DAYS),
        )
        record(locked, Action.CLAIMED, actor=by)
    return claim


def ask_back(claim: Claim, *, by: User, text: str) -> None:
    """Ask the claimant for more; raises ClaimClosed."""
    with transaction.atomic():
        locked = _locked(claim, State.WAITING)
        _say(locked, Kind.ASKED, by, text, state=State.ASKED)
        subject = locked.claimant.username
        record(locked.organization, Action.CLAIM_ASKED, actor=by, subject=subject)


def answer(claim: Claim, *, by: User, text: str) -> None:
    """Add what the claimant says, asked or not; raises ClaimClosed."""
    with transaction.atomic():
        locked = _locked(claim, *Claim.OPEN)
        _say(locked, Kind.ANSWERED, by, text, state=State.WAITING)
        record(locked.organization, Action.CLAIM_ANSWERED, actor=by)


def object_to(claim: Claim, *, by: User, text: str) -> None:
    """Add what an owner says of somebody else's claim; raises ClaimClosed."""
    with transaction.atomic():
        locked = _locked(claim, *Claim.OPEN)
        ClaimNote.objects.create(claim=locked, author=by, kind=Kind.OBJECTED, text=text)
        subject = locked.claimant.username
        record(locked.organization, Action.CLAIM_OBJECTED, actor=by, subject=subject)


def grant(claim: Claim, *, by: User, text: str) -> None:
    """Make the claimant an owner; raises ClaimClosed."""
    with transaction.atomic():
        locked = _locked(claim, *Claim.OPEN)
        organization, owner = locked.organization, Membership.Role.OWNER
        Membership.objects.update_or_create(
            organization=organization,
            user=locked.claimant,
            defaults={"role": owner},
        )
        _say(locked, Kind.GRANTED, by, text, state=State.GRANTED)
        subject = locked.claimant.username
        record(organization, Action.CLAIM_GRANTED, actor=by, subject=subject)
        record(organization, Action.JOINED, actor=locked.claimant, subject=owner)
        _announce(locked)


def refuse(claim: Claim, *, by: User, text: str) -> None:
    """Refuse a claim with the reasons; raises ClaimClosed."""
    with transaction.atomic():
        locked = _locked(claim, *Claim.OPEN)
        _say(locked, Kind.REFUSED, by, text, state=State.REFUSED)
        subject = locked.claimant.username
        record(locked.organization, Action.CLAIM_REFUSED, actor=by, subject=subject)
        _announce(locked)


def withdraw(claim: Claim, *, by: User) -> None:
    """Take a claim back; raises ClaimClosed."""
    with transaction.atomic():
        locked = _locked(claim, *Claim.OPEN)
        _say(locked, Kind.WITHDRAWN, by, "", state=State.WITHDRAWN)
        record(locked.organization, Action.CLAIM_WITHDRAWN, actor=by)


def _announce(claim: Claim) -> None:
    data = {
        "organization": claim.organization.slug,
        "claimant": claim.claimant.username,
        "state": claim.state,
        "url": f"{settings.PUBLIC_URL}{claim.get_absolute_url()}",
    }
    announce(claim.organization, Event.CLAIM_DECIDED, data)


def _locked(claim: Claim, *states: Claim.State) -> Claim:
    """Return the claim, which nobody else changes until this is committed.

    Raises ClaimClosed where it is in none of the states.
    """
    # The claimant and the organisation are asked for later: PostgreSQL locks no join.
    locked = Claim.objects.select_for_update().get(pk=claim.pk)
    if locked.state not in states:
        raise ClaimClosed
    return locked


def _say(
    claim: Claim, kind: ClaimNote.Kind, by: User, text: str, *, state: Claim.State
) -> None:
    ClaimNote.objects.create(claim=claim, author=by, kind=kind, text=text)
    claim.state = state
    if claim.is_open:
        claim.due_at = timezone.now() + timedelta(days=DAYS)
    claim.save(update_fields=["state", "due_at"])
