"""Hiding a model from all but its organisation, and showing it to everybody."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from registry import jobs, signals
from registry.locks import lock_register
from registry.models import AuditEntry, Job, RegisteredModel
from registry.services.audit import record


def set_private(model: RegisteredModel, private: bool, *, by: User) -> Job | None:
    """Make a model private or public; saying it twice changes nothing.

    Returns the job that judges what has become public anew, as if it had just been
    pushed: until now it was compared by nobody else. The caller rings.
    """
    with transaction.atomic():
        lock_register()
        other = RegisteredModel.objects.filter(pk=model.pk).exclude(private=private)
        is_new = other.update(private=private, updated_at=timezone.now())
        model.private = private
        if not is_new:
            return None
        if not private:
            unseen = model.revisions.filter(public_since=None)
            unseen.update(public_since=timezone.now())
        _record(model, by)
        signals.visibility_changed.send(sender=RegisteredModel, model=model)
        head = model.head
        if private or head is None or not head.fingerprints.exists():
            return None
        return jobs.submit(Job.Kind.FINGERPRINT, head)


def _record(model: RegisteredModel, by: User) -> None:
    action = AuditEntry.Action
    if model.organization is not None:
        record(
            model.organization,
            action.MODEL_HIDDEN if model.private else action.MODEL_SHOWN,
            actor=by,
            subject=model.repo_id,
        )
