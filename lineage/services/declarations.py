"""What a model card declares: recorded as written, resolved when it can be."""

from __future__ import annotations

import structlog
from django.db.models import F, Q

from lineage.models import Declaration, Derivation
from lineage.services.derivations import (
    CycleRefused,
    Speech,
    add_derivation,
    say,
)
from registry.declaration import read_declaration
from registry.models import RegisteredModel, Revision
from registry.vocabulary import WEIGHT_LAYERS, StatementKind, agreeing_relations

log = structlog.get_logger("baimo.declarations")


def record_declaration(revision: Revision) -> None:
    """Write down what a new revision declares and derive the model's edges from it.

    A base that an earlier revision named and this one does not is withdrawn.
    """
    declared = read_declaration(revision.card)
    model = revision.model
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
        _derive(declaration)
    _withdraw_undeclared(revision)


def resolve(declared_id: str) -> RegisteredModel | None:
    """Return the entry that an id means: team/model here, a hub address, or a slug."""
    team, _, name = declared_id.partition("/")
    candidates = (
        RegisteredModel.objects.in_repo(team, name) if name else None,
        RegisteredModel.objects.filter(hub_repos__repo_id__lower=declared_id.lower()),
        RegisteredModel.objects.with_slug(declared_id),
    )
    for candidate in candidates:
        if candidate is not None and (found := candidate.first()) is not None:
            return found
    return None


def _resolve_other(declared_id: str, model: RegisteredModel) -> RegisteredModel | None:
    """Return the entry that an id means, unless it is the model that names it."""
    found = resolve(declared_id)
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
    affected = []
    for declaration in waiting.select_related("revision__model"):
        declaration.parent = model
        declaration.save(update_fields=["parent"])
        _derive(declaration)
        affected.append(declaration.revision)
    return affected


def _derive(declaration: Declaration) -> None:
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
            ),
        )
    except CycleRefused as error:
        # The declaration stays on record; its verdict says why no edge can carry it.
        log.info("declaration without edge", reason=str(error))
        return
    if parent.family and not child.family:
        child.family = parent.family
        child.save(update_fields=["family", "search_text", "updated_at"])


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
    named = revision.declarations.exclude(parent=None).values("parent")
    dropped = Derivation.objects.filter(
        child=revision.model,
        layer__in=WEIGHT_LAYERS,
        statements__kind=StatementKind.DECLARED,
    ).exclude(parent__in=named)
    for derivation in dropped.distinct():
        say(
            derivation,
            Speech(
                kind=StatementKind.WITHDRAWN, author=revision.author, revision=revision
            ),
        )
