"""Judging a fingerprinted revision: comparisons in, one verdict out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from lineage import queries, verdict
from lineage.models import Declaration, Verification
from lineage.services.declarations import read_declaration, resolve
from lineage.services.derivations import (
    CycleRefused,
    Speech,
    add_derivation,
)
from registry import jobs
from registry.fingerprint import ENGINE, Sketch, compare
from registry.models import Fingerprint, Job, RegisteredModel, Revision
from registry.vocabulary import (
    WEIGHT_LAYERS,
    Relation,
    StatementKind,
    Verdict,
    agreeing_relations,
)

log = structlog.get_logger("baimo.verdicts")

# Edges that people took back or the weights contradict explain no relative.
KINSHIP = queries.Scope(layers=WEIGHT_LAYERS)


@dataclass(frozen=True)
class Compared:
    """A revision's case and the rows behind the slugs in it."""

    case: verdict.Case
    models: dict[str, RegisteredModel]


def judge_without_weights(revision: Revision) -> Verification:
    """Return the verdict on a revision that has no weight files."""
    return Verification.objects.create(
        revision=revision,
        verdict=Verdict.NOT_VERIFIABLE,
        reason="no-weights",
        engine=ENGINE,
    )


def verify(fingerprint: Fingerprint, *, job: Job | None) -> Verification:
    """Return the verdict on a fingerprinted revision; one job gives one verdict."""
    done = Verification.objects.filter(job=job).first() if job else None
    if done is not None:
        return done
    compared = _compare_with_all(fingerprint)
    decision = verdict.decide(compared.case)
    try:
        with transaction.atomic():
            verification = _store(fingerprint.revision, job, compared, decision)
            _state_what_was_found(verification, compared, decision)
    except IntegrityError:
        # Another worker ran the same job and was first; its verdict is the verdict.
        return Verification.objects.get(job=job)
    log.info("verdict", model=fingerprint.revision.model.slug, verdict=decision.verdict)
    return verification


def verify_again(revisions: Iterable[Revision]) -> None:
    """Queue a new verdict for revisions of which more can be known now."""
    for revision in revisions:
        if revision.fingerprints.filter(engine=ENGINE).exists():
            jobs.submit(Job.Kind.VERIFY, revision)


def revisions_touched_by(verification: Verification) -> QuerySet[Revision]:
    """Return the heads of which the weights just judged may say something new.

    They declare this model as their base, had nothing to be compared with, or are
    relatives that came after it.
    """
    revision = verification.revision
    alone = Verification.objects.current().filter(reason="nothing-comparable")
    relatives = [relative["slug"] for relative in verification.relatives]
    return (
        Revision.objects.filter(model__head=F("pk"))
        .filter(
            Q(declarations__parent=revision.model)
            | Q(verifications__in=alone)
            | Q(model__slug__in=relatives, created_at__gt=revision.created_at)
        )
        .exclude(model=revision.model)
        .distinct()
    )


def _compare_with_all(fingerprint: Fingerprint) -> Compared:
    """Compare with every registered model of which the register holds weights."""
    revision = fingerprint.revision
    mine = Sketch.from_bytes(bytes(fingerprint.sketch))
    declarations = list(
        revision.declarations.select_related("parent").order_by("position")
    )
    bases = {d.parent_id: d for d in declarations if d.parent_id is not None}
    explained = _explained(revision.model, bases)
    models: dict[str, RegisteredModel] = {}
    comparisons: dict[int, verdict.Comparison] = {}
    others: list[verdict.Relative] = []
    for other in _other_fingerprints(revision.model):
        model = other.revision.model
        models[model.slug] = model
        names = (model.slug, revision.model.slug)
        theirs = Sketch.from_bytes(bytes(other.sketch))
        comparison = compare(theirs, mine, names=names).to_json()
        comparisons[model.pk] = comparison
        if model.pk not in bases:
            # Who came later cannot be an undeclared base.
            is_later = other.revision.created_at > revision.created_at
            is_explained = is_later or model.pk in explained
            others.append(verdict.Relative(model.slug, comparison, is_explained))
    case = verdict.Case(
        declared=[_declared_base(d, comparisons) for d in declarations],
        declares_scratch=read_declaration(revision.card).is_from_scratch,
        others=others,
    )
    return Compared(case=case, models=models)


