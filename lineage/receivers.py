"""What lineage does when registry has something new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from lineage import tasks
from lineage.services import (
    citations,
    declarations,
    derivations,
    hearings,
    verifications,
)
from registry.models import Fingerprint, Job, RegisteredModel, Revision
from registry.signals import (
    fingerprint_stored,
    removal_asked,
    revision_committed,
    swept,
    visibility_changed,
)


def connect() -> None:
    """Connect the receivers; called once, when the app is ready."""
    revision_committed.connect(on_revision_committed)
    fingerprint_stored.connect(on_fingerprint_stored)
    swept.connect(on_swept)
    visibility_changed.connect(on_visibility_changed)
    removal_asked.connect(on_removal_asked)


def on_revision_committed(*, revision: Revision, **kwargs: Any) -> None:
    """Record the declaration; without weights the verdict follows at once."""
    declarations.record_declaration(revision)
    waiting = declarations.resolve_waiting(revision.model)
    if not revision.weight_files().exists() and revision.sketch_file() is None:
        verifications.judge_without_weights(revision)
        verifications.verify_again(waiting)


def on_fingerprint_stored(
    *, fingerprint: Fingerprint, job: Job, report: Callable[[], None], **kwargs: Any
) -> None:
    """Judge the revision, then those of which its weights say something new."""
    verification = verifications.verify(fingerprint, job=job, report=report)
    touched = verifications.revisions_touched_by(verification)
    verifications.verify_again(touched)


def on_visibility_changed(*, model: RegisteredModel, **kwargs: Any) -> None:
    """Have the index hide or show the model, and what waited for it find it."""
    derivations.note_visibility(model)
    if not model.private:
        verifications.verify_again(declarations.resolve_waiting(model))


def on_removal_asked(*, model: RegisteredModel, **kwargs: Any) -> bool:
    """Return whether others derive from the model or speak of it."""
    return citations.is_cited(model)


def on_swept(**kwargs: Any) -> None:
    """Publish verdicts whose time has come; have the index made anew where due."""
    hearings.publish_due(at=timezone.now())
    tasks.ring_for_index()
