"""Judging a fingerprinted revision and saying what its weights say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from lineage import verdict
from lineage.comparisons import corrected
from lineage.models import Verification
from lineage.services.cases import Gathered, gather
from lineage.services.findings import findings_of
from lineage.services.hearings import announce_verdict
from registry import jobs
from registry.fingerprint import ENGINE
from registry.locks import lock_register
from registry.models import Fingerprint, Job, RegisteredModel, Revision
from registry.vocabulary import Kind, Layer, Verdict

log = structlog.get_logger("baimo.verdicts")

ACCUSING = (Verdict.RENAMED_COPY, Verdict.UNDECLARED_BASE)


def judge_without_weights(revision: Revision) -> Verification:
    """Return the verdict on a revision that has no weight files."""
    with transaction.atomic():
        verification = Verification.objects.create(
            revision=revision,
            verdict=Verdict.NOT_VERIFIABLE,
            reason=_why_without_weights(revision),
            engine=ENGINE,
        )
        announce_verdict(verification, [])
    return verification


def _why_without_weights(revision: Revision) -> str:
    """Return the reason word: weights that are missing, or that nobody can expect."""
    layers = {declaration.layer for declaration in revision.declarations.all()}
    if layers == {Layer.SERVICE}:
        return "service-declared"
    return "no-weights" if revision.model.kind == Kind.MODEL else "no-model"


def verify(
    fingerprint: Fingerprint, *, job: Job | None, report: Callable[[], None]
) -> Verification:
    """Return the verdict on a fingerprinted revision; one job gives one verdict.

    What a moderator has decided on the same revision stands, and no new one is made.

    `report` is called between comparisons and may raise to stop.
    """
    done = Verification.objects.filter(job=job).first() if job else None
    done = done or decided_on(fingerprint.revision)
    if done is not None:
        return done
    gathered = gather(fingerprint, report=report)
    decision = verdict.decide(gathered.case)
    try:
        with transaction.atomic():
            lock_register()
            verification = _store(fingerprint.revision, job, gathered, decision)
            announce_verdict(verification, findings_of(gathered, decision))
    except IntegrityError:
        # Another worker ran the same job and was first; its verdict is the verdict.
        return Verification.objects.get(job=job)
    log.info("verdict", model=fingerprint.revision.model.slug, verdict=decision.verdict)
    return verification


def verify_again(revisions: Iterable[Revision]) -> None:
    """Queue a new verdict for revisions of which more can be known now."""
    for revision in revisions:
        is_decided = decided_on(revision) is not None
        if not is_decided and revision.fingerprints.filter(engine=ENGINE).exists():
            jobs.submit(Job.Kind.VERIFY, revision)


def decided_on(revision: Revision) -> Verification | None:
    """Return the verdict that a moderator gave on the revision, or None."""
    return Verification.objects.decided().filter(revision=revision).last()


def revisions_touched_by(verification: Verification) -> QuerySet[Revision]:
    """Return the heads of which the weights just judged may say something new.

    They declare this model as their base, had nothing to be compared with, are
    relatives that came after it, or were said to come from it. What is private says
    something to its own organisation alone.
    """
    revision = verification.revision
    current = Verification.objects.current()
    alone = current.filter(reason="nothing-comparable")
    accused = current.filter(verdict__in=ACCUSING, compared_with=revision.model)
    claimed = current.filter(reason="only-self-attested", compared_with=revision.model)
    relatives = [relative["slug"] for relative in verification.relatives]
    return (
        Revision.objects.filter(model__head=F("pk"))
        .filter(
            Q(declarations__parent=revision.model)
            | Q(verifications__in=alone)
            | Q(verifications__in=accused)
            | Q(verifications__in=claimed)
            | Q(model__slug__in=relatives) & _after(revision)
        )
        .filter(_concerned_by(revision.model))
        .exclude(model=revision.model)
        .distinct()
    )


def _after(revision: Revision) -> Q:
    """Return the condition that a revision came or became public after this one."""
    later = Q(created_at__gt=revision.created_at)
    if revision.public_since is not None:
        later |= Q(public_since__gt=revision.public_since)
    return later


def _concerned_by(model: RegisteredModel) -> Q:
    return Q(model__organization=model.organization_id) if model.private else Q()


def _store(
    revision: Revision, job: Job | None, gathered: Gathered, decision: verdict.Decision
) -> Verification:
    slug = decision.compared_with
    against = gathered.revisions.get(slug) if slug else None
    return Verification.objects.create(
        revision=revision,
        job=job,
        verdict=decision.verdict,
        reason=decision.reason,
        compared_with=against.model if against else None,
        compared_revision=against,
        comparison=decision.comparison,
        relatives=[
            _relative(relative, gathered.case.n_scanned)
            for relative in gathered.case.others
            if relative.comparison["related"] is True
        ],
        limits=[*_limits(gathered.case, decision), *gathered.gaps],
        n_compared=len(gathered.revisions),
        engine=ENGINE,
    )


def _relative(relative: verdict.Relative, n_scanned: int) -> dict[str, Any]:
    """Return what a verdict keeps of a relative: enough to name it and look it up."""
    kept = ("relation", "relation_set", "log10_p", "effect", "direction")
    comparison = corrected(relative.comparison, n_scanned)
    return {
        "slug": relative.slug,
        "explained": relative.is_explained,
        "comparison": {name: comparison[name] for name in kept},
    }


def _limits(case: verdict.Case, decision: verdict.Decision) -> list[str]:
    """Return what the verdict could not see, the comparison's limits first."""
    limits = list(decision.comparison["limits"]) if decision.comparison else []
    unknown = sorted(
        relative.slug
        for relative in case.others
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
