"""What waits for an organisation's word."""

from __future__ import annotations

from typing import NamedTuple

from django import template

from lineage.models import Dispute, Verification
from lineage.veils import veiled_disputes
from registry.models import Organization
from registry.permissions import Sight

register = template.Library()


class Waiting(NamedTuple):
    """Verdicts that are not public yet, and disputes without an answer."""

    verdicts: list[Verification]
    disputes: list[Dispute]


@register.simple_tag
def waiting_for(organization: Organization) -> Waiting:
    """Return what waits for the answer of an organisation, the most urgent first."""
    verdicts = Verification.objects.with_models().filter(
        revision__model__organization=organization, hearing__end=""
    )
    open_ones = Dispute.objects.filter(state=Dispute.State.OPEN).with_things()
    concerned = open_ones.concerning(organization).order_by("answer_until")
    asked = [found for found in concerned if organization in found.other_side()]
    return Waiting(
        list(verdicts.order_by("hearing__until")),
        veiled_disputes(asked, Sight(frozenset({organization.pk}))),
    )
