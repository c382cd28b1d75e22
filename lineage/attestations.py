"""Verdicts as signed statements: rows into what registry.attest writes and signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from lineage import veils
from lineage.measured import error_rate
from lineage.models import Declaration, Dispute, Verification
from registry import signing
from registry.attest import (
    PAYLOAD_TYPE,
    PREDICATE_PATH,
    Envelope,
    Statement,
    sign,
    statement_bytes,
)
from registry.fingerprint import ENGINE, SKETCH_FORMAT
from registry.models import RegisteredModel, Revision
from registry.permissions import PUBLIC, Sight

Json = dict[str, Any]

# Of the engine's comparison; with it goes the evidence, which holds the statistic.
SIGNED: Final = (
    "a",
    "b",
    "related",
    "relation",
    "relation_set",
    "direction",
    "null",
    "effect",
    "p_value",
    "log10_p",
)


class NothingToSign(Exception):
    """The revision holds no file that a statement could be about."""


def envelope_of(verification: Verification, sight: Sight = PUBLIC) -> Envelope:
    """Return the signed statement of a verdict; raises NothingToSign.

    Made when asked for, the same every time until a newer verdict supersedes it,
    a model in it is hidden or shown, or the key changes.
    """
    payload = statement_bytes(statement_of(verification, sight))
    return sign(payload, PAYLOAD_TYPE, signing.current_key())


def statement_of(verification: Verification, sight: Sight = PUBLIC) -> Statement:
    """Return the statement of a verdict; raises NothingToSign.

    It is about the weight files, or all files of a revision that has no weights. Of
    a public model it names what everybody may know, whoever asks.
    """
    revision = verification.revision
    files = _hashes(revision) or dict(revision.files.values_list("path", "blob_id"))
    if not files:
        raise NothingToSign
    return Statement(
        subject=files,
        predicate_type=settings.PUBLIC_URL + PREDICATE_PATH,
        predicate=_predicate(verification, sight),
    )


def _predicate(verification: Verification, sight: Sight) -> Json:
    revision = verification.revision
    model = revision.model
    sight = veils.sight_of_statement(model, sight)
    verification = veils.veiled(verification, sight)
    other = verification.compared_with
    newer = verification.superseding()
    declarations = revision.declarations.with_parents()
    declarations = declarations.select_related("parent__organization")
    return {
        "verdict": verification.verdict,
        "reason": verification.reason,
        "model": _model(model) | {"revision": revision.commit_id},
        "declared": [_declared(d) for d in veils.declared(declarations, sight)],
        "compared_with": (
            _compared(other, verification) if other and other.pk else None
        ),
        "comparison": _comparison(verification.comparison),
        "n_compared": verification.n_compared,
        "limits": verification.limits,
        "sketch_by": "team" if verification.is_self_attested else "register",
        "measured_error": error_rate(verification.engine),
        "decision": _decision(verification.dispute),
        "disputed_at": [_public("lineage:dispute", pk) for pk in _contests(revision)],
        "engine": verification.engine,
        "sketch_format": SKETCH_FORMAT if verification.engine == ENGINE else None,
        "date": verification.created_at.isoformat(),
        **addresses(verification),
        "superseded_by": addresses(newer) if newer else None,
        "current": _public("api-model-statement", model.slug),
    }


def _decision(dispute: Dispute | None) -> Json | None:
    """Return where a moderator's reasons stand, if the verdict is a moderator's."""
    if dispute is None:
        return None
    decided = dispute.events.filter(kind=dispute.state).latest("id")
    page = _public("lineage:dispute", dispute.pk)
    return {"page": page, "reasons": decided.text}


def _contests(revision: Revision) -> Iterable[int]:
    undecided = Dispute.objects.undecided().on_public()
    contested = undecided.filter(verification__revision=revision)
    return contested.order_by("id").values_list("pk", flat=True)


def addresses(verification: Verification) -> dict[str, str]:
    """Return where a verdict can be read, and where its statement."""
    return {
        "page": _public("lineage:verification", verification.pk),
        "statement": _public("api-statement", verification.pk),
    }


def _public(name: str, *arguments: object) -> str:
    """Return an address that does not depend on who asks in which language."""
    with translation.override("en"):
        return settings.PUBLIC_URL + reverse(name, args=arguments)


def _model(model: RegisteredModel) -> Json:
    return {"slug": model.slug, "repo": model.repo_id or None}


def _declared(declaration: Declaration) -> Json:
    parent = declaration.parent
    return {
        "id": declaration.declared_id,
        "relation": declaration.relation,
        "slug": parent.slug if parent else None,
        "repo": (parent.repo_id or None) if parent else None,
    }


def _compared(other: RegisteredModel, verification: Verification) -> Json:
    """Return the other model, with the files that were compared where it is known."""
    revision = verification.compared_revision
    return _model(other) | {
        "revision": revision.commit_id if revision else None,
        "files": _hashes(revision) if revision else None,
    }


def _comparison(comparison: Mapping[str, Any] | None) -> Json | None:
    if comparison is None:
        return None
    evidence = [
        {name: item[name] for name in ("kind", "value", "text")}
        for item in comparison["evidence"]
    ]
    kept = {name: comparison[name] for name in SIGNED}
    return kept | {"method": comparison["test"], "evidence": evidence}


def _hashes(revision: Revision) -> dict[str, str]:
    """Return the SHA-256 of a revision's weight files by path."""
    return dict(revision.weight_files().values_list("path", "blob_id"))
