"""Places of the atlas: nothing overlaps, families hold together, always the same."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from lineage.atlas import Atlas, Circle, Kin, enclosing, pack, place

# Touching circles may overlap by so much in floating point.
TOUCH = 1e-6


def kin(
    n: int, edges: list[tuple[int, int]], families: dict[int, int] | None = None
) -> Kin:
    """Return models 0 to n-1 with edges from child to parent, all of one layer."""
    weights = [0] * n
    for _, parent in edges:
        weights[parent] += 1
    rows = np.array([(*edge, 0) for edge in edges]).reshape(-1, 3)
    return Kin(weights, [(families or {}).get(i, -1) for i in range(n)], rows)


def grown(n: int, seed: int) -> Kin:
    """Return a register in which some have many children, some merge, some nothing."""
    chance = random.Random(seed)
    edges: set[tuple[int, int]] = set()
    pool = [0]
    for model in range(1, n):
        for _ in range(chance.choice([0, 1, 1, 1, 2])):
            parent = chance.choice(pool)
            edges.add((model, parent))
            pool += [parent, parent]
        pool.append(model)
    families = {model: chance.randrange(5) for model in range(0, n, 7)}
    return kin(n, sorted((c, p) for c, p in edges if c != p), families)


def gaps(x: Any, y: Any, r: Any) -> Any:
    """Return how far each two circles are apart."""
    x, y, r = np.asarray(x), np.asarray(y), np.asarray(r)
    apart = np.hypot(x[:, None] - x, y[:, None] - y) - r[:, None] - r
    return apart[np.triu_indices(len(x), 1)]


def test_packed_circles_touch_and_never_overlap() -> None:
    chance = random.Random(3)
    radii = sorted((chance.paretovariate(1.2) for _ in range(300)), reverse=True)

    x, y, r = np.array(pack(radii)).T

    assert list(r) == radii
    assert gaps(x, y, r).min() > -TOUCH
    assert (x[0], y[0]) == (0, 0)
    # Close together: more than half of the circle around them is covered.
    assert (r**2).sum() / enclosing(pack(radii)).r ** 2 > 0.5


def test_a_stretched_packing_is_wider_than_high() -> None:
    x, y, _ = np.array(pack([1.0] * 400, stretch=2.0)).T

    assert 1.6 < np.ptp(x) / np.ptp(y) < 2.4


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_the_circle_around_circles_holds_them_and_is_hardly_too_large(n: int) -> None:
    circles = pack([float(1 + i % 5) for i in range(n)])

    around = enclosing(circles)

    reach = [np.hypot(x - around.x, y - around.y) + r for x, y, r in circles]
    assert max(reach) <= around.r + TOUCH
    if n == 2:
        assert around.r == pytest.approx(sum(c.r for c in circles), rel=0.02)


def test_no_two_models_overlap_and_each_lies_in_its_disc() -> None:
    atlas = place(grown(1500, seed=1))

    assert gaps(atlas.x, atlas.y, atlas.r).min() > -TOUCH
    circles = np.array([disc.circle for disc in atlas.discs])
    assert gaps(*circles.T).min() > -TOUCH
    x, y, r = circles[atlas.disc_of].T
    reach = np.hypot(atlas.x - x, atlas.y - y) + atlas.r
    assert (reach <= r + TOUCH).all()
    assert sum(disc.n for disc in atlas.discs) == 1500


def test_the_same_register_gives_the_same_atlas() -> None:
    one, other = place(grown(500, seed=2)), place(grown(500, seed=2))

    assert (one.x == other.x).all() and (one.y == other.y).all()
    assert one.discs == other.discs


def test_an_empty_register_has_no_places() -> None:
    atlas = place(kin(0, []))

    assert (len(atlas.x), atlas.disc_of, atlas.discs) == (0, [], [])


def test_a_single_model_stands_in_the_middle() -> None:
    atlas = place(kin(1, []))

    assert (atlas.x[0], atlas.y[0]) == (0, 0)
    assert [(disc.n, disc.head) for disc in atlas.discs] == [(1, -1)]


def members(atlas: Atlas) -> set[frozenset[int]]:
    found: dict[int, set[int]] = {}
    for model, disc in enumerate(atlas.disc_of):
        found.setdefault(disc, set()).add(model)
    return {frozenset(models) for models in found.values()}


def test_trees_without_a_family_have_a_disc_each_and_the_lonely_share_one() -> None:
    atlas = place(kin(7, [(1, 0), (2, 1), (4, 3)]))

    assert members(atlas) == {
        frozenset({0, 1, 2}),
        frozenset({3, 4}),
        frozenset({5, 6}),
    }
    assert sorted(disc.head for disc in atlas.discs) == [-1, 0, 3]


def test_the_lonely_do_not_overlap_whatever_their_ideas_became() -> None:
    weights = [chance % 90 for chance in range(0, 700, 7)]
    atlas = place(Kin(weights, [-1] * 100, np.empty((0, 3), dtype=int)))

    assert len(atlas.discs) == 1
    assert gaps(atlas.x, atlas.y, atlas.r).min() > -TOUCH


def test_a_merge_stands_with_the_parent_that_has_most_children() -> None:
    atlas = place(kin(6, [(2, 0), (2, 1), (3, 1), (4, 1)]))

    assert frozenset({1, 2, 3, 4}) in members(atlas)


def test_a_declared_family_holds_together_and_draws_its_descendants_in() -> None:
    families = {0: 0, 1: 0, 4: 1}
    atlas = place(kin(6, [(2, 0), (3, 1), (4, 0), (5, 4)], families))

    assert members(atlas) == {frozenset({0, 1, 2, 3}), frozenset({4, 5})}


def test_families_of_one_component_stand_together() -> None:
    families = {model: model // 10 for model in range(40)}
    near = [(child, child // 10 * 10) for child in range(40) if child % 10]
    atlas = place(kin(40, [*near, (10, 0)], families))

    head = {disc.head: disc.circle for disc in atlas.discs}
    bound = np.hypot(head[0].x - head[10].x, head[0].y - head[10].y)
    assert bound < head[0].r + head[10].r + 4


def test_the_hub_stands_in_the_middle_of_its_family() -> None:
    atlas = place(kin(200, [(child, 0) for child in range(1, 200)]))

    (disc,) = atlas.discs
    assert disc.head == 0
    assert Circle(atlas.x[0], atlas.y[0], disc.circle.r) == disc.circle


def test_a_circle_of_ideas_is_no_endless_line() -> None:
    atlas = place(kin(3, [(0, 1), (1, 2), (2, 0)]))

    assert members(atlas) == {frozenset({0, 1, 2})}
