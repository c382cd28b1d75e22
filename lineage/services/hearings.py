"""Hearing a team before a verdict that contradicts it is published."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from lineage import notices
from lineage.models import Hearing, Verification
from lineage.services.contests import contest_again
from lineage.services.findings import Finding, say_findings
from registry.locks import lock_register
from registry.models import Job, RegisteredModel
from registry.vocabulary import Verdict

log = structlog.get_logger("baimo.verdicts")

CONTRADICTING: Final = (
    Verdict.UNDECLARED_BASE,
    Verdict.NOT_DERIVED_FROM_DECLARED,
    Verdict.RENAMED_COPY,
)
End = Hearing.End


class NoHearing(Exception):
    """The verdict is published, or a newer one has taken its place."""


def announce_verdict(verification: Verification, findings: list[Finding]) -> None:
    """Publish a new verdict, or hear the team first; called as it is stored.

    A hearing that is open on the same model ends with it. Of a revision that has been
    replaced already no contradiction is published any more.
    """
    if not _is_of_head(verification) and _is_hearable(verification):
        now = timezone.now()
        Hearing.objects.create(
            verification=verification, until=now, end=End.REPLACED, ended_at=now
        )
        return
    earlier = _end_earlier(verification) if _is_of_head(verification) else None
    until = _end_of_window(verification, earlier)
    if until is None:
        say_findings(verification, findings)
        contest_again(verification)
        notices.published(verification)
        return
    Hearing.objects.create(verification=verification, findings=findings, until=until)
    if earlier is None:
        notices.pending(verification, until)


def announce_decided(verification: Verification, findings: list[Finding]) -> None:
    """Publish a verdict that a moderator has given, at once."""
    _end_earlier(verification)
    say_findings(verification, findings)
    notices.published(verification)


def publish_due(*, at: datetime) -> int:
    """Publish the verdicts whose window has ended and return how many there were.

    One whose model is being judged again waits for the new verdict.
    """
    due = Hearing.objects.open().filter(until__lte=at)
    judged_again = Job.objects.unfinished().values("revision__model")
    keys = due.exclude(verification__revision__model__in=judged_again)
    return sum(_publish(key, at) for key in keys.values_list("pk", flat=True))


def answer(verification: Verification, text: str, *, by: User) -> Hearing:
    """Return the hearing with the team's answer, which replaces an earlier one.

    It stands beside the verdict from its publication on. Raises NoHearing.
    """
    answered = Hearing.objects.open().filter(verification=verification)
    if not answered.update(answer=text, answered_by=by, answered_at=timezone.now()):
        raise NoHearing
    return Hearing.objects.get(verification=verification)


def _publish(key: int, at: datetime) -> bool:
    with transaction.atomic():
        lock_register()
        if (
            not Hearing.objects.open()
            .filter(pk=key)
            .update(end=End.PUBLISHED, ended_at=at)
        ):
            return False
        hearing = Hearing.objects.get(pk=key)
        verification = Verification.objects.with_models().get(hearing=hearing)
        say_findings(verification, [Finding(*found) for found in hearing.findings])
        contest_again(verification)
        notices.published(verification)
    log.info("verdict published", model=verification.revision.model.slug)
    return True


def _end_earlier(verification: Verification) -> Hearing | None:
    """End the hearing that is open on the model and return it, or None."""
    model = verification.revision.model_id
    earlier = Hearing.objects.open().filter(verification__revision__model=model).first()
    if earlier is None:
        return None
    is_contradicted = verification.verdict in CONTRADICTING
    earlier.end = End.REPLACED if is_contradicted else End.CLEARED
    earlier.ended_at, earlier.ended_by = timezone.now(), verification
    earlier.save(update_fields=["end", "ended_at", "ended_by"])
    return earlier


def _end_of_window(
    verification: Verification, earlier: Hearing | None
) -> datetime | None:
    """Return until when the team is heard, or None where nobody need be asked.

    What was published once needs no second hearing, and another push does not
    prolong the first one, or a contradiction could be put off for ever.
    """
    if not _is_hearable(verification):
        return None
    if earlier is not None:
        return earlier.until
    same = Verification.objects.public().filter(
        revision__model=verification.revision.model_id,
        verdict=verification.verdict,
        compared_with=verification.compared_with,
        pk__lt=verification.pk,
    )
    if same.exists():
        return None
    return timezone.now() + timedelta(hours=settings.VERDICT_WINDOW_HOURS)


def _is_hearable(verification: Verification) -> bool:
    """Return whether it contradicts a team that has time and people to answer."""
    if not settings.VERDICT_WINDOW_HOURS or verification.verdict not in CONTRADICTING:
        return False
    team = verification.revision.model.organization
    return team is not None and team.memberships.exists()


def _is_of_head(verification: Verification) -> bool:
    return RegisteredModel.objects.filter(head=verification.revision).exists()