def _other_fingerprints(model: RegisteredModel) -> Iterable[Fingerprint]:
    return (
        Fingerprint.objects.current()
        .filter(engine=ENGINE)
        .exclude(revision__model=model)
        .select_related("revision__model")
        .order_by("id")
        .iterator()
    )


def _declared_base(
    declaration: Declaration, comparisons: dict[int, verdict.Comparison]
) -> verdict.DeclaredBase:
    parent, model = declaration.parent, declaration.revision.model
    return verdict.DeclaredBase(
        declared_id=declaration.declared_id,
        relation=declaration.relation,
        slug=parent.slug if parent else None,
        comparison=comparisons.get(parent.pk) if parent else None,
        is_itself=resolve(declaration.declared_id) == model,
    )


def _explained(model: RegisteredModel, bases: Iterable[int]) -> set[int]:
    """Return the models whose kinship the declarations account for.

    The declared bases' ancestors and all descendants of any of these, and whatever
    descends from the model itself.
    """
    roots = set(bases)
    for base in bases:
        roots |= queries.ancestors(base, KINSHIP)
    explained = set(roots)
    for root in roots | {model.pk}:
        explained |= queries.descendants(root, KINSHIP)
    return explained - {model.pk}


def _store(
    revision: Revision,
    job: Job | None,
    compared: Compared,
    decision: verdict.Decision,
) -> Verification:
    case = compared.case
    related = [r for r in case.others if r.comparison["related"] is True]
    against = decision.compared_with
    return Verification.objects.create(
        revision=revision,
        job=job,
        verdict=decision.verdict,
        reason=decision.reason,
        compared_with=compared.models.get(against) if against else None,
        comparison=decision.comparison,
        relatives=[
            {
                "slug": relative.slug,
                "explained": relative.is_explained,
                "comparison": relative.comparison,
            }
            for relative in related
        ],
        limits=_limits(compared, decision),
        n_compared=len(compared.models),
        engine=ENGINE,
    )


def _limits(compared: Compared, decision: verdict.Decision) -> list[str]:
    """Return what the verdict could not see, the comparison's limits first."""
    limits = list(decision.comparison["limits"]) if decision.comparison else []
    unknown = sorted(
        relative.slug
        for relative in compared.case.others
        if relative.comparison["related"] is None
    )
    if decision.found and decision.found.comparison["direction"] is None:
        limits.append(
            "The weights do not say which of the two came first; "
            f"{decision.found.slug} was registered here earlier."
        )
    if unknown:
        limits.append(
            "Not comparable, and so not excluded: " + ", ".join(unknown) + "."
        )
    return limits


def _state_what_was_found(
    verification: Verification, compared: Compared, decision: verdict.Decision
) -> None:
    """Say on every derivation concerned what the weights say of it."""
    child = verification.revision.model
    for base in compared.case.declared:
        if base.slug is None or base.comparison is None:
            continue
        kind = _word_of_the_weights(base.comparison)
        if kind is not None:
            _say_of(
                verification,
                child,
                compared.models[base.slug],
                agreeing_relations(base.relation)[0],
                kind,
            )
    found = decision.found
    relation = verdict.relation_found(found.comparison) if found else None
    if found is not None and relation is not None:
        parent = compared.models[found.slug]
        _say_of(verification, child, parent, relation, StatementKind.FOUND)


def _word_of_the_weights(comparison: verdict.Comparison) -> StatementKind | None:
    if comparison["related"] is None:
        return None
    if comparison["related"]:
        return StatementKind.VERIFIED
    return StatementKind.CONTRADICTED


def _say_of(
    verification: Verification,
    child: RegisteredModel,
    parent: RegisteredModel,
    relation: Relation,
    kind: StatementKind,
) -> None:
    try:
        add_derivation(
            child=child,
            parent=parent,
            relation=relation,
            speech=Speech(
                kind=kind, revision=verification.revision, verification=verification
            ),
        )
    except CycleRefused as error:
        log.info("finding without edge", reason=str(error))
