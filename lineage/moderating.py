"""The disputes on the moderators' page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from lineage.models import Dispute


def queue() -> Mapping[str, Any]:
    """Return what waits, by urgency: overdue, to be decided, still to be answered."""
    now = timezone.now()
    waiting = Dispute.objects.undecided().with_things()
    is_open = waiting.filter(state=Dispute.State.OPEN)
    answered = waiting.filter(state=Dispute.State.ANSWERED)
    return {
        "groups": [
            (
                _("Overdue: nobody has answered in time"),
                waiting.overdue(at=now).order_by("answer_until"),
            ),
            (_("Answered: to be decided"), answered.order_by("id")),
            (
                _("Open: the other side may still answer"),
                is_open.filter(answer_until__gt=now).order_by("answer_until"),
            ),
        ],
        "n_disputes": waiting.count(),
    }
