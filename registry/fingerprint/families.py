"""What only a third model shows: which of many models a model was merged from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.comparison import Comparison, Evidence
from registry.fingerprint.judging.look import weight_sample
from registry.fingerprint.judging.opened import OpenedModel
from registry.fingerprint.kin import (
    MergePart,
    arrange,
    layers_of,
    merge_of,
    sparse_merge_of,
)
from registry.fingerprint.reading.places import layer_of
from registry.fingerprint.sketching.moments import folded
from registry.fingerprint.sketching.sketch import Sketch, TensorRecord

# Words that a merge and one of its parents also deserve when alone.
_LONE_WORDS: Final = frozenset(
    {"fine-tuned", "continued-pretraining", "siblings", "merged", "lora-merged"}
)

Form = tuple[tuple[str, tuple[int, ...]], ...]


class Families:
    """Models that are compared together, by id; weights of those that have them.

    From sketches: linear merges, SLERP, and layers taken whole. Merges that pick
    single weights (TIES, DARE) need the weights of all who took part.
    """

    def __init__(
        self, sketches: Mapping[str, Sketch], weights: Mapping[str, OpenedModel]
    ) -> None:
        self._sketches = sketches
        self._weights = weights
        self.parents_of = cache(self._parents_of)
        self._siblings_of = cache(self._all_siblings)
        self._sample_of = cache(lambda id_: weight_sample(self._weights[id_]))

    def _parents_of(self, id_: str) -> tuple[MergePart, ...]:
        """Return the models that a model is a merge of, with their shares."""
        form = _form(self._sketches[id_])
        alike = {i: s for i, s in self._sketches.items() if _form(s) == form}
        if len(alike) < 3 or not form:
            return ()
        vectors = _vectors(alike)
        layers = {i: _layers(sketch) for i, sketch in alike.items()}
        return (
            merge_of(vectors.pop(id_), vectors)
            or layers_of(layers.pop(id_), layers)
            or self._sparse_merge(id_, [i for i in alike if i != id_])
        )

    def _sparse_merge(self, id_: str, others: list[str]) -> tuple[MergePart, ...]:
        if id_ not in self._weights:
            return ()
        samples = {i: self._sample_of(i) for i in others if i in self._weights}
        return sparse_merge_of(self._sample_of(id_), samples)

    def refined(self, found: Comparison) -> Comparison:
        """Return the comparison with what the other models show of it."""
        if not (found.related and set(found.relation_set) & _LONE_WORDS):
            return found
        for child, parent, direction in (
            (found.b, found.a, "a->b"),
            (found.a, found.b, "b->a"),
        ):
            parts = self.parents_of(child)
            if parent in {part.id for part in parts}:
                return _merged(found, child, parts, direction)
        if frozenset((found.a, found.b)) in self._siblings_beside(found.a):
            return _siblings(found)
        return found

    def _siblings_beside(self, id_: str) -> frozenset[frozenset[str]]:
        """Return the pairs that models of this one's form show to be siblings."""
        return self._siblings_of(_form(self._sketches[id_]))

    def _all_siblings(self, form: Form) -> frozenset[frozenset[str]]:
        alike = {i: s for i, s in self._sketches.items() if _form(s) == form}
        squares = {
            i: sum(tensor.values.norm**2 for tensor in _matrices(sketch))
            for i, sketch in alike.items()
        }
        arranged = arrange(_vectors(alike), squares=squares) if len(alike) > 2 else ()
        return frozenset(
            frozenset((pair.a, pair.b)) for pair in arranged if pair.word == "siblings"
        )


def _merged(
    found: Comparison, child: str, parts: tuple[MergePart, ...], direction: str
) -> Comparison:
    listed = ", ".join(f"{part.weight:.0%} of {part.id}" for part in parts)
    text = f"{child} is met by {listed}, and by no single model."
    evidence = Evidence("merge", len(parts), text, {"child": child, "parents": listed})
    return replace(
        found,
        relation="merged",
        relation_set=("merged",),
        direction=direction,
        parents=tuple({"id": part.id, "weight": part.weight} for part in parts),
        evidence=(evidence, *found.evidence),
    )


def _siblings(found: Comparison) -> Comparison:
    text = "Seen from other models at hand, each has gone its own way from a third."
    evidence = Evidence("own-ways", True, text)
    return replace(
        found,
        relation="siblings",
        relation_set=("siblings",),
        direction=None,
        evidence=(evidence, *found.evidence),
    )


def _layers(sketch: Sketch) -> list[tuple[bytes, ...]]:
    """Return what the matrices of each layer hash to, layers in order."""
    layers: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    for tensor in _matrices(sketch):
        at = layer_of(tensor.name)
        if at:
            layers[at].append(tensor.values.own)
    return [tuple(layers[at]) for at in sorted(layers)]


def _matrices(sketch: Sketch) -> list[TensorRecord]:
    return [t for t in sketch.tensors if t.is_float and len(t.shape) > 1]


def _form(sketch: Sketch) -> Form:
    return tuple((tensor.name, tensor.shape) for tensor in _matrices(sketch))


def _vectors(sketches: Mapping[str, Sketch]) -> dict[str, NDArray[np.float64]]:
    """Return the linear sketches of all matrices as one vector for each model."""
    widths = (len(t.values.linear) for s in sketches.values() for t in _matrices(s))
    width = min(widths, default=0)
    return {
        id_: np.concatenate(
            [np.empty(0)]
            + [
                folded(t.values.linear.astype(np.float64), width)
                for t in _matrices(sketch)
            ]
        )
        for id_, sketch in sketches.items()
    }
