"""Removing a model: all of it, or all but what others rest on."""

from __future__ import annotations

from collections.abc import Set
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from registry import signals, storage
from registry.locks import lock_register
from registry.models import (
    AuditEntry,
    Fingerprint,
    Job,
    RegisteredModel,
    Removal,
    RevisionFile,
)
from registry.services.audit import record

Action = AuditEntry.Action
# No team can have this name, so what stands under it belongs to nobody.
GONE_SLUG = "gone--{pk}"


class AlreadyRemoved(Exception):
    """The model was removed before."""


def remove_model(model: RegisteredModel, *, by: User, reason: str = "") -> bool:
    """Remove a model and return whether it leaves its stone.

    Its files go, and of their contents what no other model holds. Where others
    derive from it or speak of it, its lineage, fingerprint and verdicts stay and the
    name is kept for its owners; otherwise nothing is left to be seen. Raises
    AlreadyRemoved.
    """
    with transaction.atomic():
        lock_register()
        standing = RegisteredModel.objects.select_related("organization")
        # What was erased meanwhile left no row, or one that belongs to nobody.
        found = standing.filter(pk=model.pk, slug=model.slug, removal=None).first()
        if found is None:
            raise AlreadyRemoved(model.repo_id)
        model = found
        team, name = model.organization, model.repo_id
        files = RevisionFile.objects.filter(revision__model=model)
        contents = set(files.values_list("blob_id", flat=True))
        _cancel_jobs(model)
        leaves_stone = is_cited(model)
        if leaves_stone:
            _leave_stone(model, by, reason)
        else:
            _erase(model)
        if team is not None:
            record(team, Action.MODEL_REMOVED, actor=by, subject=name)
        transaction.on_commit(partial(_drop_contents, contents))
    return leaves_stone


def restore_model(model: RegisteredModel, *, by: User) -> None:
    """Take the name of a removed model into use again, for a new push.

    What it was before stays in its history; its files do not come back.
    """
    with transaction.atomic():
        lock_register()
        removed = RegisteredModel.objects.filter(pk=model.pk).exclude(removal=None)
        if removed.update(removal=None, head=None, updated_at=timezone.now()):
            team = model.organization
            if team is not None:
                record(team, Action.MODEL_RESTORED, actor=by, subject=model.repo_id)


def is_cited(model: RegisteredModel) -> bool:
    """Return whether something of others rests on the model."""
    answers = signals.removal_asked.send(sender=RegisteredModel, model=model)
    return any(answer for _receiver, answer in answers)


def _cancel_jobs(model: RegisteredModel) -> None:
    waiting = Job.objects.unfinished().filter(revision__model=model)
    waiting.update(
        state=Job.State.CANCELLED,
        lease=None,
        lease_expires_at=None,
        finished_at=timezone.now(),
    )


def _leave_stone(model: RegisteredModel, by: User, reason: str) -> None:
    model.revisions.update(emptied_at=timezone.now())
    model.removal = Removal.objects.create(model=model, by=by, reason=reason)
    model.save(update_fields=["removal", "updated_at"])


def _erase(model: RegisteredModel) -> None:
    """Delete the model, or where a verdict forbids that, all that it says.

    Verdicts are never deleted; those on a model that is gone are about a number.
    """
    try:
        with transaction.atomic():
            model.delete()
    except ProtectedError:
        _empty(model)


def _empty(model: RegisteredModel) -> None:
    RevisionFile.objects.filter(revision__model=model).delete()
    Fingerprint.objects.filter(revision__model=model).delete()
    model.tags.all().delete()
    model.corrections.all().delete()
    model.sources.all().delete()
    model.revisions.update(
        summary="", description="", card={}, author=None, emptied_at=timezone.now()
    )
    nothing = RegisteredModel(
        pk=model.pk,
        slug=GONE_SLUG.format(pk=model.pk),
        origin=model.origin,
        private=True,
        created_at=model.created_at,
    )
    nothing.save()
    signals.visibility_changed.send(sender=RegisteredModel, model=nothing)


def _drop_contents(contents: Set[str]) -> None:
    """Remove contents from the store that no revision holds any more.

    Under the lock, in which a commit looks once more whether its contents are there.
    """
    with transaction.atomic():
        lock_register()
        standing = RevisionFile.objects.standing().filter(blob__in=contents)
        for sha256 in contents - set(standing.values_list("blob_id", flat=True)):
            storage.remove(sha256)
