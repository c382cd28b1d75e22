"""Sketches that a team computed, and what the register makes of them."""

from __future__ import annotations

import hashlib

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from registry import gitoid, jobs, storage
from registry.fingerprint import ENGINE, Sketch
from registry.models import (
    Fingerprint,
    Job,
    Organization,
    RegisteredModel,
    Revision,
    RevisionFile,
    SelfAttestation,
)
from registry.permissions import Sight, sight_for
from registry.services.revisions import (
    CARD_PATH,
    AddedFile,
    Changes,
    NameTaken,
    check_wish,
    commit_revision,
    register_model,
)

SKETCH_PATH = "model.sketch"
# Devices round the descriptors of units differently, by a step here and there.
_STEPS_APART = 2
_SHARE_ALIKE = 0.99


def register_sketch(
    *,
    organization: Organization,
    name: str,
    user: User,
    card: bytes,
    sketch: bytes,
    private: bool = False,
) -> Revision:
    """Return the revision of a model that has nothing but a card and a sketch.

    Files of an earlier one are replaced, weights included. Raises CommitRefused,
    ValidationError for a name that cannot be an address, and DiskFull.
    """
    added = [_added(CARD_PATH, card), _added(SKETCH_PATH, sketch)]
    try:
        model = register_model(organization=organization, name=name, private=private)
    except NameTaken:
        model = RegisteredModel.objects.in_repo(organization.slug, name).get()
        check_wish(model, private=private)
    known = model.head.files.values_list("path", flat=True) if model.head else ()
    return commit_revision(
        model=model,
        author=user,
        changes=Changes(added, deleted=sorted({*known} - {CARD_PATH, SKETCH_PATH})),
        summary="A sketch, computed by its team",
    )


def _added(path: str, content: bytes) -> AddedFile:
    return AddedFile(
        path=path,
        sha256=storage.store_bytes(content),
        size_bytes=len(content),
        oid=gitoid.of_content(content),
        is_lfs=False,
    )


def content_of(file: RevisionFile) -> str:
    """Return the key of a team's sketch; no weights ever have the same."""
    return hashlib.sha256(f"self-attested {file.blob_id}".encode()).hexdigest()


def read(file: RevisionFile) -> bytes:
    """Return the bytes of a sketch that was pushed; raises StorageError."""
    path = storage.path_of(file.blob_id)
    if not path.is_file():
        raise storage.ContentMissing(f"the content of {file.path} is not stored")
    return path.read_bytes()


def note(fingerprint: Fingerprint) -> None:
    """Mark a fingerprint as computed by its team, once."""
    sketch = Sketch.from_bytes(bytes(fingerprint.sketch))
    SelfAttestation.objects.get_or_create(
        fingerprint=fingerprint, defaults={"weights": _digest(sketch.hashes)}
    )


def settle(fingerprint: Fingerprint) -> None:
    """Confirm or contradict what teams computed of weights that have been read here.

    Called with every new fingerprint: of weights, or by a team. What is confirmed
    takes over the register's own sketch, and its verdict is made anew.
    """
    if hasattr(fingerprint, "self_attestation"):
        waiting = [fingerprint.self_attestation]
    else:
        held = _hashes_of(fingerprint.revision)
        found = SelfAttestation.objects.open().filter(weights=_digest(held))
        waiting = list(found.select_related("fingerprint__revision__model"))
    for attestation in waiting:
        _settle(attestation)


def _settle(attestation: SelfAttestation) -> None:
    if attestation.confirmed_at or attestation.contradicted_at:
        return
    fingerprint = attestation.fingerprint
    claimed = Sketch.from_bytes(bytes(fingerprint.sketch))
    seen = _seen(claimed, sight_for(fingerprint.revision.model))
    if seen is None:
        return
    now = timezone.now()
    if not _agree(claimed, Sketch.from_bytes(bytes(seen.sketch))):
        attestation.contradicted_at = now
        attestation.save(update_fields=["contradicted_at"])
        return
    with transaction.atomic():
        fingerprint.sketch = seen.sketch
        fingerprint.save(update_fields=["sketch"])
        attestation.confirmed_at, attestation.confirmed_by = now, seen.revision
        attestation.save(update_fields=["confirmed_at", "confirmed_by"])
        jobs.submit(Job.Kind.FINGERPRINT, fingerprint.revision)


def _seen(claimed: Sketch, sight: Sight) -> Fingerprint | None:
    """Return the register's own fingerprint of exactly these weight files, if any.

    What another organisation keeps private confirms nothing.
    """
    hashes = claimed.hashes
    candidates = Fingerprint.objects.filter(
        sight.allows("revision__model"),
        engine=ENGINE,
        self_attestation=None,
        revision__files__blob=min(hashes),
    )
    for found in candidates.select_related("revision").order_by("id"):
        if _hashes_of(found.revision) == hashes:
            return found
    return None


def _agree(claimed: Sketch, own: Sketch) -> bool:
    exact = ("params", "dtype", "n_tensors", "n_nan", "n_inf", "whole")
    if any(getattr(claimed, name) != getattr(own, name) for name in exact):
        return False
    if not np.array_equal(claimed.rows, own.rows):
        return False
    if claimed.units is None or own.units is None:
        return claimed.units is own.units
    pairs = [
        (getattr(claimed.units, n), getattr(own.units, n)) for n in ("raw", "free")
    ]
    return all(
        a.shape == b.shape
        and np.mean(np.abs(a.astype(int) - b) <= _STEPS_APART) >= _SHARE_ALIKE
        for a, b in pairs
    )


def _hashes_of(revision: Revision) -> frozenset[str]:
    return frozenset(revision.weight_files().values_list("blob_id", flat=True))


def _digest(hashes: frozenset[str]) -> str:
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
