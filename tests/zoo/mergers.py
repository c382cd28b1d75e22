"""Models of the bench merged from two: siblings, or bases that share nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.zoo import derive
from tests.zoo.derive import Tensors, merges
from tests.zoo.derived import Made, Source

Merge = Callable[[Tensors, Tensors, Tensors], Tensors]  # of their base, and of two


@dataclass(frozen=True)
class Merger:
    """One way to merge two models, and the weight of the first."""

    suffix: str
    weight: float
    merge: Merge
    siblings_only: bool = False

    def make(self, source: Source, first: Source, second: Source) -> Made:
        """Return the merge of two models; `source` is the base of both, or either."""
        return Made(self.merge(source.read(), first.read(), second.read()))


def _linear(weight: float) -> Merge:
    return lambda _, a, b: merges.linear([a, b], [weight, 1 - weight])


def _ties(base: Tensors, a: Tensors, b: Tensors) -> Tensors:
    return merges.ties(base, [a, b], [0.5, 0.5], kept=0.5)


def _dare(base: Tensors, a: Tensors, b: Tensors) -> Tensors:
    return merges.dare(base, [a, b], [0.5, 0.5], kept=0.5, seed=1)


def _passthrough(_: Tensors, a: Tensors, b: Tensors) -> Tensors:
    n = derive.n_layers(a)
    half = n // 2
    lower = [(a, layer) for layer in range(half)]
    return derive.arrange_layers(lower + [(b, layer) for layer in range(half, n)])


MERGERS = [
    Merger("linear-50", 0.5, _linear(0.5)),
    Merger("linear-30", 0.3, _linear(0.3)),
    Merger("passthrough", 0.5, _passthrough),
    Merger("slerp-50", 0.5, lambda _, a, b: merges.slerp(a, b, 0.5), True),
    Merger("ties", 0.5, _ties, True),
    Merger("dare", 0.5, _dare, True),
]
