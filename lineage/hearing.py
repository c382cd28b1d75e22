"""What a visitor may read of a verdict that perhaps waits for its team's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User

from lineage.models import Hearing, Verification
from lineage.veils import veiled
from registry.models import ApiToken, Job, RegisteredModel, Revision
from registry.permissions import Sight, sees_unpublished


@dataclass(frozen=True)
class Shown:
    """The newest verdict on a revision as far as somebody may read it.

    `until` is set while it is not public. `is_cleared` is said to the team alone:
    this verdict has ended the hearing of a contradiction. `job` is the revision's
    newest; once it has ended, so has what it had to say.
    """

    job: Job | None = None
    verification: Verification | None = None
    until: datetime | None = None
    is_cleared: bool = False


def verdict_for(
    user: User | AnonymousUser,
    model: RegisteredModel,
    head: Revision | None,
    sight: Sight,
    *,
    token: ApiToken | None = None,
) -> Shown:
    """Return what someone may read of the newest verdict on a model's revision.

    It names no private model that the sight does not allow.
    """
    if head is None:
        return Shown()
    # The job before its verdict: a job that ends in between is shown as running,
    # never as one that ended without a verdict.
    job = head.jobs.order_by("-created_at").first()
    newest = head.verifications.with_models().order_by("-id").first()
    if newest is None:
        return Shown(job)
    newest = veiled(newest, sight)
    if newest.is_public and not user.is_authenticated:
        return Shown(job, newest)
    sees = sees_unpublished(user, model, token=token)
    if newest.is_public:
        cleared = newest.ended.filter(end=Hearing.End.CLEARED)
        return Shown(job, newest, is_cleared=sees and cleared.exists())
    hearing = newest.heard
    until = hearing.until if hearing and not hearing.end else None
    return Shown(job, newest if sees else None, until)
