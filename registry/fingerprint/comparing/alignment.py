"""Undoing a disguise: the rotation of the residual stream between two models.

Needs the weights. Units are first matched by their free descriptors, which no basis
changes, or by the rotation that maps the rows of equal tokens, or those of equal
positions, on each other; then the rotation that fits the matched vectors best
(orthogonal Procrustes; Schönemann 1966) and the assignment of units under it improve
each other. Whatever rotation half of the layers find is judged on the other half,
which had no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.gains import ffn_gain
from registry.fingerprint.anatomy.parts import Vectors
from registry.fingerprint.anatomy.structure import Structure
from registry.fingerprint.comparing import null
from registry.fingerprint.comparing.anchors import (
    Anchors,
    equal_positions,
    equal_tokens,
    read_anchors,
)
from registry.fingerprint.comparing.chance import RATE_FACTOR, Chance
from registry.fingerprint.comparing.matching import (
    assign,
    cosine_table,
    exchanged,
    same_maps,
)
from registry.fingerprint.comparing.persistence import (
    Persistence,
    better,
    persistence,
)
from registry.fingerprint.reading.folder import ModelFiles
from registry.fingerprint.sketching.units import (
    Units,
    describe_with_vectors,
    normalise,
    read_units,
)
from registry.fingerprint.thresholds import RELATED_LOG10_P

_FIRST_ROUNDS: Final = 4
_MOST_ROUNDS: Final = 12
# A rotation that is right pulls the mean cosine up at once; others creep.
_WORTH_GOING_ON: Final = 0.02
_MOST_UNITS: Final = 256
_VECTOR_VALUES: Final = 1 << 25
# So many units may compete for the partners of each.
_MOST_RIVALS: Final = 8

Assignments = dict[int, NDArray[np.int64]]
Trust = dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Described:
    """The units of one model: descriptors, unit vectors (layers, K, roles, d), lengths.

    `lengths` (layers, K) are means over the roles.
    """

    structure: Structure
    units: Units
    vectors: Vectors
    lengths: Vectors
    anchors: Anchors

    @property
    def nbytes(self) -> int:
        """Return the memory that it takes."""
        return self.vectors.nbytes + self.anchors.nbytes


@dataclass(frozen=True)
class Alignment:
    """A's stream times `rotation` (d, d) is b's; `assigned` gives b's unit by layer.

    `chance` is the test on layers that took no part in finding the rotation.
    `persistence` is how much of a is still in b, None where the rotation is no better
    than chance. `is_anchored` tells whether one of the
    starts were rows that surely mean the same in both.
    """

    chance: Chance
    rotation: NDArray[np.float64]
    assigned: Assignments
    swapped: bool
    persistence: Persistence | None = None
    is_anchored: bool = False


def describe_for_alignment(
    structure: Structure, files: ModelFiles | None = None
) -> Described:
    """Return as many units as memory allows, with their vectors.

    `files` are those of the model, where tokens are told by name and positions found.
    """
    n_roles = 3 if structure.is_gated else 2
    size = len(structure.sampled) * n_roles * structure.d
    wanted = max(1, min(_MOST_UNITS, _VECTOR_VALUES // size))
    more = (files.tensors, files.tokenizer) if files else ()
    anchors = read_anchors(structure, *more)
    return Described(structure, *describe_with_vectors(structure, wanted), anchors)


def align(a: Described, b: Described) -> Alignment | None:
    """Return the best alignment of two models of one depth, width and FFN form.

    None where there is nothing to align: other shapes, or a single layer.
    """
    one, other = a.units, b.units
    alike = (one.d, one.n_layers, one.is_gated) == (
        other.d,
        other.n_layers,
        other.is_gated,
    )
    if not alike or len(one.sampled) < 2:
        return None
    readings = [(b, False)]
    if one.is_gated:
        turned = replace(b, units=exchanged(other), vectors=b.vectors[:, :, [1, 0, 2]])
        readings.append((turned, True))
    rows = [equal_tokens(a.anchors, b.anchors), equal_positions(a.anchors, b.anchors)]
    anchors = [pair for pair in rows if pair]
    turns = [_rotation(pair.product) for pair in anchors]
    found = [
        _align(a, reading, swapped, start)
        for reading, swapped in readings
        for start in _starts(a, reading, turns)
    ]
    best = min(found, key=lambda x: (x.chance.log10_p, -x.chance.n_hits))
    paid = min(0.0, best.chance.log10_p + math.log10(len(found)))
    kept = _kept(a, b, best) if paid <= RELATED_LOG10_P else None
    return replace(
        best,
        persistence=kept,
        chance=replace(best.chance, log10_p=paid, n_tries=len(found)),
        is_anchored=any(pair.are_alike for pair in anchors),
    )


def _align(a: Described, b: Described, swapped: bool, start: Assignments) -> Alignment:
    n_layers = len(a.units.sampled)
    halves = (range(0, n_layers, 2), range(1, n_layers, 2))
    hits: dict[int, int] = {}
    control: list[int] = []
    rotations = []
    for fitted, judged in (halves, halves[::-1]):
        rotation = _fit(a.vectors, b.vectors, start, fitted)
        rotations.append(rotation)
        turned = _turned(a.vectors, rotation)
        for layer in judged:
            hits[layer] = _agreeing(turned[layer], b.vectors[layer])
            control.append(_agreeing(turned[layer], b.vectors[layer - 1]))
    # The half whose rotation serves the other half better.
    best = max((0, 1), key=lambda half: sum(hits[x] for x in halves[1 - half]))
    assigned, trust = _reassigned(
        _turned(a.vectors, rotations[best]), b.vectors, range(n_layers)
    )
    rotation = _procrustes(a.vectors, b.vectors, assigned, trust)
    assigned, _ = _reassigned(_turned(a.vectors, rotation), b.vectors, range(n_layers))
    return Alignment(
        _chance(a.units, b.units, hits, control), rotation, assigned, swapped
    )


def _chance(a: Units, b: Units, hits: dict[int, int], control: list[int]) -> Chance:
    n_layers, k = len(hits), min(a.labels.shape[1], b.labels.shape[1])
    rate = RATE_FACTOR * max(1.0, float(np.mean(control)))
    n_hits = sum(hits.values())
    return Chance(
        n_hits=n_hits,
        n_units=k * n_layers,
        n_expected=rate * n_layers,
        log10_p=null.log10_poisson_tail(rate * n_layers, n_hits),
        n_tries=1,
        effect=n_hits / (k * n_layers),
        layers=tuple((a.sampled[i], b.sampled[i], hits[i], k) for i in range(n_layers)),
    )


def _starts(
    a: Described, b: Described, turns: Sequence[NDArray[np.float64]]
) -> Iterator[Assignments]:
    """Yield the assignment by free descriptors, then that under each rotation."""
    yield _by_descriptors(a, b)
    for turn in turns:
        yield _reassigned(_turned(a.vectors, turn), b.vectors, range(len(a.vectors)))[0]


def _by_descriptors(a: Described, b: Described) -> Assignments:
    left, right = same_maps(a.units, b.units)
    return {i: assign(cosine_table(left[i], right[i])) for i in range(len(left))}


def _fit(
    a: Vectors, b: Vectors, start: Assignments, layers: Sequence[int]
) -> NDArray[np.float64]:
    assigned = {layer: start[layer] for layer in layers}
    trust = {layer: np.ones(a.shape[1]) for layer in layers}
    rotation = _procrustes(a, b, assigned, trust)
    reached = 0.0
    for n_round in range(_MOST_ROUNDS):
        assigned, trust = _reassigned(_turned(a, rotation), b, layers)
        rotation = _procrustes(a, b, assigned, trust)
        mean = float(np.mean([np.sqrt(trust[layer]).mean() for layer in layers]))
        if n_round >= _FIRST_ROUNDS - 1 and mean < reached + _WORTH_GOING_ON:
            break
        reached = mean
    return rotation


def _kept(a: Described, b: Described, found: Alignment) -> Persistence:
    """Return what is kept of the longest units of one in their like of the other.

    For the better of both ways. Among all units of the other: those that stayed the
    same need not have stayed among the longest.
    """
    turned = [1, 0, 2] if found.swapped else slice(None)
    return better(
        _kept_in(a, b.structure, found.rotation, turned),
        _kept_in(b, a.structure, found.rotation.T, turned),
    )


def _kept_in(
    a: Described, b: Structure, rotation: NDArray[np.float64], roles: list[int] | slice
) -> Persistence:
    units, partners = [], []
    for layer, number in enumerate(b.sampled):
        turned = _turned(a.vectors[layer], rotation)
        others, lengths = _likest(turned, b, number, roles)
        partner = assign(_cosines(turned, others))
        # Where one has fewer units, not all of the other have a partner.
        known = partner >= 0
        units.append(turned[known] * a.lengths[layer][known, None, None])
        found = partner[known]
        partners.append(others[found] * lengths[found, None, None])
    return replace(persistence(units, partners), is_turned=True)


def _likest(
    turned: Vectors, b: Structure, number: int, roles: list[int] | slice
) -> tuple[Vectors, Vectors]:
    """Return the units of a layer that are most like some of `turned`, and lengths.

    All of them, unless there are several times as many.
    """
    most = _MOST_RIVALS * len(turned)
    others = np.empty((0, *turned.shape[1:]), np.float32)
    lengths = np.empty(0, np.float32)
    for more, their_lengths in _units_of(b, number):
        others = np.concatenate([others, more[:, roles]])
        lengths = np.concatenate([lengths, their_lengths])
        if len(others) > most:
            likeness = _cosines(turned, others).max(axis=0)
            kept = np.sort(np.argsort(-likeness, kind="stable")[:most])
            others, lengths = others[kept], lengths[kept]
    return others, lengths


def _units_of(structure: Structure, number: int) -> Iterator[tuple[Vectors, Vectors]]:
    """Yield all units of a layer: (n, roles, d) of length one, and lengths (n,)."""
    layer = structure.layers[number]
    gain = ffn_gain(layer, structure.d)
    n_roles = 3 if structure.is_gated else 2
    n_units = sum(ffn.h for ffn in layer.ffns)
    step = max(1, _VECTOR_VALUES // (n_roles * structure.d))
    for at in range(0, n_units, step):
        labels = np.arange(at, min(n_units, at + step))
        vectors = read_units(layer, gain, labels, structure.d)
        yield vectors, normalise(vectors)


def _rotation(product: NDArray[np.float64]) -> NDArray[np.float64]:
    u, _, vt = np.linalg.svd(product)
    return np.asarray(u @ vt)


def _procrustes(
    a: Vectors, b: Vectors, assigned: Assignments, trust: Trust
) -> NDArray[np.float64]:
    d = a.shape[-1]
    product = np.zeros((d, d))
    for layer, partner in assigned.items():
        known = partner >= 0
        left = a[layer][known] * trust[layer][known, None, None]
        right = b[layer][partner[known]]
        product += left.reshape(-1, d).T @ right.reshape(-1, d)
    return _rotation(product)


def _turned(vectors: Vectors, rotation: NDArray[np.float64]) -> Vectors:
    return np.asarray(vectors @ rotation.astype(np.float32))


def _reassigned(
    turned: Vectors, b: Vectors, layers: Sequence[int]
) -> tuple[Assignments, Trust]:
    """Return the best assignment of units by their vectors, and how far to trust it."""
    assigned, trust = {}, {}
    for layer in layers:
        table = _cosines(turned[layer], b[layer])
        partner = assign(table)
        kept = table[np.arange(len(partner)), partner]
        assigned[layer] = partner
        trust[layer] = np.square(np.clip(kept, 0, None))
    return assigned, trust


def _agreeing(left: Vectors, right: Vectors) -> int:
    """Return how many units reading and writing, each alone, give one partner."""
    by_reading = assign(_cosines(left[:, :-1], right[:, :-1]))
    by_writing = assign(_cosines(left[:, -1:], right[:, -1:]))
    return int(((by_reading == by_writing) & (by_reading >= 0)).sum())


def _cosines(left: Vectors, right: Vectors) -> NDArray[np.float64]:
    """Return mean cosines over roles of unit vectors (K, roles, d): (K, K)."""
    flat = [side.reshape(len(side), -1) for side in (left, right)]
    return np.asarray(flat[0] @ flat[1].T / left.shape[1], np.float64)
