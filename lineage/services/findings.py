"""What the weights say of derivations, once a verdict may be read by everybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import structlog

from lineage import verdict
from lineage.comparisons import REVERSED, is_siblings
from lineage.models import Verification
from lineage.services.cases import Gathered
from lineage.services.derivations import (
    CycleRefused,
    Speech,
    add_derivation,
    is_decided,
)
from registry.models import RegisteredModel, Revision
from registry.permissions import sight_of_readers
from registry.vocabulary import (
    RELATION_LAYER,
    WEIGHT_LAYERS,
    Relation,
    StatementKind,
    agreeing_relations,
)

log = structlog.get_logger("baimo.verdicts")


class Finding(NamedTuple):
    """A word of the weights on the derivation from a parent, by its id."""

    parent: int
    relation: str
    kind: str


def findings_of(gathered: Gathered, decision: verdict.Decision) -> list[Finding]:
    """Return what the weights say of every derivation concerned.

    A sketch whose weights the register has not seen says nothing.
    """
    findings: list[Finding] = []
    if gathered.is_self_attested:
        return findings
    for base in gathered.case.declared:
        kind = _word_of_the_weights(base)
        relation = agreeing_relations(base.relation)[0]
        if RELATION_LAYER[relation] not in WEIGHT_LAYERS:
            continue
        if base.slug is not None and kind is not None:
            findings.append(_finding(gathered, base.slug, relation, kind))
    found = decision.found
    relation_found = verdict.relation_found(found.comparison) if found else None
    if found is not None and relation_found is not None:
        findings.append(
            _finding(gathered, found.slug, relation_found, StatementKind.FOUND)
        )
    return findings


def say_findings(verification: Verification, findings: Iterable[Finding]) -> None:
    """Say them of the model's derivations; only the current revision speaks."""
    revision = verification.revision
    if not RegisteredModel.objects.filter(head=revision).exists():
        return
    for finding in findings:
        parent = RegisteredModel.objects.filter(pk=finding.parent).first()
        if parent is None:
            continue
        _say_of(verification, parent, finding)
        if finding.kind == StatementKind.CONTRADICTED:
            _join_family(revision.model, "")
        is_seen = sight_of_readers(revision.model).sees(parent)
        if finding.kind == StatementKind.FOUND:
            _join_family(revision.model, parent.family if is_seen else "")


def _finding(
    gathered: Gathered, slug: str, relation: Relation, kind: StatementKind
) -> Finding:
    parent = gathered.revisions[slug].model
    return Finding(parent.pk, relation.value, kind.value)


def _word_of_the_weights(base: verdict.DeclaredBase) -> StatementKind | None:
    comparison = base.comparison
    if base.is_self_attested:
        return None
    if base.obstacle or comparison is None or comparison["related"] is None:
        return None
    if comparison["direction"] == REVERSED or is_siblings(comparison):
        return None
    if comparison["related"]:
        return StatementKind.VERIFIED
    is_contradicted = verdict.is_contradicted(comparison)
    return StatementKind.CONTRADICTED if is_contradicted else None


def _say_of(
    verification: Verification, parent: RegisteredModel, finding: Finding
) -> None:
    revision: Revision = verification.revision
    relation = Relation(finding.relation)
    if is_decided(revision, parent, relation):
        log.info("finding left to what was decided", parent=parent.slug)
        return
    try:
        add_derivation(
            child=revision.model,
            parent=parent,
            relation=relation,
            speech=Speech(
                kind=StatementKind(finding.kind),
                revision=revision,
                verification=verification,
            ),
        )
    except CycleRefused as error:
        log.info("finding without edge", reason=str(error))


def _join_family(model: RegisteredModel, family: str) -> None:
    """Count a model to the family that its weights show, whatever it declares."""
    if model.family != family:
        model.family = family
        model.save(update_fields=["family", "search_text", "updated_at"])
