"""Short descriptions of FFN units, as whole numbers; no comparison here.

A unit has one vector per role: what it reads (up, and gate) and what it writes.
Each is described twice. *Raw*: keyed signs, folded to FOLD numbers (CountSketch),
which only models in one basis share. *Free*: by the numbers w'Mw for maps M of the
model's own residual stream, which stay what they are when the stream is rotated or
permuted and units are relabelled or rescaled (docs/method.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.gains import ffn_gain
from registry.fingerprint.anatomy.parts import (
    Vectors,
    dot_products,
    mean_vector,
    read_vectors,
    squared_norms,
)
from registry.fingerprint.anatomy.structure import Ffn, Layer, Part, Structure
from registry.fingerprint.sketching.keyed import signs
from registry.fingerprint.sketching.threads import one_thread

FOLD: Final = 32
LIMIT_BYTES: Final = 140_000
MAX_UNITS: Final = 128
# Every unit described costs its share of all products with the sampled layers.
MAX_UNITS_OF_LARGE: Final = 40
_STEPS_PER_DEVIATION: Final = 32.0
# Relative sizes of units are compared after rounding, so that machines agree.
_SIZE_STEPS: Final = 1e6
_TINY: Final = 1e-30
# From here on products are worth several threads.
_LARGE_FFN: Final = 1 << 20
_LARGE_MATRIX: Final = 1 << 22
# One batch of dot products with a whole FFN stays below 256 MiB.
_BATCH_VALUES: Final = 1 << 26


@dataclass(frozen=True)
class Units:
    """Descriptors of the K largest units of each sampled layer.

    labels: int32 (layers, K), expert * h + unit, ascending. raw: int8 (layers, K,
    roles, FOLD). free: int8 (layers, K, roles, maps). Roles are the readers, then
    the writer. `sampled` are the layers' places in the depth of `n_layers`;
    `n_tokens` is the height of the token table, 0 without one.
    """

    d: int
    h: int
    is_gated: bool
    n_layers: int
    n_experts: int
    n_tokens: int
    sampled: tuple[int, ...]
    labels: NDArray[np.int32]
    raw: NDArray[np.int8]
    free: NDArray[np.int8]
    n_not_understood: int = 0


def n_maps(n_sampled: int, is_gated: bool) -> int:
    """Return how many maps describe a unit: each layer's, their sums, the tokens'."""
    return (n_sampled + 1) * (6 if is_gated else 3) + 1


def n_units(n_sampled: int, is_gated: bool, n_available: int) -> int:
    """Return how many units of a layer are described, of `n_available`."""
    n_roles = 3 if is_gated else 2
    size = n_sampled * n_roles * (n_maps(n_sampled, is_gated) + FOLD)
    return max(1, min(n_available, MAX_UNITS, LIMIT_BYTES // size))


def alive_shares(units: Units) -> NDArray[np.float64]:
    """Return for each sampled layer the share of units that were not set to zero.

    1 where no described unit is dead. Otherwise all that live are described, and
    units may have been removed at random: those described of another model are among
    the living only by this share.
    """
    n_alive = (units.raw != 0).any(axis=(2, 3)).sum(axis=1)
    shares = n_alive / (units.h * units.n_experts)
    return np.where(n_alive == units.raw.shape[1], 1.0, np.minimum(shares, 1.0))


def describe_units(structure: Structure) -> Units:
    """Return the descriptors; a dead unit (a zero vector) has only zeros."""
    size = structure.h * structure.d * structure.n_experts
    with one_thread() if size < _LARGE_FFN else nullcontext():
        return describe_with_vectors(structure)[0]


def describe_with_vectors(
    structure: Structure, wanted: int | None = None
) -> tuple[Units, Vectors, NDArray[np.float32]]:
    """Return the descriptors, the vectors behind them (layers, K, roles, d), lengths.

    Vectors have unit length and their gain folded in; lengths (layers, K) are the
    geometric means over the roles, which rescaling a unit leaves alone. K is what a
    sketch has room for, or at most `wanted`.
    """
    layers = [structure.layers[i] for i in structure.sampled]
    gains = [ffn_gain(layer, structure.d) for layer in layers]
    n_available = min(sum(ffn.h for ffn in layer.ffns) for layer in layers)
    k = n_units(len(layers), structure.is_gated, n_available)
    if structure.h * structure.d >= _LARGE_MATRIX:
        k = min(k, MAX_UNITS_OF_LARGE)
    k = k if wanted is None else min(wanted, n_available)
    labels = np.stack([_largest(la, g, k) for la, g in zip(layers, gains, strict=True)])
    vectors = np.stack(
        [
            read_units(layer, gain, chosen, structure.d)
            for layer, gain, chosen in zip(layers, gains, labels, strict=True)
        ]
    )
    lengths = normalise(vectors)
    forms = np.stack(list(_forms(structure, layers, gains, vectors)), axis=-1)
    units = Units(
        d=structure.d,
        h=structure.h,
        is_gated=structure.is_gated,
        n_layers=len(structure.layers),
        n_experts=structure.n_experts,
        n_tokens=max((table.count for table in structure.tables), default=0),
        sampled=structure.sampled,
        labels=labels.astype(np.int32),
        raw=_raw(vectors),
        free=_free(forms, vectors),
        n_not_understood=len(structure.not_understood),
    )
    return units, vectors, lengths


def normalise(vectors: Vectors) -> NDArray[np.float32]:
    """Give vectors (..., roles, d) length one, in place; return their lengths.

    These (...) are the geometric means over the roles.
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1), _TINY)
    vectors /= lengths[..., None]
    return np.asarray(np.exp(np.log(lengths).mean(axis=-1)), np.float32)


