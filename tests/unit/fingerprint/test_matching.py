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
    cosine_table,
    exchanged,
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
    assert found[5, 3] == 1.0


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

    assert (table == 1.0).all()


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
