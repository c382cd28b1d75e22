"""Matching units: by label in a basis, by label in none, and without labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from registry.fingerprint.anatomy.structure import spread
from registry.fingerprint.comparing.matching import (
    assign,
    assign_all,
    cosine_table,
    cosine_tables,
    exchanged,
    likeness,
    match_free,
    match_raw,
    match_twice,
    same_maps,
    share_labels,
    why_not_comparable,
)
from registry.fingerprint.sketching.units import FOLD, Units, n_maps
from tests.unit.fingerprint.conftest import Model

K = 40


def drawn(seed: int, n_layers: int = 4, k: int = K, h: int = 192) -> Units:
    """Return units of noise, the same labels whatever the seed."""
    rng = np.random.default_rng(seed)
    labels = np.sort(np.random.default_rng(99).permutation(h)[:k])
    maps = n_maps(n_layers, True)
    return Units(
        d=64,
        h=h,
        is_gated=True,
        n_layers=n_layers,
        n_experts=1,
        n_tokens=384,
        sampled=spread(n_layers),
        labels=np.tile(labels, (n_layers, 1)).astype(np.int32),
        raw=rng.integers(-127, 128, (n_layers, k, 3, FOLD)).astype(np.int8),
        free=rng.integers(-127, 128, (n_layers, k, 3, maps)).astype(np.int8),
    )


def relabelled(units: Units, seed: int) -> Units:
    """Return the model with its units in another order, as after a permutation."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(row)) for row in units.labels]
    raw, free = (
        np.stack([rows[order] for rows, order in zip(field, orders, strict=True)])
        for field in (units.raw, units.free)
    )
    return replace(units, raw=raw, free=free)


def diagonal(units: Units) -> NDArray[np.bool_]:
    return np.eye(len(units.sampled), dtype=bool)


def slow_cosine(x: NDArray[np.int8], y: NDArray[np.int8]) -> float:
    parts = []
    for left, right in zip(x.astype(float), y.astype(float), strict=True):
        norm = np.sqrt((left @ left) * (right @ right))
        parts.append(left @ right / norm if norm else 0.0)
    return float(np.mean(parts))


def test_cosines_agree_with_a_slow_reference() -> None:
    a, b = drawn(0, 1, 24).raw[0], drawn(1, 1, 24).raw[0]
    b[3] = a[5]

    found = cosine_table(a, b)

    slow = [[slow_cosine(x, y) for y in b] for x in a]
    np.testing.assert_allclose(found, slow, atol=2e-6)
    assert found[5, 3] == pytest.approx(1.0)


def test_a_dead_unit_is_like_nobody() -> None:
    a, b = drawn(0, 1).raw[0], drawn(1, 1).raw[0]
    a[4] = 0
    b[7] = 0

    found = cosine_table(a, b)

    assert (found[4] == -1).all() and (found[:, 7] == -1).all()
    assert (np.delete(np.delete(found, 4, 0), 7, 1) > -1).all()


@pytest.mark.parametrize("shape", [(3, 3), (5, 8), (8, 5)])
def test_assignments_are_the_best_ones(shape: tuple[int, int]) -> None:
    table = np.random.default_rng(2).standard_normal(shape)

    found = assign(table)

    rows, columns = linear_sum_assignment(-table)
    known = found >= 0
    assert known.sum() == min(shape)
    assert len(set(found[known])) == known.sum()
    best = table[rows, columns].sum()
    assert table[np.flatnonzero(known), found[known]].sum() == pytest.approx(best)


def noisy(units: Units, seed: int, noise: float) -> Units:
    """Return the model with descriptors changed by so many steps of int8."""
    rng = np.random.default_rng(seed)
    raw, free = (
        np.clip(rows + rng.normal(0, noise, rows.shape), -127, 127).astype(np.int8)
        for rows in (units.raw, units.free)
    )
    return replace(units, raw=raw, free=free)


