"""Which tensors of two models hold the same values; by hashes, never by names."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from registry.fingerprint.reading.places import layer_of
from registry.fingerprint.sketching.sketch import Sketch, TensorRecord
from registry.fingerprint.sketching.values import DIGEST_BYTES

Pair = tuple[TensorRecord, TensorRecord]

MIN_ELEMENTS: Final = 1_024
# Two different contents get one digest with probability 2 ** -bits per pair.
_DIGEST_BITS: Final = 8 * DIGEST_BYTES


@dataclass(frozen=True)
class Sharing:
    """Pairs of tensors with equal values, and what of it proves something.

    `all_equal`: every tensor of either model has an equal one in the other, or
    (`regrouped`) all rows are equal and cut into other tensors, fused or split.
    `n_inner` counts equal weight matrices inside layers, `inner_share` is their
    part of all values inside layers, `n_outer` counts those outside (embeddings);
    of matrices only those of MIN_ELEMENTS values or more count that are neither
    constant nor repeated within a model. `n_reordered` matrices have the same rows
    in another order; with `only_reordered` that is all that differs. `n_rows` of the
    `n_sampled` rows that stand for both models are in both.
    """

    pairs: tuple[Pair, ...]
    all_equal: bool
    regrouped: bool
    n_inner: int
    n_outer: int
    n_informative: int
    inner_share: float
    n_reordered: int
    only_reordered: bool
    n_rows: int
    n_sampled: int
    repeats_layers: tuple[bool, bool]
    log10_p: float

    @property
    def is_cast(self) -> bool:
        """Return whether some equal pair is stored in two types."""
        return any(a.dtype != b.dtype for a, b in self.pairs)


def shared_values(a: Sketch, b: Sketch) -> Sharing:
    """Return which values the two models share."""
    pairs = _equal_pairs(_floats(a), _floats(b))
    repeated = _repeated(a, b)
    strong = [pair for pair in pairs if _is_informative(pair, repeated)]
    inner = [pair for pair in strong if layer_of(pair[0].name)]
    inside = [t for t in _floats(a) if layer_of(t.name) and len(t.shape) > 1]
    n_pairs = max(1, len(a.tensors) * len(b.tensors))
    n_rows, n_sampled = _shared_rows(a, b)
    one_to_one = _all_equal(a, b, pairs)
    regrouped = not one_to_one and _same_rows(a, b)
    n_reordered = _n_reordered(a, b)
    return Sharing(
        pairs=tuple(pairs),
        all_equal=one_to_one or regrouped,
        regrouped=regrouped,
        n_inner=len(inner),
        n_outer=len(strong) - len(inner),
        n_informative=sum(_is_large(tensor) for tensor in _floats(a)),
        inner_share=_size(t for t, _ in inner) / max(1, _size(inside)),
        n_reordered=n_reordered,
        only_reordered=n_reordered > 0 and _same_but_for_order(a, b),
        n_rows=n_rows,
        n_sampled=n_sampled,
        repeats_layers=(_repeats_layers(a), _repeats_layers(b)),
        log10_p=math.log10(n_pairs) - _DIGEST_BITS * math.log10(2),
    )


def have_equal_values(a: TensorRecord, b: TensorRecord) -> bool:
    """Return whether the values agree once rounded to the coarser of the types."""
    left, right = a.values, b.values
    if a.dtype == b.dtype:
        return left.own == right.own
    types = {a.dtype, b.dtype}
    as_f16 = "F16" in types and left.f16 == right.f16
    as_bf16 = "BF16" in types and left.bf16 == right.bf16
    return as_f16 or as_bf16


def cast_direction(pairs: Iterable[Pair]) -> str | None:
    """Return which model lost precision to become the other; None if none did."""
    a_loses = b_loses = False
    for a, b in pairs:
        if a.dtype != b.dtype:
            a_loses |= not _fits(a, b.dtype)
            b_loses |= not _fits(b, a.dtype)
    if a_loses == b_loses:
        return None
    return "a->b" if a_loses else "b->a"


def _fits(tensor: TensorRecord, dtype: str) -> bool:
    exact = {"F16": tensor.values.exact_f16, "BF16": tensor.values.exact_bf16}
    return exact.get(dtype, True)


def _equal_pairs(a: list[TensorRecord], b: list[TensorRecord]) -> list[Pair]:
    by_digest: dict[bytes, list[TensorRecord]] = defaultdict(list)
    for tensor in b:
        for digest in {tensor.values.own, tensor.values.bf16, tensor.values.f16}:
            by_digest[digest].append(tensor)
    pairs = []
    for tensor in a:
        v = tensor.values
        found = [u for key in {v.own, v.bf16, v.f16} for u in by_digest.get(key, [])]
        found.sort(key=partial(_farness, tensor))
        equal = next((u for u in found if have_equal_values(tensor, u)), None)
        if equal:
            pairs.append((tensor, equal))
    return pairs


def _farness(tensor: TensorRecord, other: TensorRecord) -> tuple[bool, bool, str]:
    """Order partners: the same name first, then the same layer."""
    return other.name != tensor.name, _layer(other) != _layer(tensor), other.name


def _all_equal(a: Sketch, b: Sketch, pairs: list[Pair]) -> bool:
    if not (a.is_complete and b.is_complete):
        kinds = range(3) if a.dtype != b.dtype else range(1)
        return any(a.whole[kind] == b.whole[kind] for kind in kinds)
    # A tied copy may be written out in one file and left out of the other.
    equal_in_b = {own for _, tensor in pairs for own in [tensor.values.own]}
    return len(pairs) == len(_floats(a)) > 0 and all(
        tensor.values.own in equal_in_b for tensor in _floats(b)
    )


def _same_rows(a: Sketch, b: Sketch) -> bool:
    """Return whether layer by layer all matrices have the same rows.

    So they have when matrices were fused or split: sums of row digests are equal.
    """
    if not (a.is_complete and b.is_complete):
        return False
    sums = [_row_sums(sketch) for sketch in (a, b)]
    outside = [
        {t.values.own for t in _floats(s) if _is_large(t) and not layer_of(t.name)}
        for s in (a, b)
    ]
    return bool(sums[0]) and sums[0] == sums[1] and outside[0] == outside[1]


def _same_but_for_order(a: Sketch, b: Sketch) -> bool:
    """Return whether every tensor of either has one with the same rows in the other."""
    bags = [{tensor.values.bag for tensor in _floats(s)} for s in (a, b)]
    return a.is_complete and b.is_complete and bags[0] == bags[1]


def _row_sums(sketch: Sketch) -> Counter[int]:
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for tensor in _floats(sketch):
        at = layer_of(tensor.name)
        if at and len(tensor.shape) > 1:
            sums[at] += int.from_bytes(tensor.values.bag, "little")
    return Counter(total % (1 << _DIGEST_BITS) for total in sums.values())


def _n_reordered(a: Sketch, b: Sketch) -> int:
    owns = {tensor.values.own for tensor in _floats(b)}
    bags = {tensor.values.bag for tensor in _floats(b) if _is_large(tensor)}
    return sum(
        _is_large(tensor)
        and tensor.values.bag in bags
        and tensor.values.own not in owns
        for tensor in _floats(a)
    )


def _shared_rows(a: Sketch, b: Sketch) -> tuple[int, int]:
    """Return how many of the smallest row hashes of both together are in both."""
    union = np.union1d(a.rows, b.rows)[: min(len(a.rows), len(b.rows))]
    common = np.intersect1d(np.intersect1d(a.rows, b.rows), union)
    return len(common), len(union)


def _repeats_layers(sketch: Sketch) -> bool:
    places: dict[bytes, set[tuple[str, int]]] = defaultdict(set)
    for tensor in _floats(sketch):
        at = layer_of(tensor.name)
        if at and _is_large(tensor):
            places[tensor.values.own].add(at)
    return any(len(layers) > 1 for layers in places.values())


def _repeated(*sketches: Sketch) -> set[bytes]:
    repeated: set[bytes] = set()
    for sketch in sketches:
        counts = Counter(tensor.values.own for tensor in sketch.tensors)
        repeated |= {own for own, n in counts.items() if n > 1}
    return repeated


def _is_informative(pair: Pair, repeated: set[bytes]) -> bool:
    a, b = pair
    norms = sorted((a.values.norm, b.values.norm))
    # Tiny values all round to zero in half precision: the norm must stay.
    same_norm = norms[0] > 0.99 * norms[1]
    alone = a.values.own not in repeated and b.values.own not in repeated
    return same_norm and alone and _is_large(a) and _is_large(b)


def _is_large(tensor: TensorRecord) -> bool:
    n = math.prod(tensor.shape)
    return len(tensor.shape) > 1 and n >= MIN_ELEMENTS and not tensor.values.plain


def _floats(sketch: Sketch) -> list[TensorRecord]:
    return [tensor for tensor in sketch.tensors if tensor.is_float]


def _layer(tensor: TensorRecord) -> int | None:
    at = layer_of(tensor.name)
    return at[1] if at else None


def _size(tensors: Iterable[TensorRecord]) -> int:
    return sum(math.prod(tensor.shape) for tensor in tensors)
