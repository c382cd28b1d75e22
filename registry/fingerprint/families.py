"""What only a third model shows: which of many models a model was merged from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.comparison import Comparison, Evidence
from registry.fingerprint.kin import MergePart, merge_of
from registry.fingerprint.moments import folded
from registry.fingerprint.sketch import Sketch, TensorRecord

# Words that a merge and one of its parents also deserve when alone.
_LONE_WORDS: Final = frozenset(
    {"fine-tuned", "continued-pretraining", "siblings", "merged", "lora-merged"}
)


class Families:
    """Models that are compared together, by id."""

    def __init__(self, sketches: Mapping[str, Sketch]) -> None:
        self._sketches = sketches
        self.parents_of = cache(self._parents_of)

    def _parents_of(self, id_: str) -> tuple[MergePart, ...]:
        """Return the models that a model is a merge of, with their shares."""
        form = _form(self._sketches[id_])
        alike = {i: s for i, s in self._sketches.items() if _form(s) == form}
        vectors = _vectors(alike)
        target = vectors.pop(id_)
        return merge_of(target, vectors) if form else ()

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
        return found


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


def _matrices(sketch: Sketch) -> list[TensorRecord]:
    return [t for t in sketch.tensors if t.is_float and len(t.shape) > 1]


def _form(sketch: Sketch) -> tuple[tuple[str, tuple[int, ...]], ...]:
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