@pytest.mark.parametrize("noise", [0.0, 20.0, 80.0, 400.0])
@pytest.mark.parametrize("k", [K, 25])
def test_prices_leave_the_best_assignments_what_they_are(noise: float, k: int) -> None:
    a, b = drawn(0), noisy(drawn(0), 1, noise)
    cells = np.argwhere(np.ones((4, 4)))
    tables = cosine_tables(a.free, b.free[:, :k], cells)

    found = assign_all(tables)

    for table, partners in zip(tables, found, strict=True):
        steps = np.rint(table * 1e6).astype(np.float64)
        rows, columns = linear_sum_assignment(steps, maximize=True)
        known = partners >= 0
        assert known.sum() == len(rows)
        best = steps[rows, columns].sum()
        assert steps[np.flatnonzero(known), partners[known]].sum() == best


def test_prices_survive_tables_of_the_dead_and_of_the_equal() -> None:
    for value in (-1.0, 0.0, 1.0):
        table = np.full((K, K), value)

        assert sorted(assign(table)) == list(range(K))


def test_tables_of_many_cells_are_those_of_each() -> None:
    a, b = drawn(0), drawn(1)
    a.free[2, 7] = 0
    b.free[1, 3] = 0
    cells = np.array([[0, 0], [2, 1], [3, 0]])

    found = cosine_tables(a.free, b.free, cells)

    for (i, j), table in zip(cells, found, strict=True):
        np.testing.assert_allclose(table, cosine_table(a.free[i], b.free[j]), atol=1e-6)


def test_agreement_is_that_of_two_slow_assignments() -> None:
    a, b = drawn(0), noisy(drawn(0), 1, 150.0)

    found = match_twice(a.free, b.free, True)

    for i, j in np.argwhere(found.counts >= 0):
        partners = []
        for roles in ([0, 1], [2]):
            left, right = a.free[i][:, roles], b.free[j][:, roles]
            slow = [[slow_cosine(x, y) for y in right] for x in left]
            partners.append(linear_sum_assignment(slow, maximize=True)[1])
        assert found.counts[i, j] == (partners[0] == partners[1]).sum()


def test_of_unlike_depths_labels_are_asked_where_they_are_most_alike() -> None:
    deep = drawn(0, 6)
    kept = [0, 3, 4]
    shallow = replace(
        deep,
        n_layers=3,
        sampled=spread(3),
        labels=deep.labels[kept],
        raw=deep.raw[kept],
        free=deep.free[kept],
    )

    found = match_raw(deep, shallow, np.ones((6, 3), bool))

    assert [found.counts[i, j] for j, i in enumerate(kept)] == [K] * 3
    assert (found.counts >= 0).sum() == 3


def test_layers_without_a_common_label_are_asked_all_the_same() -> None:
    units = drawn(0)
    other = replace(units, labels=(units.labels + 97) % 192)
    labels = [set(a) & set(b) for a, b in zip(units.labels, other.labels, strict=True)]
    other.labels[2] = np.setdiff1d(np.arange(192), units.labels[2])[:K]
    assert labels[0]

    found = match_raw(units, other, diagonal(units))

    assert (np.diag(found.counts) >= 0).all()
    assert np.isnan(found.cosines[2, 2])


def test_likeness_is_higher_in_the_right_reading_whatever_the_labels() -> None:
    units = drawn(0)
    child = relabelled(noisy(units, 1, 100.0), 2)

    assert likeness(units, child) > 1.2 * likeness(units, exchanged(child))
    assert likeness(units, child) == pytest.approx(likeness(child, units), abs=1e-6)
    assert likeness(units, units) == pytest.approx(1.0)
    relabelled_again = relabelled(child, 3)
    assert likeness(units, relabelled_again) == pytest.approx(likeness(units, child))


