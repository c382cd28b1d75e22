"""What stands around a verdict: the team's answer, and who contests it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from lineage.dispute_forms import AnswerForm
from lineage.measured import error_rate
from lineage.models import Dispute, Verification
from lineage.veils import veiled_disputes
from registry.models import RegisteredModel
from registry.permissions import Sight, can_push


def around_verdict(
    verification: Verification, user: User | AnonymousUser
) -> dict[str, Any]:
    """Return what a page shows beside a verdict that its reader may see."""
    revision, hearing = verification.revision, verification.heard
    team = revision.model.organization
    waits = hearing is not None and not hearing.end and user.is_authenticated
    may_answer = waits and team is not None and can_push(user, team, token=None)
    contested = Dispute.objects.undecided().filter(verification__revision=revision)
    if verification.is_public:
        contested = contested.on_public()
    return {
        "hearing": hearing,
        "answer_form": AnswerForm(initial={"answer": hearing.answer})
        if may_answer and hearing
        else None,
        "contests": list(contested.order_by("id")),
        "can_be_contested": revision.model.head_id == revision.pk,
        "error_rate": error_rate(verification.engine),
    }


def disputes_of(model: RegisteredModel, sight: Sight) -> list[Dispute]:
    """Return what is contested about a model and not decided yet, as it is seen."""
    undecided = Dispute.objects.undecided().on_public().visible_to(sight)
    found = undecided.with_things().filter(model=model).order_by("id")
    return veiled_disputes(found, sight)
