"""Adding derivations and saying things about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import models, transaction

from lineage import queries
from lineage.models import Derivation, Statement, Verification
from lineage.verdict import state_of
from registry.locks import lock_register
from registry.models import RegisteredModel, Revision, Source
from registry.vocabulary import (
    RELATION_LAYER,
    WEIGHT_LAYERS,
    Layer,
    Relation,
    StatementKind,
)

# What was withdrawn or contradicted carries nothing, so it closes no cycle.
CARRYING = queries.Scope(layers=WEIGHT_LAYERS)


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
    kinds = derivation.statements.order_by("id").values_list("kind", flat=True)
    derivation.state = state_of([StatementKind(kind) for kind in kinds])
    derivation.save(update_fields=["state"])


def _append(derivation: Derivation, speech: Speech) -> None:
    statement = Statement.objects.create(
        derivation=derivation,
        kind=speech.kind,
        author_id=speech.author.pk if speech.author else None,
        revision=speech.revision,
        verification=speech.verification,
        text=speech.text,
    )
    statement.sources.add(*speech.sources)


def _said_by_the_same(
    derivation: Derivation, speech: Speech
) -> models.QuerySet[Statement]:
    """Return what this speaker said before: makers, catalog, or one verification."""
    said = derivation.statements.all()
    if speech.verification is not None:
        return said.filter(verification=speech.verification)
    if speech.revision is not None:
        return said.filter(verification=None, revision__isnull=False)
    author_id = speech.author.pk if speech.author else None
    return said.filter(verification=None, revision=None, author_id=author_id)
