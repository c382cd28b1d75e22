"""The rules in their fixed order: the first that is sure of its signs speaks."""

from __future__ import annotations

from dataclasses import replace

from registry.fingerprint.delta import (
    adapter,
    kinship,
    noised,
    pruned,
    quantized,
    rescaled,
    rounded,
    training,
)
from registry.fingerprint.delta.explanation import Explanation
from registry.fingerprint.delta.measure import Delta


def explain(delta: Delta, disguised: bool = False) -> Explanation:
    """Return what happened between two aligned, related models.

    With `disguised` the alignment had to undo permutations, rotations or scales
    that leave a model's function as it was; rounding alone is then "permuted".
    """
    found = (
        rounded.judge(delta, disguised)
        or rescaled.judge(delta, disguised)
        or pruned.judge_untouched(delta)
        or quantized.judge(delta)
        or pruned.judge_tuned(delta)
        or noised.judge(delta)
        or adapter.judge(delta, disguised)
        or kinship.judge(delta, disguised)
    )
    return replace(found, items=found.items + training.size(delta))
