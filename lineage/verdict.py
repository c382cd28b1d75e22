"""The verdict on a revision, decided from comparisons. Pure: no rows, no Django."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.vocabulary import (
    ENGINE_RELATIONS,
    Relation,
    StatementKind,
    Verdict,
    agreeing_relations,
)

Comparison = Mapping[str, Any]  # the object of the engine's compare

# A relative that nobody declared counts only if its p-value, corrected for every
# model compared with, stays below this.
FOUND_LOG10_P = -6.0
# In a comparison a is the other model and b the revision: the other is the child.
REVERSED = "b->a"
COPIES = frozenset({"identical", "renamed", "permuted", "noised"})


@dataclass(frozen=True)
class DeclaredBase:
    """A base that the makers name; slug and comparison are None where unknown.

    `obstacle` is the reason word of a declaration that no weights can confirm.
    """

    declared_id: str
    relation: str
    slug: str | None
    comparison: Comparison | None
    obstacle: str | None = None


@dataclass(frozen=True)
class Relative:
    """Another registered model and how its weights compare with the revision's.

    `is_explained`: it is an ancestor of a declared base, another child of one, or
    a model that itself declares to come from this one.
    """

    slug: str
    comparison: Comparison
    is_explained: bool


@dataclass(frozen=True)
class Case:
    """Everything a verdict rests on."""

    declared: Sequence[DeclaredBase]
    declares_scratch: bool
    others: Sequence[Relative]


@dataclass(frozen=True)
class Decision:
    """A verdict, what it was decided against, and the word that says why.

    `found` is the strongest relative that no declaration accounts for.
    """

    verdict: Verdict
    reason: str
    compared_with: str | None = None
    comparison: Comparison | None = None
    found: Relative | None = None


def decide(case: Case) -> Decision:
    """Return the verdict, by the first rule that applies.

    1. An unexplained relative that is a plain copy: renamed-copy.
    2. A declared base that the weights contradict: not-derived-from-declared.
    3. Any other unexplained relative: undeclared-base.
    4. Declared bases, all confirmed: consistent; some not comparable: inconclusive.
    5. Declared from scratch, nothing found where power sufficed: independent.
    6. Everything else: inconclusive.
    """
    n_compared = len(case.others) + sum(
        base.comparison is not None for base in case.declared
    )
    found = [
        relative
        for relative in case.others
        if not relative.is_explained and _is_found(relative.comparison, n_compared)
    ]
    found.sort(key=lambda relative: _strength(relative.comparison))
    decision = (
        _copy(found)
        or _contradicted(case.declared)
        or _undeclared(found)
        or (_declared(case.declared) if case.declared else _scratch(case))
    )
    return replace(decision, found=found[0] if found else None)


def _copy(found: Sequence[Relative]) -> Decision | None:
    for relative in found:
        if relative.comparison["relation"] in COPIES:
            return _against(Verdict.RENAMED_COPY, "copy-of-undeclared", relative)
    return None


def _undeclared(found: Sequence[Relative]) -> Decision | None:
    if not found:
        return None
    return _against(Verdict.UNDECLARED_BASE, "related-to-undeclared", found[0])


def _contradicted(declared: Sequence[DeclaredBase]) -> Decision | None:
    for base in declared:
        if base.comparison is not None and base.comparison["related"] is False:
            return _against(
                Verdict.NOT_DERIVED_FROM_DECLARED, "declared-base-not-found", base
            )
    return None


def _declared(declared: Sequence[DeclaredBase]) -> Decision:
    for base in declared:
        if base.obstacle is not None:
            return _against(Verdict.INCONCLUSIVE, base.obstacle, base)
        if base.slug is None:
            return _against(Verdict.INCONCLUSIVE, "declared-base-not-registered", base)
        if base.comparison is None:
            return _against(Verdict.INCONCLUSIVE, "declared-base-without-weights", base)
        if base.comparison["related"] is None:
            return _against(Verdict.INCONCLUSIVE, "comparison-inconclusive", base)
        if base.comparison["direction"] == REVERSED:
            return _against(Verdict.INCONCLUSIVE, "direction-reversed", base)
    if all(agrees(base.relation, base.comparison or {}) for base in declared):
        return _against(Verdict.CONSISTENT, "declared-base-confirmed", declared[0])
    return _against(Verdict.CONSISTENT, "base-confirmed-relation-differs", declared[0])


def _scratch(case: Case) -> Decision:
    if not case.declares_scratch:
        return Decision(Verdict.INCONCLUSIVE, "nothing-declared")
    apart = [o for o in case.others if o.comparison["related"] is False]
    if not apart:
        return Decision(Verdict.INCONCLUSIVE, "nothing-comparable")
    nearest = min(apart, key=lambda relative: _strength(relative.comparison))
    return _against(Verdict.INDEPENDENT, "nothing-found", nearest)


def _against(verdict: Verdict, reason: str, other: DeclaredBase | Relative) -> Decision:
    return Decision(verdict, reason, other.slug, other.comparison)


def _is_found(comparison: Comparison, n_compared: int) -> bool:
    if comparison["related"] is not True or comparison["direction"] == REVERSED:
        return False
    log10_p = comparison["log10_p"]
    if log10_p is None:  # equal values prove themselves
        return True
    return bool(log10_p + math.log10(max(n_compared, 1)) <= FOUND_LOG10_P)


def _strength(comparison: Comparison) -> tuple[bool, float, float]:
    """Order comparisons: copies first, then the smallest p, then the largest effect."""
    log10_p, effect = comparison["log10_p"], comparison["effect"]
    return (
        comparison["relation"] not in COPIES,
        -math.inf if log10_p is None else log10_p,
        -(effect or 0.0),
    )


def agrees(declared_relation: str, comparison: Comparison) -> bool:
    """Return whether the relation found may be the one declared.

    Every word that the evidence cannot exclude counts in the makers' favour.
    """
    declared = set(agreeing_relations(declared_relation))
    words = comparison.get("relation_set") or [comparison.get("relation", "")]
    return any(declared & set(ENGINE_RELATIONS.get(word, ())) for word in words)


def relation_found(comparison: Comparison) -> Relation | None:
    """Return the derivation relation of a comparison, or None if it makes none."""
    relations = ENGINE_RELATIONS.get(str(comparison["relation"]), ())
    return relations[0] if relations else None


def state_of(statements: Sequence[StatementKind]) -> StatementKind:
    """Return the one state that lists and graphs show, from statements in order.

    Withdrawn or disputed if that was said after everything else; then the latest
    word of the weights (verified, contradicted, found); then declared before cited
    before alleged. A withdrawal ends all that was said before it.
    """
    since = _after_last(statements, StatementKind.WITHDRAWN)
    if not since:
        return StatementKind.WITHDRAWN
    if since[-1] == StatementKind.DISPUTED:
        return StatementKind.DISPUTED
    weights = [kind for kind in since if kind in _WORDS_OF_THE_WEIGHTS]
    if weights:
        return weights[-1]
    return next((kind for kind in _WORDS_OF_PEOPLE if kind in since), since[-1])


_WORDS_OF_THE_WEIGHTS = frozenset(
    {StatementKind.VERIFIED, StatementKind.CONTRADICTED, StatementKind.FOUND}
)
_WORDS_OF_PEOPLE = (
    StatementKind.DECLARED,
    StatementKind.CITED,
    StatementKind.ALLEGED,
)


def _after_last(
    statements: Sequence[StatementKind], kind: StatementKind
) -> Sequence[StatementKind]:
    positions = [i for i, spoken in enumerate(statements) if spoken == kind]
    return statements[positions[-1] + 1 :] if positions else statements
