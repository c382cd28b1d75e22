"""Adding derivations and saying things about them."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from lineage import queries
from lineage.models import Derivation, Statement, Verification
from lineage.verdict import state_of
from registry.models import RegisteredModel, Revision, Source
from registry.vocabulary import RELATION_LAYER, WEIGHT_LAYERS, Relation, StatementKind


class CycleRefused(Exception):
    """The derivation would make a model descend from its own weights."""


class SelfDerivation(Exception):
    """A model cannot come from itself."""


def add_derivation(
    *,
    child: RegisteredModel,
    parent: RegisteredModel,
    relation: Relation,
    kind: StatementKind,
    note: str = "",
    author: AbstractBaseUser | None = None,
    revision: Revision | None = None,
    verification: Verification | None = None,
    sources: Iterable[Source] = (),
    text: str = "",
) -> Derivation:
    """Return the derivation after saying `kind` of it; made if it is new.

    Saying again what the same speaker said last changes nothing. Raises
    SelfDerivation, and CycleRefused for a cycle within the weight layers.
    """
    if child.pk == parent.pk:
        raise SelfDerivation(f"{child.slug} names itself as its base")
    with transaction.atomic():
        queries.lock_derivations()
        derivation = Derivation.objects.filter(
            child=child, parent=parent, relation=relation
        ).first()
        if derivation is None:
            derivation = _create(child, parent, relation, kind, note)
        _say(
            derivation,
            Statement(
                derivation=derivation,
                kind=kind,
                author_id=author.pk if author else None,
                revision=revision,
                verification=verification,
                text=text,
            ),
            sources,
        )
    return derivation


def _create(
    child: RegisteredModel,
    parent: RegisteredModel,
    relation: Relation,
    kind: StatementKind,
    note: str,
) -> Derivation:
    layer = RELATION_LAYER[relation]
    if layer in WEIGHT_LAYERS and child.pk in queries.ancestors(
        parent.pk, layers=WEIGHT_LAYERS
    ):
        raise CycleRefused(f"{parent.slug} already descends from {child.slug}")
    return Derivation.objects.create(
        child=child,
        parent=parent,
        relation=relation,
        layer=layer,
        note=note,
        state=kind,
    )


def say(
    derivation: Derivation,
    *,
    kind: StatementKind,
    author: AbstractBaseUser | None = None,
    text: str = "",
) -> None:
    """Append a statement to a derivation and derive its state anew."""
    statement = Statement(
        derivation=derivation,
        kind=kind,
        author_id=author.pk if author else None,
        text=text,
    )
    with transaction.atomic():
        queries.lock_derivations()
        _say(derivation, statement, ())


def _say(derivation: Derivation, statement: Statement, sources: Iterable[Source]) -> None:
    if not _is_news(derivation, statement):
        return
    statement.save()
    statement.sources.set(sources)
    kinds = derivation.statements.order_by("id").values_list("kind", flat=True)
    derivation.state = state_of([StatementKind(kind) for kind in kinds])
    derivation.save(update_fields=["state"])


def _is_news(derivation: Derivation, statement: Statement) -> bool:
    """Return whether this speaker's last word on the derivation was another."""
    if statement.verification is not None:
        said = derivation.statements.filter(verification=statement.verification)
        return not said.exists()
    last = (
        derivation.statements.filter(verification=None).order_by("-id").first()
    )
    return last is None or last.kind != statement.kind