def _largest(layer: Layer, gain: Vectors, k: int) -> NDArray[np.int64]:
    """Return the labels of the k units with the largest product of lengths.

    Rescaling a unit (up times s, down over s) leaves that product alone.
    """
    sizes = np.concatenate([_log_sizes(ffn, gain) for ffn in layer.ffns])
    order = np.argsort(-np.rint(sizes * _SIZE_STEPS), kind="stable")
    return np.sort(order[:k])


def _log_sizes(ffn: Ffn, gain: Vectors) -> NDArray[np.float64]:
    squares = [squared_norms(part, gain=gain) for part in ffn.readers]
    squares.append(squared_norms(ffn.writer))
    return np.asarray(np.sum(np.log(np.maximum(squares, _TINY)), axis=0))


def read_units(
    layer: Layer, gain: Vectors, labels: NDArray[np.int64], d: int
) -> Vectors:
    """Return the vectors (K, roles, d) of labelled units, with the gain folded in."""
    h = layer.ffns[0].h
    n_roles = len(layer.ffns[0].readers) + 1
    found = np.zeros((len(labels), n_roles, d), np.float32)
    for expert, ffn in enumerate(layer.ffns):
        mine = labels // h == expert
        chosen = labels[mine] % h
        for role, part in enumerate(ffn.readers):
            found[mine, role] = read_vectors(part, chosen, gain=gain)
        found[mine, -1] = read_vectors(ffn.writer, chosen)
    return found


def _raw(vectors: Vectors) -> NDArray[np.int8]:
    """Return folded vectors (layers, K, roles, FOLD), centred over units, as int8."""
    d = vectors.shape[-1]
    signed = vectors.astype(np.float64) * signs("fold", d)
    padded = np.pad(signed, [(0, 0)] * 3 + [(0, -d % FOLD)])
    folded = padded.reshape(*vectors.shape[:-1], -1, FOLD).sum(axis=-2)
    alive = np.abs(folded).max(axis=-1, keepdims=True) > 0
    centred = np.where(alive, folded - folded.mean(axis=1, keepdims=True), 0.0)
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    # What is left of equal units after centring is rounding, not a direction.
    scale = np.where(largest > 1e-9, 127.0 / np.maximum(largest, 1e-9), 0.0)
    return np.asarray(np.rint(centred * scale), np.int8)


