"""What follows from a moderator's decision that is not a rejection."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.contrib.auth.models import User

from lineage.models import Derivation, Dispute, Verification
from lineage.services.derivations import Speech, add_derivation, say
from lineage.services.findings import Finding
from lineage.services.hearings import announce_decided
from registry.models import Correction
from registry.vocabulary import Relation, StatementKind, Verdict, agreeing_relations

DECIDED: Final = "decided-by-moderator"
# What a moderator may say of a derivation.
STATES: Final = (
    StatementKind.WITHDRAWN,
    StatementKind.CONTRADICTED,
    StatementKind.VERIFIED,
    StatementKind.CITED,
    StatementKind.ALLEGED,
)

RELATIONS: Final = tuple(Relation)
# What a ruling on each kind of thing must give.
NEEDED: Final = {
    "verdict": ("verdict",),
    "edge": ("state",),
    "fact": ("right", "source"),
}


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What takes the place of the contested thing; empty where it does not apply.

    A verdict gets `verdict`; an edge `state`, and perhaps another `relation`; a fact
    what is `right` and the `source` that says so.
    """

    verdict: str = ""
    state: str = ""
    relation: str = ""
    right: str = ""
    source: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what was said of it, as the history keeps it."""
        return {name: value for name, value in asdict(self).items() if value}


def enforce(dispute: Dispute, ruling: Ruling, reasons: str, *, by: User) -> None:
    """Put the ruling in the place of what was contested; raises CycleRefused.

    Called inside the transaction of the decision, with the lock held.
    """
    if dispute.verification is not None:
        _replace_verdict(dispute, dispute.verification, ruling)
    elif dispute.derivation is not None:
        _rule_on_edge(dispute, dispute.derivation, ruling, reasons, by)
    else:
        Correction.objects.create(
            model=dispute.model,
            fact=dispute.fact,
            right=ruling.right or reasons,
            source=ruling.source,
            state=Correction.State.TAKEN,
        )


def _replace_verdict(
    dispute: Dispute, overturned: Verification, ruling: Ruling
) -> None:
    """Give the revision the moderator's verdict, which supersedes the engine's."""
    verification = Verification.objects.create(
        revision=overturned.revision,
        verdict=ruling.verdict,
        reason=DECIDED,
        compared_with=overturned.compared_with,
        compared_revision=overturned.compared_revision,
        comparison=overturned.comparison,
        relatives=overturned.relatives,
        limits=overturned.limits,
        n_compared=overturned.n_compared,
        engine=overturned.engine,
        dispute=dispute,
    )
    announce_decided(verification, _confirmed(verification))


def _confirmed(verification: Verification) -> list[Finding]:
    """Return that the declared bases are confirmed, where the verdict says so."""
    if verification.verdict != Verdict.CONSISTENT:
        return []
    declarations = verification.revision.declarations.exclude(parent=None)
    return [
        Finding(
            declaration.parent_id,
            agreeing_relations(declaration.relation)[0].value,
            StatementKind.VERIFIED.value,
        )
        for declaration in declarations
        if declaration.parent_id is not None
    ]


def _rule_on_edge(
    dispute: Dispute, derivation: Derivation, ruling: Ruling, reasons: str, by: User
) -> None:
    speech = Speech(
        kind=StatementKind(ruling.state), author=by, dispute=dispute, text=reasons
    )
    if not ruling.relation or ruling.relation == derivation.relation:
        say(derivation, speech)
        return
    withdrawal = Speech(
        kind=StatementKind.WITHDRAWN, author=by, dispute=dispute, text=reasons
    )
    say(derivation, withdrawal)
    add_derivation(
        child=derivation.child,
        parent=derivation.parent,
        relation=Relation(ruling.relation),
        speech=speech,
    )