@pytest.mark.parametrize("match", [match_raw, match_free])
def test_a_model_keeps_every_label_of_its_own(match: object) -> None:
    units = drawn(0)

    found = match(units, units, diagonal(units))  # type: ignore[operator]

    assert np.diag(found.counts).tolist() == [K] * 4
    assert (found.counts[~diagonal(units)] == -1).all()
    assert np.diag(found.cosines).tolist() == [1.0] * 4


@pytest.mark.parametrize("match", [match_raw, match_free])
def test_labels_that_both_do_not_list_never_count(match: object) -> None:
    units = drawn(0)
    other = replace(units, labels=units.labels + 1)
    common = len(set(units.labels[0]) & set(other.labels[0]))

    found = match(units, other, diagonal(units))  # type: ignore[operator]

    assert found.counts.max() <= common < K


def test_relabelling_takes_labels_away_but_not_agreement() -> None:
    units = drawn(0)
    other = relabelled(units, 1)

    assert np.diag(match_free(units, other, diagonal(units)).counts).max() < 8
    assert np.diag(match_twice(units.free, other.free, True).counts).tolist() == [K] * 4


def test_duplicate_units_match_each_other_no_more_than_once() -> None:
    units = drawn(0, 1)
    units.raw[:, 1] = units.raw[:, 0]

    found = match_raw(units, units, diagonal(units))

    assert found.counts[0, 0] >= K - 2


def test_equal_units_everywhere_match_by_no_more_than_the_order() -> None:
    """Constant descriptors make a table of ones: no assignment beats another."""
    units = drawn(0)
    same = replace(units, free=np.ones_like(units.free))

    table = cosine_table(*(side[0] for side in same_maps(same, same)))

    np.testing.assert_allclose(table, 1.0, atol=1e-6)


def test_agreement_is_controlled_by_layers_that_cannot_correspond() -> None:
    units = drawn(0)

    found = match_twice(units.free, units.free, True)

    assert len(found.control) == 4
    assert found.control.max() < 8
    assert (found.counts >= 0).sum() == 8


def test_agreement_of_unlike_depths_is_controlled_by_half_of_all_cells() -> None:
    a, b = drawn(0, 4), drawn(1, 6)

    found = match_twice(*same_maps(a, b), False)

    assert found.counts.shape == (4, 6)
    assert (found.counts >= 0).all()
    assert len(found.control) == 13


def test_models_of_unlike_depth_share_the_sums_over_layers() -> None:
    a, b = drawn(0, 4), drawn(1, 6)

    left, right = same_maps(a, b)

    assert left.shape[-1] == right.shape[-1] == 7
    np.testing.assert_array_equal(left, a.free[..., -7:])
    assert same_maps(a, a)[0] is a.free


def test_exchanging_gate_and_up_twice_is_nothing(models: dict[str, Model]) -> None:
    units = models["small-1"].sketch.units
    assert units is not None

    once, twice = exchanged(units), exchanged(exchanged(units))

    np.testing.assert_array_equal(once.raw[:, :, 0], units.raw[:, :, 1])
    np.testing.assert_array_equal(twice.raw, units.raw)
    np.testing.assert_array_equal(twice.free, units.free)
    assert not np.array_equal(once.free, units.free)


def test_plain_units_have_nothing_to_exchange(models: dict[str, Model]) -> None:
    units = models["classic-1"].sketch.units
    assert units is not None

    assert exchanged(units) is units


def test_unlike_forms_are_not_compared() -> None:
    units = drawn(0)

    assert why_not_comparable(units, units) is None
    for other in (None, replace(units, is_gated=False)):
        assert why_not_comparable(units, other)
        assert why_not_comparable(other, units)


def test_labels_mean_nothing_between_other_widths() -> None:
    units = drawn(0)

    assert share_labels(units, replace(units, n_layers=9, n_experts=4))
    for other in (replace(units, d=48), replace(units, h=99)):
        assert why_not_comparable(units, other) is None
        assert not share_labels(units, other)