def _free(forms: NDArray[np.float64], vectors: Vectors) -> NDArray[np.int8]:
    """Return the forms (layers, K, roles, maps) standardised over units, as int8.

    The signed root tames the tail of quadratic forms; the mean over units takes
    away the part tr(M)/d that is no direction.
    """
    centred = forms - forms.mean(axis=1, keepdims=True)
    rooted = np.sign(centred) * np.sqrt(np.abs(centred))
    rooted -= rooted.mean(axis=1, keepdims=True)
    deviation = rooted.std(axis=1, keepdims=True)
    steps = rooted * (_STEPS_PER_DEVIATION / np.maximum(deviation, _TINY))
    alive = np.abs(vectors).max(axis=-1, keepdims=True) > 0
    steps = np.where(alive & (deviation > 1e-12), steps, 0.0)
    return np.asarray(np.rint(np.clip(steps, -127, 127)), np.int8)


def _forms(
    structure: Structure, layers: list[Layer], gains: list[Vectors], vectors: Vectors
) -> Iterator[NDArray[np.float64]]:
    """Yield w'Mw (layers, K, roles) map by map: of each layer, of all, of tokens."""
    probes = vectors.reshape(-1, structure.d)
    size = vectors.shape[:-1]
    total = np.zeros((6 if structure.is_gated else 3, len(probes)))
    for layer, gain in zip(layers, gains, strict=True):
        forms = np.sum([_ffn_forms(ffn, gain, probes) for ffn in layer.ffns], axis=0)
        total += forms
        yield from forms.reshape(-1, *size)
    yield from total.reshape(-1, *size)
    tokens = np.zeros(len(probes))
    for table in structure.tables:
        tokens += _token_form(table, probes)
    yield tokens.reshape(size)


def _ffn_forms(ffn: Ffn, gain: Vectors, probes: Vectors) -> NDArray[np.float64]:
    """Return w'Mw (maps, probes) for the products of an FFN's unit-length vectors.

    With P_x = the probes times the vectors of role x: readers and writer with
    themselves, reader with writer, and the two readers with each other.
    """
    parts = [(part, gain) for part in ffn.readers] + [(ffn.writer, None)]
    lengths = [
        np.sqrt(np.maximum(squared_norms(part, gain=g), _TINY)).astype(np.float32)
        for part, g in parts
    ]
    step = max(1, _BATCH_VALUES // (len(parts) * ffn.h))
    made = []
    for at in range(0, len(probes), step):
        batch = probes[at : at + step]
        p = [
            dot_products(part, batch, gain=g) / length
            for (part, g), length in zip(parts, lengths, strict=True)
        ]
        pairs = [(0, 0), (-1, -1), (-1, 0)]
        if ffn.is_gated:
            pairs += [(1, 1), (-1, 1), (1, 0)]
        made.append(
            np.stack([np.einsum("ij,ij->i", p[i], p[j]) for i, j in pairs]).astype(
                np.float64
            )
        )
    return np.concatenate(made, axis=1)


def _token_form(table: Part, probes: Vectors) -> NDArray[np.float64]:
    """Return w'Mw (probes,), M the second moment of centred token rows, unit length."""
    mean = mean_vector(table, probes.shape[1])
    squares = squared_norms(table) + float(mean @ mean)
    squares -= 2 * dot_products(table, mean[None]).astype(np.float64)[0]
    lengths = np.sqrt(np.maximum(squares, _TINY)).astype(np.float32)
    alive = lengths > 1e-6 * float(lengths.max(initial=0.0))
    inverse = np.where(alive, 1 / lengths, 0).astype(np.float32)
    step = max(1, _BATCH_VALUES // max(1, table.count))
    made = []
    for at in range(0, len(probes), step):
        batch = probes[at : at + step]
        p = (dot_products(table, batch) - (batch @ mean)[:, None]) * inverse
        made.append(np.einsum("ij,ij->i", p, p).astype(np.float64))
    return np.concatenate(made)
