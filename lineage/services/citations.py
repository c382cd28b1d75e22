"""What of others rests on a model."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from lineage.models import Declaration, Derivation, Dispute, Statement, Verification
from registry.models import RegisteredModel


def is_cited(model: RegisteredModel) -> bool:
    """Return whether others derive from a model, declare it, or speak of it.

    A dispute about it keeps it too: both sides have spoken, and stay to be read.
    """
    return (
        Derivation.objects.filter(parent=model).exists()
        or _declared_by_others(model).exists()
        or _in_verdicts_on_others(model).exists()
        or _said_by_others(model).exists()
        or _disputes_about(model).exists()
    )


def _declared_by_others(model: RegisteredModel) -> models.QuerySet[Declaration]:
    declared = Declaration.objects.filter(parent=model)
    return declared.exclude(revision__model=model)


def _disputes_about(model: RegisteredModel) -> models.QuerySet[Dispute]:
    return Dispute.objects.filter(Q(model=model) | Q(derivation__parent=model))


def _in_verdicts_on_others(
    model: RegisteredModel,
) -> models.QuerySet[Verification]:
    """Return verdicts on others that were compared with the model or name it kin."""
    others = Verification.objects.exclude(revision__model=model)
    named = Q(text__contains=f'"{model.slug}"')
    compared = Q(compared_with=model) | Q(compared_revision__model=model)
    relatives = Cast("relatives", TextField())
    return others.annotate(text=relatives).filter(compared | named)


def _said_by_others(model: RegisteredModel) -> models.QuerySet[Statement]:
    """Return what neither its makers nor its own verdicts said of its derivations."""
    said = Statement.objects.filter(derivation__child=model)
    return said.exclude(revision__model=model).exclude(
        verification__revision__model=model
    )
