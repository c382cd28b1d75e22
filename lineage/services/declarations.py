"""What a model card declares: recorded as written, resolved when it can be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import structlog
from django.db.models import F, Q
from django.utils import timezone

from lineage.models import Declaration, Derivation
from lineage.services.derivations import (
    CycleRefused,
    Speech,
    add_derivation,
    say,
)
from registry.declaration import plain_id, read_declaration
from registry.description import read_description
from registry.models import HubImport, RegisteredModel, Revision, Source
from registry.naming import resolve
from registry.permissions import sight_for, sight_of_readers
from registry.vocabulary import WEIGHT_LAYERS, StatementKind, agreeing_relations

log = structlog.get_logger("baimo.declarations")


def record_declaration(revision: Revision) -> None:
    """Write down what a new revision declares and derive the model's edges from it.

    What an earlier revision declared and this one does not is withdrawn.
    """
    declared = read_declaration(revision.card)
    model = revision.model
    evidence = _record_evidence(revision)
    model.category = declared.category or ""
    model.save(update_fields=["category", "updated_at"])
    for position, (declared_id, relation) in enumerate(declared.bases):
        declaration = Declaration.objects.create(
            revision=revision,
            position=position,
            declared_id=declared_id,
            relation=relation,
            parent=_resolve_other(declared_id, model),
        )
        _derive(declaration, evidence.get(declared_id, ()))
    _withdraw_undeclared(revision)


def _resolve_other(declared_id: str, model: RegisteredModel) -> RegisteredModel | None:
    """Return the entry that an id means, unless it is the model that names it."""
    found = resolve(declared_id, sight_for(model))
    return None if found == model else found


def resolve_waiting(model: RegisteredModel) -> list[Revision]:
    """Resolve declarations that waited for this entry; return the heads affected."""
    names = Q(declared_id__iexact=model.slug)
    if model.repo_id:
        names |= Q(declared_id__iexact=model.repo_id)
    for repo in model.hub_repos.all():
        names |= Q(declared_id__iexact=repo.repo_id)
    waiting = Declaration.objects.filter(
        names, parent=None, revision__model__head=F("revision")
    ).exclude(revision__model=model)
    if model.private:
        waiting = waiting.filter(revision__model__organization=model.organization_id)
    affected = []
    for declaration in waiting.select_related("revision__model"):
        declaration.parent = model
        declaration.save(update_fields=["parent"])
        evidence = _record_evidence(declaration.revision)
        _derive(declaration, evidence.get(declaration.declared_id, ()))
        affected.append(declaration.revision)
    return affected


def _record_evidence(revision: Revision) -> Mapping[str, Sequence[Source]]:
    """Return the pages that a card names as evidence, by declared id, as sources.

    What it names no more goes from the entry and stays in the older card.
    """
    model, found = revision.model, dict[str, list[Source]]()
    for item in read_description(revision.card).evidence:
        digest = hashlib.sha256(f"{item.base} {item.url}".encode()).hexdigest()
        source, _ = Source.objects.update_or_create(
            model=model,
            key=Source.MAKERS_PREFIX + digest[:16],
            defaults={"title": item.title, "url": item.url, "covers": ["origin"]},
            create_defaults={
                "title": item.title,
                "url": item.url,
                "covers": ["origin"],
                "checked": timezone.now().date(),
                # The word of its makers, which nobody here has checked.
                "confidence": Source.Confidence.MEDIUM,
            },
        )
        found.setdefault(plain_id(item.base), []).append(source)
    kept = [source.pk for sources in found.values() for source in sources]
    given = model.sources.filter(key__startswith=Source.MAKERS_PREFIX)
    given.exclude(pk__in=kept).delete()
    return found


def _derive(declaration: Declaration, evidence: Sequence[Source]) -> None:
    child, parent = declaration.revision.model, declaration.parent
    if parent is None:
        return
    _withdraw_found(child=parent, parent=child)
    try:
        add_derivation(
            child=child,
            parent=parent,
            relation=agreeing_relations(declaration.relation)[0],
            speech=Speech(
                kind=StatementKind.DECLARED,
                author=declaration.revision.author,
                revision=declaration.revision,
                sources=[*evidence, *_sources(declaration.revision)],
            ),
        )
    except CycleRefused as error:
        # The declaration stays on record; its verdict says why no edge can carry it.
        log.info("declaration without edge", reason=str(error))
        return
    is_seen = sight_of_readers(child).sees(parent)
    if parent.family and is_seen and not child.family:
        child.family = parent.family
        child.save(update_fields=["family", "search_text", "updated_at"])


def _sources(revision: Revision) -> list[Source]:
    """Return where the card of an imported revision stands: its makers wrote it."""
    origin = HubImport.objects.filter(revision=revision).first()
    if origin is None:
        return []
    source, _ = Source.objects.update_or_create(
        model=revision.model,
        key="card",
        defaults={
            "title": f"Model card of {origin.repo_id}"[:300],
            "url": origin.card_address,
            "checked": origin.created_at.date(),
            "confidence": Source.Confidence.HIGH,
            "covers": ["derivations"],
        },
    )
    return [source]


def _withdraw_found(*, child: RegisteredModel, parent: RegisteredModel) -> None:
    """Take back what the weights alone suggested: its parent now says the reverse.

    Without a sign of direction in the weights only the order of registration spoke
    for it, and the word of the makers weighs more.
    """
    found = Derivation.objects.filter(
        child=child,
        parent=parent,
        layer__in=WEIGHT_LAYERS,
        state=StatementKind.FOUND,
    )
    for derivation in found:
        say(derivation, Speech(kind=StatementKind.WITHDRAWN))


def _withdraw_undeclared(revision: Revision) -> None:
    declared = {
        (declaration.parent_id, agreeing_relations(declaration.relation)[0])
        for declaration in revision.declarations.all()
    }
    # Of a base that its organisation hides meanwhile nothing is taken back.
    seen = sight_for(revision.model).allows("parent")
    once_declared = Derivation.objects.filter(
        seen, child=revision.model, statements__kind=StatementKind.DECLARED
    )
    for derivation in once_declared.distinct():
        if (derivation.parent_id, derivation.relation) in declared:
            continue
        say(
            derivation,
            Speech(
                kind=StatementKind.WITHDRAWN, author=revision.author, revision=revision
            ),
        )
