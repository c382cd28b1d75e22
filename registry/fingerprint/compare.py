"""Two sketches in, one comparison out; reads no files."""

from __future__ import annotations

import time

from registry.fingerprint.comparison import Comparison
from registry.fingerprint.decide import Decision, Findings, decide, find
from registry.fingerprint.evidence import collect_evidence, collect_limits
from registry.fingerprint.matching import compare_units, why_not_comparable
from registry.fingerprint.null import FLOOR_LOG10
from registry.fingerprint.sharing import shared_values
from registry.fingerprint.sketch import Sketch

TEST_UNITS = "labels of matched feed-forward units, exact permutation tail"
NULL_UNITS = (
    "trained from independent random starts: the order of units in one model says "
    "nothing about their order in the other"
)
TEST_VALUES = "equal values by SHA-256 of tensors"
NULL_VALUES = "different contents that share a 128-bit digest by chance"


def compare(a: Sketch, b: Sketch, *, names: tuple[str, str]) -> Comparison:
    """Return what models a and b, reported under `names`, have in common."""
    started = time.perf_counter()
    reason = why_not_comparable(a.units, b.units)
    test = None
    if a.units and b.units and reason is None:
        test = compare_units(a.units, b.units)
    found = find(a, b, shared_values(a, b), test, not_comparable=reason)
    decision = decide(found)
    log10_p, effect = _strength(found, decision)
    by_value = decision.carried_by == "values"
    return Comparison(
        a=names[0],
        b=names[1],
        related=decision.related,
        relation=decision.relation,
        relation_set=decision.relation_set,
        direction=decision.direction,
        p_value=None if log10_p is None else 10**log10_p,
        log10_p=log10_p,
        test=TEST_VALUES if by_value else TEST_UNITS,
        null=NULL_VALUES if by_value else NULL_UNITS,
        effect=effect,
        renamed=found.renamed,
        evidence=collect_evidence(a, b, found, decision),
        limits=collect_limits(a, b, found, decision),
        seconds=round(time.perf_counter() - started, 6),
    )


def _strength(found: Findings, decision: Decision) -> tuple[float | None, float | None]:
    if decision.carried_by == "units" and found.test:
        return round(found.test.log10_p, 4), round(found.test.effect, 4)
    if decision.carried_by == "values":
        share = 1.0 if found.sharing.all_equal else found.sharing.inner_share
        return round(max(FLOOR_LOG10, found.sharing.log10_p), 4), round(share, 4)
    return None, None
