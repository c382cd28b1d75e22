"""Whom a verdict or a dispute concerns, told by letter and by webhook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from lineage.models import Dispute, Verification
from registry.mail import send_notice
from registry.models import RegisteredModel
from registry.models.webhooks import Event
from registry.permissions import moderators, sight_for, sight_of, writers_of
from registry.services.webhooks import announce


def pending(verification: Verification, until: datetime) -> None:
    """Tell a team that a verdict contradicts it, and until when it can answer."""
    model = verification.revision.model
    send_notice(
        writers_of([model.organization] if model.organization else []),
        _("A verdict on your model waits for your answer"),
        "registry/mail/verdict_pending.txt",
        {"model": model, "until": until, "link": _link(model)},
    )
    _announce_verdict(verification, Event.VERDICT_PENDING, until=until.isoformat())


def published(verification: Verification) -> None:
    """Tell a team's programs that a verdict stands."""
    _announce_verdict(verification, Event.VERDICT_PUBLISHED)


def opened(dispute: Dispute) -> None:
    """Tell the other side that somebody contests a thing."""
    _tell(dispute, _answering(dispute), _("A dispute waits for your answer"), "opened")
    _announce_dispute(dispute, Event.DISPUTE_OPENED)


def answered(dispute: Dispute) -> None:
    """Tell the opener and the moderators that the other side has answered."""
    people = [*_opener(dispute), *moderators()]
    _tell(dispute, people, _("A dispute was answered"), "answered")
    _announce_dispute(dispute, Event.DISPUTE_ANSWERED)


def decided(dispute: Dispute) -> None:
    """Tell both sides how a dispute was decided."""
    people = [*_opener(dispute), *_answering(dispute)]
    _tell(dispute, people, _("A dispute was decided"), "decided")
    _announce_dispute(dispute, Event.DISPUTE_DECIDED)


def withdrawn(dispute: Dispute) -> None:
    """Tell the other side that a dispute was taken back."""
    _tell(dispute, _answering(dispute), _("A dispute was taken back"), "withdrawn")


def _tell(
    dispute: Dispute, people: Iterable[User], subject: object, event: str
) -> None:
    context = {
        "dispute": dispute,
        "event": event,
        "link": _link(dispute),
    }
    send_notice(people, subject, "registry/mail/dispute.txt", context)


def _announce_verdict(verification: Verification, event: Event, **more: str) -> None:
    revision, against = verification.revision, verification.compared_with
    model = revision.model
    is_named = against is not None and sight_for(model).sees(against)
    if model.organization is not None:
        data = {
            "organization": model.organization.slug,
            "model": model.slug,
            "repo": model.repo_id,
            "revision": revision.commit_id,
            "verdict": verification.verdict,
            "compared_with": against.slug if against and is_named else None,
            "url": _link(model),
        }
        announce(model.organization, event, data | more)


def _announce_dispute(dispute: Dispute, event: Event) -> None:
    """Tell the programs of every organisation whose model is concerned."""
    ends = (dispute.model, dispute.other_end)
    teams = {end.organization for end in ends if end and end.organization}
    for team in sorted(teams, key=lambda team: team.slug):
        data = {
            "organization": team.slug,
            "dispute": dispute.pk,
            "about": dispute.kind,
            "model": dispute.model.slug,
            "state": dispute.state,
            "answer_until": dispute.answer_until.isoformat(),
            "url": _link(dispute),
        }
        announce(team, event, data)


def _opener(dispute: Dispute) -> list[User]:
    """Return who opened it, unless what it is about was hidden from them since."""
    seen = Dispute.objects.visible_to(sight_of(dispute.opened_by))
    return [dispute.opened_by] if seen.filter(pk=dispute.pk).exists() else []


def _answering(dispute: Dispute) -> list[User]:
    teams = dispute.other_side()
    return list(writers_of(teams) if teams else moderators())


def _link(thing: RegisteredModel | Dispute) -> str:
    """Return the address of a page, whatever language somebody asks in."""
    with translation.override("en"):
        return f"{settings.PUBLIC_URL}{thing.get_absolute_url()}"
