"""Which derivations a dispute puts into question."""

from __future__ import annotations

from lineage.models import Derivation, DerivationQuerySet, Dispute, Verification
from lineage.services.derivations import Speech, restate, say
from registry.vocabulary import StatementKind


def contest(dispute: Dispute, text: str) -> None:
    """Say of every derivation concerned that it is contested."""
    speech = Speech(
        kind=StatementKind.DISPUTED,
        author=dispute.opened_by,
        dispute=dispute,
        text=text,
    )
    for derivation in _concerned(dispute):
        say(derivation, speech)


def contest_again(verification: Verification) -> None:
    """Let open disputes on the same revision contest what was said just now, too."""
    disputes = Dispute.objects.undecided().filter(
        verification__revision=verification.revision_id
    )
    for dispute in disputes.select_related("opened_by"):
        opening = dispute.events.earliest("id")
        contest(dispute, opening.text)


def settle(dispute: Dispute) -> None:
    """Give the derivations of a dispute that has ended their state again."""
    contested = Derivation.objects.filter(statements__dispute=dispute).distinct()
    for derivation in contested:
        restate(derivation)


def _concerned(dispute: Dispute) -> DerivationQuerySet:
    """Return what the dispute is about and what its verdict's weights spoke of."""
    derivations = Derivation.objects.exclude(state=StatementKind.WITHDRAWN)
    if dispute.verification is None:
        return derivations.filter(disputes=dispute)
    spoken = derivations.filter(
        child=dispute.model_id,
        statements__verification__revision=dispute.verification.revision_id,
    )
    return spoken.distinct()
