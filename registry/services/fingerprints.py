"""Fingerprinting a revision: its files through the engine into a stored sketch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable

import structlog
from django.db import transaction

from registry import signals
from registry.fingerprint import ENGINE, Sketch, sketch_model
from registry.jobs import Claim
from registry.models import (
    Fingerprint,
    HubImport,
    RegisteredModel,
    Revision,
    RevisionFile,
)
from registry.permissions import sight_for
from registry.services import attestations, hubreading, weights

log = structlog.get_logger("baimo.fingerprints")

# Comparing takes the last bit of a job's progress.
SHARE_OF_SKETCH = 0.95


def run_job(claim: Claim) -> None:
    """Fingerprint the job's revision, then tell lineage, which judges it.

    Raises the engine's FingerprintError, StorageError and LeaseLost.
    """
    fingerprint = fingerprint_revision(
        claim.job.revision,
        progress=lambda share: claim.report(share * SHARE_OF_SKETCH),
    )
    attestations.settle(fingerprint)
    fingerprint.refresh_from_db()
    claim.report(SHARE_OF_SKETCH)
    signals.fingerprint_stored.send(
        sender=Fingerprint, fingerprint=fingerprint, job=claim.job, report=claim.renew
    )


def stored_sketch(model: RegisteredModel) -> Sketch | None:
    """Return the sketch of the revision that the model stands at, None without one."""
    if model.head is None:
        return None
    stored = Fingerprint.objects.filter(revision=model.head, engine=ENGINE).first()
    return Sketch.from_bytes(bytes(stored.sketch)) if stored else None


def fingerprint_revision(
    revision: Revision, *, progress: Callable[[float], None]
) -> Fingerprint:
    """Return the stored fingerprint of a revision, made if it is not there yet.

    Equal files, here or in any other model that the team may see, are read only
    once: how long it takes tells nobody what others keep private. Raises
    FingerprintError for weights that cannot be read.
    """
    stored = Fingerprint.objects.filter(revision=revision, engine=ENGINE).first()
    if stored is not None:
        return stored
    if (pushed := revision.sketch_file()) is not None:
        return _by_team(revision, pushed)
    content = _content_of(weights.files_to_read(revision))
    started = time.perf_counter()
    seen = sight_for(revision.model).allows("revision__model")
    twin = Fingerprint.objects.filter(seen, content=content, engine=ENGINE).first()
    sketch = bytes(twin.sketch) if twin else _sketch(revision, progress)
    return store_fingerprint(
        revision,
        content=content,
        sketch=sketch,
        seconds=time.perf_counter() - started,
    )


def store_fingerprint(
    revision: Revision, *, content: str, sketch: bytes, seconds: float
) -> Fingerprint:
    """Return the one fingerprint of the revision; a second writer gets the first's."""
    with transaction.atomic():
        fingerprint, created = Fingerprint.objects.get_or_create(
            revision=revision,
            engine=ENGINE,
            defaults={"content": content, "sketch": sketch, "seconds": seconds},
        )
        RegisteredModel.objects.filter(head=revision).update(
            params=Sketch.from_bytes(sketch).params
        )
    log.info(
        "fingerprint stored",
        revision=revision.pk,
        created=created,
        sketch_bytes=len(sketch),
        seconds=round(seconds, 3),
    )
    return fingerprint


def _by_team(revision: Revision, file: RevisionFile) -> Fingerprint:
    """Return the fingerprint that a pushed sketch gives, marked as its team's."""
    sketch = attestations.read(file)
    with transaction.atomic():
        fingerprint = store_fingerprint(
            revision,
            content=attestations.content_of(file),
            sketch=sketch,
            seconds=0.0,
        )
        attestations.note(fingerprint)
    return fingerprint


def _content_of(files: Iterable[RevisionFile]) -> str:
    lines = "\n".join(f"{file.path} {file.blob_id}" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _sketch(revision: Revision, progress: Callable[[float], None]) -> bytes:
    origin = HubImport.objects.filter(revision=revision).first()
    if origin is not None:
        return hubreading.sketch(origin, progress=progress).to_bytes()
    with weights.checkout(revision) as folder:
        return sketch_model(folder, progress=progress).to_bytes()
