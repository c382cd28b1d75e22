"""The verdict on a revision, decided from comparisons. Pure: no rows, no Django."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lineage.comparisons import (
    COMMON_START,
    COPIES,
    REVERSED,
    Comparison,
    corrected,
    is_open,
    is_seen,
    is_siblings,
    likeness,
    strength,
)
from registry.vocabulary import (
    ENGINE_RELATIONS,
    Relation,
    StatementKind,
    Verdict,
    agreeing_relations,
)

# A relative that nobody declared counts only if its p-value, corrected for every
# model compared with, stays below this; above the second it is what chance gives.
FOUND_LOG10_P = -6.0
SUSPECT_LOG10_P = -2.0


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
    is_self_attested: bool = False


@dataclass(frozen=True)
class Relative:
    """Another registered model and how its weights compare with the revision's.

    `is_explained`: it is an ancestor of a declared base, another child of one, or
    a model that itself declares to come from this one. `is_self_attested`: its own
    team computed the sketch, which therefore says nothing against others.
    """

    slug: str
    comparison: Comparison
    is_explained: bool
    is_self_attested: bool = False


@dataclass(frozen=True)
class Case:
    """Everything a verdict rests on."""

    declared: Sequence[DeclaredBase]
    declares_scratch: bool
    others: Sequence[Relative]

    @property
    def n_scanned(self) -> int:
        """Return how many models of the register were compared with the revision."""
        return len(self.others) + sum(
            base.comparison is not None for base in self.declared
        )


@dataclass(frozen=True)
class Decision:
    """A verdict, what it was decided against, and the word that says why.

    `found` is the strongest relative that no declaration accounts for. Where the
    comparison is one of many that were scanned, its p-value is corrected for all.
    """

    verdict: Verdict
    reason: str
    compared_with: str | None = None
    comparison: Comparison | None = None
    found: Relative | None = None
    is_scanned: bool = False


def decide(case: Case) -> Decision:
    """Return the verdict, by the first rule that applies.

    1. An unexplained relative that is a plain copy: renamed-copy.
    2. A declared base that the weights contradict: not-derived-from-declared.
    3. Any other unexplained relative: undeclared-base.
    Where only a sketch that another team computed would say so: inconclusive.
    4. Declared bases, all confirmed: consistent; some not comparable: inconclusive.
    5. Declared from scratch, nothing found where power sufficed: independent.
    6. Everything else: inconclusive.

    A declared base is one hypothesis, fixed beforehand: its p-value stands as it is.
    All others are a scan, and their p-values are corrected for its length.
    """
    found = [other for other in case.others if _is_found(other, case.n_scanned)]
    found.sort(key=lambda relative: strength(relative.comparison))
    claimed = [relative for relative in found if relative.is_self_attested]
    found = [relative for relative in found if not relative.is_self_attested]
    decision = (
        _copy(found)
        or _contradicted(case.declared)
        or _undeclared(found)
        or _only_claimed(case.declared, claimed)
        or (_declared(case.declared) if case.declared else _scratch(case))
    )
    if decision.is_scanned:
        shown = corrected(decision.comparison or {}, case.n_scanned)
        decision = replace(decision, comparison=shown)
    return replace(decision, found=found[0] if found else None)


def _copy(found: Sequence[Relative]) -> Decision | None:
    for relative in found:
        if relative.comparison["relation"] in COPIES:
            return _scanned(Verdict.RENAMED_COPY, "copy-of-undeclared", relative)
    return None


def _undeclared(found: Sequence[Relative]) -> Decision | None:
    if not found:
        return None
    return _scanned(Verdict.UNDECLARED_BASE, "related-to-undeclared", found[0])


def _contradicted(declared: Sequence[DeclaredBase]) -> Decision | None:
    for base in declared:
        if base.is_self_attested:
            continue
        if base.comparison is not None and is_contradicted(base.comparison):
            return _against(
                Verdict.NOT_DERIVED_FROM_DECLARED, "declared-base-not-found", base
            )
    return None


def _only_claimed(
    declared: Sequence[DeclaredBase], claimed: Sequence[Relative]
) -> Decision | None:
    """Return what stays open because nobody but another team saw its weights."""
    for base in declared:
        comparison = base.comparison if base.is_self_attested else None
        if comparison is not None and is_contradicted(comparison):
            return _against(Verdict.INCONCLUSIVE, "only-self-attested", base)
    if not claimed:
        return None
    return _scanned(Verdict.INCONCLUSIVE, "only-self-attested", claimed[0])


def is_contradicted(comparison: Comparison) -> bool:
    """Return whether weights contradict a declared base.

    A common random start does not: it is something of the base, and may be what the
    declaration means.
    """
    return comparison["related"] is False and comparison["relation"] != COMMON_START


def _declared(declared: Sequence[DeclaredBase]) -> Decision:
    for base in declared:
        why = _why_unsettled(base)
        if why is not None:
            return _against(Verdict.INCONCLUSIVE, why, base)
    if all(agrees(base.relation, base.comparison or {}) for base in declared):
        return _against(Verdict.CONSISTENT, "declared-base-confirmed", declared[0])
    return _against(Verdict.CONSISTENT, "base-confirmed-relation-differs", declared[0])


def _why_unsettled(base: DeclaredBase) -> str | None:
    """Return the reason word why a base is not confirmed, or None when it is."""
    if base.obstacle is not None:
        return base.obstacle
    if base.slug is None:
        return "declared-base-not-registered"
    if base.comparison is None:
        return "declared-base-without-weights"
    if base.comparison["relation"] == COMMON_START:
        return "declared-base-same-start"
    if base.comparison["related"] is None:
        return "comparison-inconclusive"
    if base.comparison["direction"] == REVERSED:
        return "direction-reversed"
    if is_siblings(base.comparison):
        return "declared-base-is-sibling"
    return None


def _scratch(case: Case) -> Decision:
    if not case.declares_scratch:
        return Decision(Verdict.INCONCLUSIVE, "nothing-declared")
    suspects = [other for other in case.others if _is_suspect(other, case.n_scanned)]
    if suspects:
        nearest = min(suspects, key=lambda relative: likeness(relative.comparison))
        return _scanned(Verdict.INCONCLUSIVE, "relative-undecided", nearest)
    apart = [o for o in case.others if o.comparison["related"] is False]
    if not apart:
        return Decision(Verdict.INCONCLUSIVE, "nothing-comparable")
    nearest = min(apart, key=lambda relative: _nearness(relative.comparison))
    return _scanned(Verdict.INDEPENDENT, "nothing-found", nearest)


def _against(verdict: Verdict, reason: str, other: DeclaredBase | Relative) -> Decision:
    return Decision(verdict, reason, other.slug, other.comparison)


def _scanned(verdict: Verdict, reason: str, other: Relative) -> Decision:
    return replace(_against(verdict, reason, other), is_scanned=True)


def _is_found(relative: Relative, n_scanned: int) -> bool:
    """Return whether a relative is unexplained and clear of chance in a long scan."""
    comparison = relative.comparison
    if relative.is_explained or comparison["related"] is not True:
        return False
    if comparison["direction"] == REVERSED:
        return False
    log10_p = corrected(comparison, n_scanned)["log10_p"]
    return log10_p is None or bool(log10_p <= FOUND_LOG10_P)


def _is_suspect(relative: Relative, n_scanned: int) -> bool:
    """Return whether an unexplained other cannot be called a stranger either."""
    comparison = relative.comparison
    if relative.is_explained or comparison["direction"] == REVERSED:
        return False
    if is_seen(comparison):
        return True
    if comparison["related"] is True:
        log10_p = comparison["log10_p"] or 0.0
    elif is_open(comparison):
        log10_p = likeness(comparison)
    else:
        return False
    return bool(log10_p + math.log10(max(n_scanned, 1)) <= SUSPECT_LOG10_P)


def _nearness(comparison: Comparison) -> tuple[bool, tuple[bool, float, float]]:
    """Order strangers: one with the same random start first, then by strength."""
    return comparison["relation"] != COMMON_START, strength(comparison)


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
