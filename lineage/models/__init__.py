"""Rows of lineage: what is claimed, what the weights say, and what is contested."""

from lineage.models.claims import (
    Change,
    Declaration,
    DeclarationQuerySet,
    Derivation,
    DerivationQuerySet,
    Hearing,
    Statement,
    Verification,
    VerificationQuerySet,
    with_verdict,
)
from lineage.models.disputes import Dispute, DisputeEvent, DisputeQuerySet

__all__ = [
    "Change",
    "Declaration",
    "DeclarationQuerySet",
    "Derivation",
    "DerivationQuerySet",
    "Dispute",
    "DisputeEvent",
    "DisputeQuerySet",
    "Hearing",
    "Statement",
    "Verification",
    "VerificationQuerySet",
    "with_verdict",
]
