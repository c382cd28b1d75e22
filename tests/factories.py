"""Rows for tests, made plainly: every factory takes overrides and fills the rest."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from lineage.models import Derivation, Dispute, Verification
from registry.fingerprint import ENGINE
from registry.models import (
    ApiToken,
    Blob,
    Fingerprint,
    HubImport,
    Job,
    Membership,
    Organization,
    RegisteredModel,
    Revision,
    RevisionFile,
)
from registry.vocabulary import RELATION_LAYER, Kind, Relation, StatementKind, Verdict

_numbers = count(1)


def make_user(**overrides: Any) -> User:
    """Return a person who can sign in with the password "password"."""
    password = overrides.pop("password", "password")
    values = {"username": f"user{next(_numbers)}"} | overrides
    user: User = User.objects.create_user(password=password, **values)
    return user


def make_organization(*, owner: User | None = None, **overrides: Any) -> Organization:
    """Return an organisation, owned by the user when one is given."""
    organization = Organization.objects.create(
        **{"slug": f"team{next(_numbers)}"} | overrides
    )
    if owner is not None:
        make_membership(organization=organization, user=owner)
    return organization


def make_membership(**overrides: Any) -> Membership:
    """Return a role of a user in an organisation; an owner unless said otherwise."""
    return Membership.objects.create(**{"role": Membership.Role.OWNER} | overrides)


def make_token(
    *, user: User, organization: Organization, **overrides: Any
) -> tuple[ApiToken, str]:
    """Return a token that may push, and its secret."""
    key = overrides.pop("key", f"baimo_test-key-{next(_numbers)}")
    values = {
        "name": "test",
        "scope": ApiToken.Scope.PUSH,
        "prefix": key[:12],
        "digest": ApiToken.digest_of(key),
    }
    token = ApiToken.objects.create(
        user=user, organization=organization, **values | overrides
    )
    return token, key


def make_model(**overrides: Any) -> RegisteredModel:
    """Return a model that a team registered; pass organization=None for none."""
    name = f"model{next(_numbers)}"
    if "organization" not in overrides:
        overrides["organization"] = make_organization()
    team = overrides["organization"]
    values = {
        "slug": f"{team.slug}--{name}" if team else name,
        "origin": RegisteredModel.Origin.TEAM,
        "kind": Kind.MODEL,
        "name": name,
        "repo_name": name if team else "",
        "released": "2026-11",
    }
    return RegisteredModel.objects.create(**values | overrides)


def make_catalog_model(**overrides: Any) -> RegisteredModel:
    """Return an entry of the catalog, which no team owns."""
    values = {"origin": RegisteredModel.Origin.CATALOG, "organization": None}
    return make_model(**values | overrides)


def make_revision(
    *,
    model: RegisteredModel | None = None,
    files: dict[str, bytes] | None = None,
    **overrides: Any,
) -> Revision:
    """Return a revision that is its model's head; contents are not stored."""
    model = model or make_model()
    number = next(_numbers)
    values = {
        "model": model,
        "commit_id": hashlib.sha1(str(number).encode()).hexdigest(),
        "parent": model.head,
        "summary": f"Commit {number}",
        "public_since": None if model.private else timezone.now(),
    }
    revision = Revision.objects.create(**values | overrides)
    for path, content in (files or {}).items():
        make_file(revision=revision, path=path, content=content)
    model.head = revision
    model.save()
    return revision


def make_file(*, revision: Revision, path: str, content: bytes) -> RevisionFile:
    """Return a file of a revision with the blob row behind it."""
    sha256 = hashlib.sha256(content).hexdigest()
    blob, _ = Blob.objects.get_or_create(
        sha256=sha256, defaults={"size_bytes": len(content)}
    )
    oid = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    return RevisionFile.objects.create(revision=revision, path=path, blob=blob, oid=oid)


def make_fingerprint(**overrides: Any) -> Fingerprint:
    """Return a stored fingerprint; its sketch is no real one unless given."""
    if "revision" not in overrides:
        overrides["revision"] = make_revision()
    values = {
        "engine": ENGINE,
        "content": hashlib.sha256(str(next(_numbers)).encode()).hexdigest(),
        "sketch": b"no sketch",
        "seconds": 0.1,
    }
    return Fingerprint.objects.create(**values | overrides)


def make_job(**overrides: Any) -> Job:
    """Return a job that waits."""
    if "revision" not in overrides:
        overrides["revision"] = make_revision()
    return Job.objects.create(**{"kind": Job.Kind.FINGERPRINT} | overrides)


def make_hub_import(**overrides: Any) -> HubImport:
    """Return an import of a repository whose weights nobody has read yet."""
    if "revision" not in overrides:
        overrides["revision"] = make_revision()
    values = {"hub": "https://huggingface.co", "repo_id": "kin/tuned"}
    return HubImport.objects.create(**values | {"commit_id": "c" * 40} | overrides)


def make_derivation(**overrides: Any) -> Derivation:
    """Return a derivation row alone, without the statements behind its state."""
    for end in ("child", "parent"):
        if end not in overrides:
            overrides[end] = make_model()
    relation = Relation(overrides.pop("relation", Relation.SFT))
    values = {
        "relation": relation,
        "layer": RELATION_LAYER[relation],
        "state": StatementKind.DECLARED,
    }
    return Derivation.objects.create(**values | overrides)


def make_verification(**overrides: Any) -> Verification:
    """Return a verdict on a revision: consistent unless said otherwise."""
    if "revision" not in overrides:
        overrides["revision"] = make_revision()
    values = {"verdict": Verdict.CONSISTENT, "reason": "related", "engine": ENGINE}
    return Verification.objects.create(**values | overrides)


def make_dispute(**overrides: Any) -> Dispute:
    """Return an open dispute on a fact of a catalog entry, without its opening."""
    if "model" not in overrides:
        overrides["model"] = make_catalog_model()
    if "opened_by" not in overrides:
        overrides["opened_by"] = make_user()
    if not {"derivation", "verification"} & overrides.keys():
        overrides.setdefault("fact", "params")
    values = {"answer_until": timezone.now() + timedelta(days=14)}
    return Dispute.objects.create(**values | overrides)
