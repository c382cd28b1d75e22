"""Whom a verdict or a dispute concerns, told by letter and by webhook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from lineage.models import Dispute, Verification
from registry.mail import send_notice
from registry.permissions import moderators, writers_of


def pending(verification: Verification, until: datetime) -> None:
    """Tell a team that a verdict contradicts it, and until when it can answer."""
    model = verification.revision.model
    send_notice(
        writers_of([model.organization] if model.organization else []),
        _("A verdict on your model waits for your answer"),
        "registry/mail/verdict_pending.txt",
        {"model": model, "until": until, "link": _link(model.get_absolute_url())},
    )


def published(verification: Verification) -> None:
    """Tell a team's programs that a verdict stands."""


def opened(dispute: Dispute) -> None:
    """Tell the other side that somebody contests a thing."""
    _tell(dispute, _answering(dispute), _("A dispute waits for your answer"), "opened")


def answered(dispute: Dispute) -> None:
    """Tell the opener and the moderators that the other side has answered."""
    people = [dispute.opened_by, *moderators()]
    _tell(dispute, people, _("A dispute was answered"), "answered")


def decided(dispute: Dispute) -> None:
    """Tell both sides how a dispute was decided."""
    people = [dispute.opened_by, *_answering(dispute)]
    _tell(dispute, people, _("A dispute was decided"), "decided")


def withdrawn(dispute: Dispute) -> None:
    """Tell the other side that a dispute was taken back."""
    _tell(dispute, _answering(dispute), _("A dispute was taken back"), "withdrawn")


def _tell(
    dispute: Dispute, people: Iterable[User], subject: object, event: str
) -> None:
    context = {
        "dispute": dispute,
        "event": event,
        "link": _link(reverse("lineage:dispute", args=[dispute.pk])),
    }
    send_notice(people, subject, "registry/mail/dispute.txt", context)


def _answering(dispute: Dispute) -> list[User]:
    teams = dispute.other_side()
    return list(writers_of(teams) if teams else moderators())


def _link(path: str) -> str:
    with translation.override("en"):
        return f"{settings.PUBLIC_URL}{path}"
