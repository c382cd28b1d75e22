"""Adding derivations and saying things about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone

from lineage import queries
from lineage.models import Change, Derivation, Dispute, Statement, Verification
from lineage.verdict import state_of
from registry.locks import lock_register
from registry.models import RegisteredModel, Revision, Source
from registry.permissions import EVERYTHING
from registry.vocabulary import (
    RELATION_LAYER,
    WEIGHT_LAYERS,
    Layer,
    Relation,
    StatementKind,
)

# What was withdrawn or contradicted carries nothing, so it closes no cycle.
CARRYING = queries.Scope(layers=WEIGHT_LAYERS, sight=EVERYTHING)


class CycleRefused(Exception):
    """The derivation would make a model descend from its own weights."""


class SelfDerivation(Exception):
    """A model cannot come from itself."""


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What is said of a derivation, by whom and on what evidence.

    With a revision its makers speak, whoever of them pushed it; with nothing but a
    kind the catalog does.
    """

    kind: StatementKind
    author: User | None = None
    revision: Revision | None = None
    verification: Verification | None = None
    dispute: Dispute | None = None
    sources: Sequence[Source] = ()
    text: str = ""


def add_derivation(
    *,
    child: RegisteredModel,
    parent: RegisteredModel,
    relation: Relation,
    speech: Speech,
    note: tuple[str, str] = ("", ""),
) -> Derivation:
    """Return the derivation after the speech; made if it is new.

    `note` is a remark in English and Chinese. Saying again what the same speaker
    said last, on no new evidence, changes nothing. Raises SelfDerivation, and
    CycleRefused for a cycle within the weight layers.
    """
    if child.pk == parent.pk:
        raise SelfDerivation(f"{child.slug} names itself as its base")
    with transaction.atomic():
        lock_register()
        derivation = Derivation.objects.filter(
            child=child, parent=parent, relation=relation
        ).first()
        if derivation is None or derivation.state not in CARRYING.states:
            _refuse_cycle(child, parent, RELATION_LAYER[relation])
        if derivation is None:
            derivation = Derivation(
                child=child,
                parent=parent,
                relation=relation,
                layer=RELATION_LAYER[relation],
                state=speech.kind,
            )
        is_new = derivation.pk is None
        if any(note):
            derivation.note, derivation.note_zh = note
        derivation.save()
        if is_new:
            _append(derivation, speech)
        else:
            _say(derivation, speech)
    return derivation


def say(derivation: Derivation, speech: Speech) -> None:
    """Append a statement to a derivation and derive its state anew."""
    with transaction.atomic():
        lock_register()
        _say(derivation, speech)


def restate(derivation: Derivation) -> None:
    """Derive the state of a derivation anew; called under the lock of the register.

    What a moderator has overturned on a revision counts no more. A dispute that
    would bring a derivation back into a cycle leaves it as it is.
    """
    overturned = Verification.objects.decided().values("revision")
    statements = derivation.statements.exclude(
        verification__revision__in=overturned, verification__dispute=None
    )
    rows = statements.order_by("id").values_list("kind", "dispute", "dispute__state")
    state = standing(rows)
    if state in CARRYING.states and derivation.state not in CARRYING.states:
        try:
            layer = Layer(derivation.layer)
            _refuse_cycle(derivation.child, derivation.parent, layer)
        except CycleRefused:
            return
    derivation.state = state
    derivation.save(update_fields=["state"])


def standing(statements: Iterable[tuple[str, int | None, str | None]]) -> StatementKind:
    """Return the state that follows from (kind, dispute, its state), in order.

    A dispute shows as long as it is undecided, whatever else is said meanwhile,
    unless the derivation is withdrawn.
    """
    kinds, is_contested = [], False
    for kind, dispute, state in statements:
        if kind == StatementKind.DISPUTED and dispute is not None:
            is_contested = is_contested or state in Dispute.UNDECIDED
            continue
        kinds.append(StatementKind(kind))
        is_contested = is_contested and kind != StatementKind.WITHDRAWN
    return StatementKind.DISPUTED if is_contested else state_of(kinds)


def is_decided(revision: Revision, parent: RegisteredModel, relation: Relation) -> bool:
    """Return whether a moderator has decided on this edge of a revision."""
    decided = Statement.objects.exclude(kind=StatementKind.DISPUTED).filter(
        derivation__child=revision.model_id,
        derivation__parent=parent,
        derivation__relation=relation,
        dispute__isnull=False,
        created_at__gt=revision.created_at,
    )
    return decided.exists()


def note_visibility(model: RegisteredModel) -> None:
    """Log every derivation of a model that was hidden or shown, as if each changed.

    The log is what the index follows, and this is no change of a derivation's row.
    Called in the transaction of the act, under the lock.
    """
    rows = Derivation.objects.of_any([model.pk]).order_by("pk")
    now = timezone.now()
    Change.objects.bulk_create(
        Change(derivation_id=pk, at=now) for pk in rows.values_list("pk", flat=True)
    )


def _refuse_cycle(
    child: RegisteredModel, parent: RegisteredModel, layer: Layer
) -> None:
    # Most children are new, and what has none itself is nobody's ancestor.
    if layer not in WEIGHT_LAYERS or not child.derivatives.exists():
        return
    if child.pk in queries.ancestors(parent.pk, CARRYING):
        raise CycleRefused(f"{parent.slug} already descends from {child.slug}")


def _say(derivation: Derivation, speech: Speech) -> None:
    said = _said_by_the_same(derivation, speech).order_by("-id").first()
    if said is not None and said.kind == speech.kind:
        known = set(said.sources.values_list("pk", flat=True))
        if known.issuperset(source.pk for source in speech.sources):
            return
    _append(derivation, speech)
    restate(derivation)


def _append(derivation: Derivation, speech: Speech) -> None:
    statement = Statement.objects.create(
        derivation=derivation,
        kind=speech.kind,
        author_id=speech.author.pk if speech.author else None,
        revision=speech.revision,
        verification=speech.verification,
        dispute=speech.dispute,
        text=speech.text,
    )
    statement.sources.add(*speech.sources)


def _said_by_the_same(
    derivation: Derivation, speech: Speech
) -> models.QuerySet[Statement]:
    """Return what this speaker said before: makers, catalog, or one verification."""
    said = derivation.statements.filter(dispute=speech.dispute)
    if speech.verification is not None:
        return said.filter(verification=speech.verification)
    if speech.revision is not None:
        return said.filter(verification=None, revision__isnull=False)
    author_id = speech.author.pk if speech.author else None
    return said.filter(verification=None, revision=None, author_id=author_id)
