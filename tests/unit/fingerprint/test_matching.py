"""The unit test: exact counts, ties, invariances, and its null on real models."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from registry.fingerprint import Sketch
from registry.fingerprint.decide import power_of
from registry.fingerprint.matching import (
    compare_units,
    count_fixed,
    unit_cosines,
    why_not_comparable,
)
from registry.fingerprint.sketch import Units


def drawn(seed: int, n_layers: int = 4, n_units: int = 64) -> Units:
    rng = np.random.default_rng(seed)
    described = rng.integers(-127, 128, (n_layers, n_units, 3, 64)).astype(np.int8)
    return Units(64, 192, True, n_layers, tuple(range(n_layers)), described)


def relabelled(units: Units, seed: int) -> Units:
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(layer) for layer in units.described]
    return replace(units, described=np.stack(orders))


def slow_count(a: np.ndarray, b: np.ndarray) -> int:
    """Count labels that are mutual nearest neighbours, by loops."""

    def cosine(i: int, j: int) -> float:
        parts = []
        for role in range(a.shape[1]):
            x, y = a[i, role].astype(float), b[j, role].astype(float)
            norm = np.sqrt((x @ x) * (y @ y))
            parts.append(x @ y / norm if norm else 0.0)
        return round(float(np.mean(parts)), 6)

    table = [[cosine(i, j) for j in range(len(b))] for i in range(len(a))]
    count = 0
    for i, row in enumerate(table):
        column = [other[i] for other in table]
        count += (
            row.count(row[i]) == 1
            and max(row) == row[i] == max(column)
            and (column.count(row[i]) == 1)
        )
    return count


@pytest.mark.parametrize("seed", range(4))
def test_counts_agree_with_a_slow_reference(seed: int) -> None:
    a, b = drawn(seed, 1, 24).described, drawn(seed + 50, 1, 24).described
    b = np.where(np.arange(24)[None, :, None, None] % 3 == 0, a, b)

    assert count_fixed(unit_cosines(a, b)).tolist() == [slow_count(a[0], b[0])]


def test_a_model_matches_itself_in_every_unit() -> None:
    found = compare_units(drawn(0), drawn(0))

    assert (found.n_fixed, found.effect) == (256, 1.0)


def test_duplicate_units_never_count() -> None:
    units = drawn(0, 1)
    units.described[:, 1] = units.described[:, 0]

    assert compare_units(units, units).n_fixed == 62


def test_dead_units_never_count() -> None:
    units = drawn(0, 1)
    units.described[:, :10] = 0

    found = compare_units(units, units)

    assert found.n_fixed == 54
    assert found.alive_share == pytest.approx(54 / 64)


def test_constant_descriptions_match_nothing() -> None:
    units = replace(drawn(0), described=np.ones((4, 64, 3, 64), np.int8))

    assert compare_units(units, units).n_fixed == 0
    assert compare_units(units, units).log10_p == 0.0


def test_swapped_gate_and_up_are_found_and_paid_for() -> None:
    units = drawn(0)
    swapped = replace(units, described=units.described[:, :, [1, 0, 2]])

    found = compare_units(units, swapped)

    assert (found.n_fixed, found.n_tries) == (256, 2)


def test_relabelling_a_model_takes_every_match_away() -> None:
    assert compare_units(drawn(0), relabelled(drawn(0), 1)).n_fixed < 16


def test_the_test_is_symmetric(zoo: dict[str, Sketch]) -> None:
    for a, b in (("small-1", "small-2"), ("small-1", "small-1-more-3x")):
        one, other = zoo[a].units, zoo[b].units
        assert one is not None and other is not None
        left, right = compare_units(one, other), compare_units(other, one)
        assert (left.n_fixed, left.log10_p, left.effect) == (
            right.n_fixed,
            right.log10_p,
            right.effect,
        )


def test_a_layer_moved_to_another_depth_is_found_and_paid_for() -> None:
    deep = drawn(0)
    shallow = replace(deep, described=deep.described[1:], sampled=(0, 1, 2), n_layers=3)

    found = compare_units(deep, shallow)

    assert found.n_tries == 24
    assert found.n_fixed == 64
    assert found.layers[0][0] == found.layers[0][1] + 1


def test_unlike_forms_are_not_compared() -> None:
    units = drawn(0)

    assert why_not_comparable(units, units) is None
    for other in (None, replace(units, d=48), replace(units, h=99)):
        assert why_not_comparable(units, other)
        assert why_not_comparable(other, units)


def test_relabelled_copies_obey_the_exact_null(zoo: dict[str, Sketch]) -> None:
    """The null's own symmetry: a related pair, units relabelled at random."""
    a, b = zoo["small-1"].units, zoo["small-1-tuned"].units
    assert a is not None and b is not None

    p = [10 ** compare_units(a, relabelled(b, seed)).log10_p for seed in range(600)]

    for alpha in (0.05, 0.01):
        error = np.sqrt(alpha * (1 - alpha) / len(p))
        assert np.mean(np.array(p) <= alpha) <= alpha + 3 * error


def test_independent_zoo_models_look_like_chance(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, object]]
) -> None:
    bases = [name for name in sorted(zoo) if zoo_index[name]["parent"] is None]
    p = []
    for a, b in combinations(bases, 2):
        one, other = zoo[a].units, zoo[b].units
        if one and other and not why_not_comparable(one, other):
            p.append(10 ** compare_units(one, other).log10_p)

    assert len(p) == 17
    assert min(p) > 1e-3
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 17)


def test_every_descendant_in_the_zoo_keeps_all_its_labels(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, object]]
) -> None:
    for name, note in zoo_index.items():
        if name in zoo and note["parent"]:
            one, other = zoo[name].units, zoo[str(note["parent"])].units
            assert one is not None and other is not None
            found = compare_units(one, other)
            assert found.n_fixed >= 0.95 * 256, name
            assert found.effect > 0.5, name


def test_power_needs_enough_living_units() -> None:
    full = compare_units(drawn(0), drawn(1))
    few = compare_units(drawn(0, 1, 8), drawn(1, 1, 8))

    assert power_of(full) > 0.9999
    assert power_of(few) < 0.5
    assert power_of(replace(full, alive_share=0.1)) < 0.5
