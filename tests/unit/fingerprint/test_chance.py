"""From counts to p-values: exact nulls on real models, symmetry, and their price."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from registry.fingerprint import Sketch
from registry.fingerprint.comparing.chance import RATE_FACTOR, UnitTests, run_unit_tests
from registry.fingerprint.comparing.matching import exchanged, why_not_comparable
from registry.fingerprint.comparing.null import log10_poisson_tail
from registry.fingerprint.sketching.units import Units
from tests.unit.fingerprint.test_matching import K, drawn, relabelled

N_RELABELLED = 150


def units_of(sketch: Sketch) -> Units:
    assert sketch.units is not None
    return sketch.units


def run_on(a: Sketch, b: Sketch) -> UnitTests:
    return run_unit_tests(units_of(a), units_of(b))


def test_a_model_matches_itself_in_every_unit() -> None:
    found = run_unit_tests(drawn(0), drawn(0))

    assert found.raw and found.free
    for test in (found.raw, found.free, found.twice):
        assert (test.n_hits, test.n_units, test.effect) == (4 * K, 4 * K, 1.0)
        assert [hits for _, _, hits, _ in test.layers] == [K] * 4
    assert not found.swapped


def test_swapped_gate_and_up_are_found_and_paid_for() -> None:
    units = drawn(0)

    found = run_unit_tests(units, exchanged(units))

    assert found.swapped
    assert found.raw and found.raw.n_hits == 4 * K
    assert found.raw.n_tries == found.twice.n_tries == 2


def test_dead_units_never_count() -> None:
    units = drawn(0)
    units.raw[:, :10] = 0
    units.free[:, :10] = 0

    found = run_unit_tests(units, units)

    assert found.raw and found.free
    for test in (found.raw, found.free):
        # Dead units are left over and may be paired with each other by chance.
        assert test.n_hits <= 4 * K
        assert test.n_hits >= 4 * (K - 10)


def test_constant_descriptors_show_nothing() -> None:
    units = drawn(0)
    ones = replace(
        units, raw=np.ones_like(units.raw), free=relabelled(drawn(1), 2).free
    )

    found = run_unit_tests(units, ones)

    assert found.free and found.free.log10_p > -6
    assert found.twice.log10_p > -6


def test_relabelling_a_model_leaves_only_agreement_without_labels() -> None:
    found = run_unit_tests(drawn(0), relabelled(drawn(0), 1))

    assert found.raw and found.raw.n_hits < 16
    assert found.free and found.free.n_hits < 16
    assert found.twice.n_hits == 4 * K
    assert found.best is found.twice


def test_widths_that_differ_leave_only_agreement_without_labels() -> None:
    found = run_unit_tests(drawn(0), replace(drawn(0), d=48))

    assert (found.raw, found.free) == (None, None)
    assert found.twice.n_hits == 4 * K
    assert found.log10_p == found.twice.log10_p


def test_the_better_of_two_tests_is_paid_twice() -> None:
    found = run_unit_tests(drawn(0), drawn(1))

    assert found.free
    least = min(found.free.log10_p, found.twice.log10_p)
    assert found.log10_p == pytest.approx(min(0.0, least + np.log10(2)))


def test_a_layer_moved_to_another_depth_is_found_and_paid_for() -> None:
    deep = drawn(0)
    common = deep.free[1:, ..., -7:]
    shallow = replace(
        drawn(5, 3), raw=deep.raw[1:], free=np.pad(common, [(0, 0)] * 3 + [(18, 0)])
    )

    found = run_unit_tests(deep, shallow)

    assert not found.same_depth
    for test in (found.raw, found.free, found.twice):
        assert test is not None
        assert (test.n_hits, test.n_tries) == (K, 24)
        assert [(i, j) for i, j, _, _ in test.layers] == [(1, 0), (2, 1), (3, 2)]


def test_chance_agreement_is_taken_at_twice_its_rate_elsewhere() -> None:
    found = run_unit_tests(drawn(0), drawn(1)).twice

    assert found.n_expected >= RATE_FACTOR * 4
    tail = log10_poisson_tail(found.n_expected, found.n_hits)
    paid = tail + np.log10(found.n_tries)
    assert found.log10_p == pytest.approx(min(0.0, paid))


@pytest.mark.parametrize("other", ["small-2", "small-1-more-3x", "small-1-words"])
def test_the_tests_are_symmetric(other: str, zoo: dict[str, Sketch]) -> None:
    there, back = run_on(zoo["small-1"], zoo[other]), run_on(zoo[other], zoo["small-1"])

    for x, y in ((there.raw, back.raw), (there.free, back.free)):
        assert x and y
        assert (x.n_hits, x.log10_p, x.effect) == (y.n_hits, y.log10_p, y.effect)
    assert abs(there.twice.n_hits - back.twice.n_hits) <= 3


def test_relabelled_copies_obey_the_exact_null(zoo: dict[str, Sketch]) -> None:
    """The null's own symmetry: a related pair, units relabelled at random."""
    a, b = units_of(zoo["small-1"]), units_of(zoo["small-1-tuned"])
    few = np.arange(0, a.labels.shape[1], 3)
    a, b = (
        replace(u, labels=u.labels[:, few], raw=u.raw[:, few], free=u.free[:, few])
        for u in (a, b)
    )
    p: dict[str, list[float]] = {"raw": [], "free": []}

    for seed in range(N_RELABELLED):
        found = run_unit_tests(a, relabelled(b, seed))
        assert found.raw and found.free
        p["raw"].append(10**found.raw.log10_p)
        p["free"].append(10**found.free.log10_p)

    for values in p.values():
        for alpha in (0.05, 0.01):
            error = np.sqrt(alpha * (1 - alpha) / len(values))
            assert np.mean(np.array(values) <= alpha) <= alpha + 3 * error


def test_independent_zoo_models_look_like_chance(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, Any]]
) -> None:
    bases = [n for n in sorted(zoo) if zoo_index[n]["relation"] == "base"]
    p = []
    for a, b in combinations(bases, 2):
        if not why_not_comparable(zoo[a].units, zoo[b].units):
            found = run_on(zoo[a], zoo[b])
            p.append(10**found.log10_p)
            if found.raw:
                p.append(10**found.raw.log10_p)

    assert len(p) > 30
    assert min(p) > 1e-3
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(p))


def test_every_descendant_in_the_zoo_keeps_its_labels(
    zoo: dict[str, Sketch], zoo_index: dict[str, dict[str, Any]]
) -> None:
    for name, note in zoo_index.items():
        if name not in zoo or not note["parent"] or note["change"] == "disguise":
            continue
        if zoo[name].units is None:
            continue
        found = run_on(zoo[name], zoo[note["parent"]])
        assert found.raw and found.free, name
        # Not all are among the largest of both; experts are copies of one unit.
        least = 0.75 if note["change"] != "experts" else 0.25
        assert found.raw.n_hits >= least * found.raw.n_units, name
        assert found.raw.effect > 0.5, name
        assert found.free.log10_p < -30, name


def test_a_child_trained_after_a_disguise_agrees_without_labels(
    zoo: dict[str, Sketch],
) -> None:
    found = run_on(zoo["small-1"], zoo["small-1-disguised"])

    assert found.raw and found.raw.log10_p > -2
    assert found.free and found.free.log10_p > -2
    assert found.twice.log10_p < -100
    assert found.best is found.twice
