"""Letters to people."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from registry.models import Claim, Correction, Invitation, Membership, Webhook

log = structlog.get_logger("baimo.mail")


def send_invitation(invitation: Invitation, link: str) -> bool:
    """Send the link to the address of an invitation; return whether that was possible.

    Without an address or a mail server the owner passes the link on.
    """
    if not invitation.email or not settings.EMAIL_HOST:
        return False
    team = invitation.organization.title
    context = {"invitation": invitation, "link": link, "team": team}
    return _send(
        invitation.email,
        _("You are invited to %(team)s") % {"team": team},
        render_to_string("registry/mail/invitation.txt", context),
    )


def send_claim_news(claim: Claim, link: str) -> bool:
    """Tell the claimant how a claim stands; return whether that was possible."""
    with translation.override(claim.language or None):
        team = claim.organization.title
        note = claim.notes.order_by("-id").first()
        context = {"claim": claim, "note": note, "link": link, "team": team}
        return _send_to_user(
            claim.claimant,
            _("Your claim of %(team)s: %(state)s")
            % {"team": team, "state": claim.get_state_display()},
            render_to_string("registry/mail/claim.txt", context),
        )


def send_claim_contest(claim: Claim, link: str) -> int:
    """Tell the owners that somebody else claims the organisation; return how many."""
    team = claim.organization.title
    context = {"claim": claim, "link": link, "team": team}
    owners = claim.organization.memberships.filter(role=Membership.Role.OWNER)
    return sum(
        _send_to_user(
            owner.user,
            _("Somebody else claims %(team)s") % {"team": team},
            render_to_string("registry/mail/claim_contest.txt", context),
        )
        for owner in owners.exclude(user=claim.claimant).select_related("user")
    )


def send_correction_decided(correction: Correction, link: str) -> bool:
    """Tell who sent a correction what became of it; return whether it was possible."""
    if not correction.email or not settings.EMAIL_HOST:
        return False
    name = correction.model.name
    context = {"correction": correction, "link": link, "name": name}
    return _send(
        correction.email,
        _("Your correction of %(name)s") % {"name": name},
        render_to_string("registry/mail/correction.txt", context),
    )


def send_webhook_off(owner: User, webhook: Webhook) -> bool:
    """Tell an owner that a webhook was switched off; return whether that was possible.

    Without an address or a mail server the page of the webhook says it alone.
    """
    team = webhook.organization.title
    link = f"{settings.PUBLIC_URL}{webhook.get_absolute_url()}"
    context = {"webhook": webhook, "link": link, "team": team}
    return _send_to_user(
        owner,
        _("A webhook of %(team)s is switched off") % {"team": team},
        render_to_string("registry/mail/webhook_off.txt", context),
    )


def _send_to_user(user: User, subject: str, text: str) -> bool:
    if not user.email or not settings.EMAIL_HOST:
        return False
    return _send(user.email, subject, text)


def send_notice(
    people: Iterable[User], subject: object, template: str, context: dict[str, Any]
) -> None:
    """Send a letter to everybody with an address, once the transaction is through.

    The register does not know who reads which language, so it holds both.
    """
    if not settings.EMAIL_HOST:
        return
    addresses = sorted({person.email for person in people if person.email})
    if not addresses:
        return
    subjects, texts = [], []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            subjects.append(str(subject))
            texts.append(render_to_string(template, context).strip())
    letter = " · ".join(subjects), "\n\n--\n\n".join(texts) + "\n"
    for address in addresses:
        transaction.on_commit(partial(_send, address, *letter))


def _send(address: str, subject: str, text: str) -> bool:
    try:
        send_mail(subject, text, None, [address])
    except (SMTPException, OSError) as error:
        log.warning("mail-failed", error=str(error))
        return False
    return True
