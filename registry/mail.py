"""Letters to people."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from registry.models import Invitation

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


def _send(address: str, subject: str, text: str) -> bool:
    try:
        send_mail(subject, text, None, [address])
    except (SMTPException, OSError) as error:
        log.warning("mail-failed", error=str(error))
        return False
    return True
