"""Is a model put together from whole layers of others? By equal values, layer by layer.

A passthrough merge copies layers unchanged, so that hashes prove it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from registry.fingerprint.kin.merging import MAX_PARENTS, MergePart


def layers_of(
    target: Sequence[Hashable], others: Mapping[str, Sequence[Hashable]]
) -> tuple[MergePart, ...]:
    """Return whose layers a model has, weighted by their number; () when not so.

    A layer is told by what its matrices hash to. Nobody is named when one model has
    all layers, or when some layer is nobody's. Few models are preferred.
    """
    holders = {id_: set(layers) for id_, layers in others.items()}
    left = set(range(len(target)))
    parts: list[tuple[str, int]] = []
    while left and len(parts) < MAX_PARENTS:
        shares = {
            id_: {i for i in left if target[i] in layers}
            for id_, layers in holders.items()
        }
        best = max(sorted(shares), key=lambda id_: len(shares[id_]), default=None)
        if best is None or not shares[best]:
            return ()
        parts.append((best, len(shares[best])))
        left -= shares[best]
    if left or len(parts) < 2:
        return ()
    return tuple(MergePart(id_, n / len(target)) for id_, n in parts)
