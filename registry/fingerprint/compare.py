"""Two models in, one comparison out: from sketches, or with the weights as well."""

from __future__ import annotations

import time
from dataclasses import replace

from registry.fingerprint.adapted import compare_adapter, is_adapter
from registry.fingerprint.comparing.null import FLOOR_LOG10
from registry.fingerprint.comparison import Comparison
from registry.fingerprint.judging.decide import Decision, decide
from registry.fingerprint.judging.evidence import collect_evidence, collect_limits
from registry.fingerprint.judging.findings import Findings, find
from registry.fingerprint.judging.look import look_closer
from registry.fingerprint.judging.opened import OpenedModel
from registry.fingerprint.sketching.sketch import Sketch
from registry.fingerprint.sketching.threads import one_thread

TEST_UNITS = "labels and partners of matched feed-forward units"
NULL_UNITS = (
    "trained apart: the order of units in one model says nothing about their order in "
    "the other, and what a unit reads and writes name its partner independently"
)
TEST_VALUES = "equal values by SHA-256 of tensors and rows"
NULL_VALUES = "different contents that share a 128-bit digest by chance"


def compare(
    a: Sketch,
    b: Sketch,
    *,
    names: tuple[str, str],
    weights: tuple[OpenedModel, OpenedModel] | None = None,
) -> Comparison:
    """Return what models a and b, reported under `names`, have in common.

    With the `weights` of both they are read again where sketches do not
    settle the answer. Raises FingerprintError if they cannot be read.
    """
    started = time.perf_counter()
    with one_thread():
        found = find(a, b)
        if weights and found.tests:
            found = replace(found, look=look_closer(*weights, found.tests))
    decision = decide(found)
    log10_p, effect = _strength(found, decision)
    by_value = decision.carried_by == "values"
    made = Comparison(
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
        renamed=found.new_names,
        evidence=collect_evidence(a, b, found, decision),
        limits=collect_limits(a, b, found, decision),
        seconds=round(time.perf_counter() - started, 6),
    )
    return _with_adapter(made, weights) if weights else made


def _with_adapter(
    made: Comparison, weights: tuple[OpenedModel, OpenedModel]
) -> Comparison:
    a, b = (model.files for model in weights)
    if is_adapter(a) == is_adapter(b):
        return made
    if is_adapter(b):
        return compare_adapter(b, a, made, is_b=True)
    return compare_adapter(a, b, made, is_b=False)


def _strength(found: Findings, decision: Decision) -> tuple[float | None, float | None]:
    if decision.related is None:
        return None, None
    if decision.carried_by == "values":
        share = 1.0 if found.sharing.all_equal else found.sharing.inner_share
        return round(max(FLOOR_LOG10, found.sharing.log10_p), 4), round(share, 4)
    if decision.related is False and found.tests:
        return round(_least_log10_p(found), 4), round(found.tests.best.effect, 4)
    test = found.carrying_test(decision.carried_by)
    return (round(test.log10_p, 4), round(test.effect, 4)) if test else (None, None)


def _least_log10_p(found: Findings) -> float:
    """Return the p-value of descent: of the tests that a common start leaves alone."""
    assert found.tests is not None
    return found.tests.log10_p
