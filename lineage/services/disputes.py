"""Contesting a fact, an edge or a verdict: opened, answered, decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lineage import notices
from lineage.models import Derivation, Dispute, DisputeEvent, Verification
from lineage.services.contests import contest, settle
from lineage.services.rulings import Ruling, enforce
from registry.locks import lock_register
from registry.models import RegisteredModel
from registry.permissions import sight_of
from registry.vocabulary import StatementKind

# So many undecided disputes one person may have.
MAX_OPEN: Final = 5
Kind, State = DisputeEvent.Kind, Dispute.State


class DisputeRefused(Exception):
    """The dispute cannot be opened, answered or decided; the text says why."""


class AlreadyContested(DisputeRefused):
    """The same person contests the same thing already; `dispute` is that one."""

    def __init__(self, dispute: Dispute) -> None:
        super().__init__(_("You contest this already."))
        self.dispute = dispute


class TooManyOpen(DisputeRefused):
    """The person has as many undecided disputes as one may have."""


class NotContestable(DisputeRefused):
    """The thing is withdrawn, superseded, or contested at the verdict."""


class NotYet(DisputeRefused):
    """The other side still has time to answer."""


class Ended(DisputeRefused):
    """The dispute is decided or taken back."""


@dataclass(frozen=True)
class Contested:
    """The one thing that somebody contests."""

    model: RegisteredModel
    fact: str = ""
    derivation: Derivation | None = None
    verification: Verification | None = None


def thing_of_edge(derivation: Derivation) -> Contested:
    """Return what to contest where an edge is wrong; raises NotContestable.

    What the weights said of it is contested at the verdict.
    """
    if derivation.state == StatementKind.WITHDRAWN:
        raise NotContestable(_("Nobody claims this derivation any more."))
    child = derivation.child
    speaking = Verification.objects.filter(
        statements__derivation=derivation, revision=child.head
    )
    if speaking.exists():
        return thing_of_verdict(speaking.latest("id"))
    return Contested(model=child, derivation=derivation)


def thing_of_verdict(verification: Verification) -> Contested:
    """Return what to contest where a verdict is wrong: the newest on its revision.

    Raises NotContestable for a verdict on what is no longer the current revision.
    """
    model = verification.revision.model
    if model.head_id != verification.revision_id:
        raise NotContestable(
            _("This verdict is about an earlier revision. Contest the current one.")
        )
    newest = verification.revision.verifications.with_models().latest("id")
    return Contested(model=model, verification=newest)


def open_dispute(
    thing: Contested, *, reason: str, evidence: Sequence[str], by: User
) -> Dispute:
    """Return a new dispute; raises AlreadyContested, TooManyOpen."""
    days = timedelta(days=settings.DISPUTE_ANSWER_DAYS)
    dispute = Dispute(
        model=thing.model,
        fact=thing.fact,
        derivation=thing.derivation,
        verification=thing.verification,
        opened_by=by,
        answer_until=timezone.now() + days,
    )
    mine = Dispute.objects.undecided().filter(opened_by=by)
    same = mine.filter(
        model=thing.model,
        fact=thing.fact,
        derivation=thing.derivation,
        verification=thing.verification,
    )
    with transaction.atomic():
        lock_register()
        if (standing := same.first()) is not None:
            raise AlreadyContested(standing)
        if mine.visible_to(sight_of(by)).count() >= MAX_OPEN:
            raise TooManyOpen(
                _(
                    "You have %(n)s undecided disputes. Wait for a decision, or take "
                    "one back."
                )
                % {"n": MAX_OPEN}
            )
        dispute.save()
        _note(dispute, Kind.OPENED, by, reason, evidence)
        contest(dispute, reason)
        notices.opened(dispute)
    return dispute


def add(dispute: Dispute, *, text: str, evidence: Sequence[str], by: User) -> None:
    """Add what a side has to say besides; raises Ended."""
    with transaction.atomic():
        _lock(dispute)
        _note(dispute, Kind.ADDED, by, text, evidence)


def answer(dispute: Dispute, *, text: str, evidence: Sequence[str], by: User) -> None:
    """Let the other side answer; raises Ended."""
    with transaction.atomic():
        _lock(dispute)
        _note(dispute, Kind.ANSWERED, by, text, evidence)
        _move(dispute, State.ANSWERED)
        notices.answered(dispute)


def withdraw(dispute: Dispute, *, by: User) -> None:
    """Take a dispute back; raises Ended."""
    with transaction.atomic():
        _lock(dispute)
        _note(dispute, Kind.WITHDRAWN, by)
        _move(dispute, State.WITHDRAWN)
        settle(dispute)
        notices.withdrawn(dispute)


def decide(
    dispute: Dispute, outcome: Dispute.State, *, reasons: str, ruling: Ruling, by: User
) -> None:
    """Decide a dispute; raises Ended, NotYet, CycleRefused.

    Nothing is decided against a side that has not been heard and still has time.
    """
    with transaction.atomic():
        _lock(dispute)
        is_granted = outcome in Dispute.GRANTED
        if is_granted and not is_ripe(dispute):
            raise NotYet(
                _("The other side may answer until %(d)s; until then, only reject.")
                % {"d": f"{dispute.answer_until:%Y-%m-%d}"}
            )
        said = ruling.as_json() if is_granted else {}
        _note(dispute, DisputeEvent.Kind(outcome.value), by, reasons, ruling=said)
        _move(dispute, outcome)
        if is_granted:
            enforce(dispute, ruling, reasons, by=by)
        settle(dispute)
        notices.decided(dispute)


def is_ripe(dispute: Dispute) -> bool:
    """Return whether a dispute may be decided in favour of who opened it."""
    is_answered = dispute.state == State.ANSWERED
    return is_answered or dispute.is_overdue or not dispute.other_side()


def _lock(dispute: Dispute) -> None:
    """Hold everybody else off and see how the dispute stands; raises Ended."""
    lock_register()
    dispute.refresh_from_db(fields=["state"])
    if not dispute.is_undecided:
        raise Ended(_("This dispute has ended."))


def _move(dispute: Dispute, state: Dispute.State) -> None:
    dispute.state = state
    dispute.save(update_fields=["state"])


def _note(
    dispute: Dispute,
    kind: DisputeEvent.Kind,
    by: User,
    text: str = "",
    evidence: Sequence[str] = (),
    ruling: dict[str, str] | None = None,
) -> None:
    DisputeEvent.objects.create(
        dispute=dispute,
        kind=kind,
        author=by,
        text=text,
        evidence=list(evidence),
        ruling=ruling or {},
    )
