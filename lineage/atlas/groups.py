"""Who stands with whom: one line of descent for each model, families, components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NONE: Final = -1


@dataclass(frozen=True)
class Kin:
    """Models 0 to n-1: how many derive from each, its family, and what binds them.

    A model without a declared family has the family NONE. Of `edges`, rows of child,
    parent and rank, the lowest rank of a child is the bond that counts.
    """

    weights: Sequence[int]
    families: Sequence[int]
    edges: NDArray[Any]

    @property
    def n(self) -> int:
        return len(self.weights)


@dataclass(frozen=True)
class Groups:
    """For each model its line and group; for each group its head and component.

    `order` holds every model after the one it stands under.
    """

    above: list[int]
    order: list[int]
    group_of: list[int]
    heads: list[int]
    component_of: list[int]


def group(kin: Kin) -> Groups:
    """Return the groups: declared families, and the trees of those without one.

    A model without a family stands with the parent from which most others derive, and
    so with the family or the root at which that line ends.
    """
    lines = _lines(kin)
    order = _from_the_top(lines)
    group_of = _group_of(kin, lines, order)
    heads = _heads(group_of, _sizes(lines, order))
    above = [
        _under(model, lines[model], group_of, heads[group_of[model]])
        for model in range(kin.n)
    ]
    return Groups(
        above=above,
        order=_from_the_top(above),
        group_of=group_of,
        heads=heads,
        component_of=_components(kin, group_of, len(heads)),
    )


def _lines(kin: Kin) -> list[int]:
    """Return for each model the weightiest parent of its nearest layer, or NONE."""
    lines = np.full(kin.n, NONE)
    if len(kin.edges):
        child, parent, rank = np.asarray(kin.edges).T
        weights = np.asarray(kin.weights)
        order = np.lexsort((parent, -weights[parent], rank, child))
        children, first = np.unique(child[order], return_index=True)
        lines[children] = parent[order][first]
    return _without_circles(lines.tolist())


def _without_circles(lines: list[int]) -> list[int]:
    """Return the lines with one step left out of each circle, as ideas make them."""
    walk_of = [NONE] * len(lines)
    for start in range(len(lines)):
        model = start
        while walk_of[model] == NONE:
            walk_of[model] = start
            if lines[model] == NONE:
                break
            if walk_of[lines[model]] == start:
                lines[model] = NONE
                break
            model = lines[model]
    return lines


def _from_the_top(above: Sequence[int]) -> list[int]:
    """Return all models, each after the one above it, the others by number."""
    below = defaultdict(list)
    for model, upper in enumerate(above):
        below[upper].append(model)
    order = list(below[NONE])
    for model in order:
        order.extend(below.get(model, ()))
    return order


def _sizes(above: Sequence[int], order: Sequence[int]) -> list[int]:
    """Return of each model how many stand under it, with itself."""
    sizes = [1] * len(above)
    for model in reversed(order):
        if above[model] != NONE:
            sizes[above[model]] += sizes[model]
    return sizes


def _group_of(kin: Kin, lines: Sequence[int], order: Sequence[int]) -> list[int]:
    numbers: dict[tuple[str, int], int] = {}
    group_of = [NONE] * kin.n
    for model in order:
        family = kin.families[model]
        if family == NONE and lines[model] != NONE:
            group_of[model] = group_of[lines[model]]
        else:
            key = ("root", model) if family == NONE else ("family", family)
            group_of[model] = numbers.setdefault(key, len(numbers))
    return group_of


def _heads(group_of: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Return of each group the model that most others stand under."""
    heads: dict[int, int] = {}
    for model, number in enumerate(group_of):
        if number not in heads or sizes[model] > sizes[heads[number]]:
            heads[number] = model
    return [heads[number] for number in range(len(heads))]


def _under(model: int, parent: int, group_of: Sequence[int], head: int) -> int:
    if model == head:
        return NONE
    is_near = parent != NONE and group_of[parent] == group_of[model]
    return parent if is_near else head


def _components(kin: Kin, group_of: Sequence[int], n_groups: int) -> list[int]:
    """Return of each group the lowest number of a group it is bound to."""
    lowest = list(range(n_groups))

    def find(number: int) -> int:
        while lowest[number] != number:
            lowest[number] = lowest[lowest[number]]
            number = lowest[number]
        return number

    for child, parent, _ in np.asarray(kin.edges).tolist():
        a, b = find(group_of[child]), find(group_of[parent])
        lowest[max(a, b)] = min(a, b)
    return [find(number) for number in range(n_groups)]
