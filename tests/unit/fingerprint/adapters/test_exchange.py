"""The null's moments against all relabellings listed, and its tail against draws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.adapters import exchange
from registry.fingerprint.adapters.subspaces import directions, energies
from tests.unit.fingerprint.adapters.test_judging import modules_on

Array = NDArray[np.float64]


def real_pair(word: str, base: str) -> tuple[Array, Array]:
    """Return the adapter's directions and a base's energies on one axis."""
    module = next(m for m in modules_on(base) if m.name.endswith(word))
    b, w = module.b - module.b.mean(axis=0), module.w - module.w.mean(axis=0)
    return directions(b), energies(w)


def drawn(x: Array, y: Array, n: int) -> Array:
    """Return the statistic of n random row orders."""
    rng = np.random.default_rng(1)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.array([np.square(rng.permutation(x).T @ y).sum() for _ in range(n)])


def test_mean_and_variance_are_those_of_all_permutations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "MIN_LABELS", 4)
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((6, 2)), rng.standard_normal((6, 3)) ** 3
    found = exchange.permutation_moments(x, y)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)

    orders = itertools.permutations(range(6))
    all_values = np.array([np.square(x[list(o)].T @ y).sum() for o in orders])

    assert found is not None
    assert found.mean == pytest.approx(all_values.mean())
    assert found.variance == pytest.approx(all_values.var())
    assert found.observed == pytest.approx(all_values[0])
    assert found.most >= all_values.max()


def test_sign_moments_are_those_of_all_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MIN_LABELS", 4)
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((7, 2)), rng.standard_normal((7, 3))
    found = exchange.sign_moments(x, y)
    both = (x @ x.T) * (y @ y.T)
    np.fill_diagonal(both, 0)

    signs = (np.array(s) for s in itertools.product([-1.0, 1.0], repeat=7))
    all_values = np.array([s @ both @ s for s in signs])

    assert found is not None
    assert found.mean == pytest.approx(all_values.mean(), abs=1e-9)
    assert found.variance == pytest.approx(all_values.var())
    assert found.third == pytest.approx((all_values**3).mean())
    assert found.observed == pytest.approx(both.sum())


@pytest.mark.parametrize("word", ["0.mlp.up_proj", "3.self_attn.o_proj"])
@pytest.mark.parametrize("base", ["small-1", "small-2"])
def test_tail_is_that_of_drawn_permutations(word: str, base: str) -> None:
    x, y = real_pair(word, base)
    found = exchange.permutation_moments(x, y)
    assert found is not None
    values = drawn(x, y, 4000)

    for quantile in (0.1, 0.01):
        value = float(np.quantile(values, 1 - quantile))
        at = exchange.Moments(value, found.mean, found.variance, found.third, 0)
        p = 10 ** exchange.log10_tail(at, -300)
        error = 4 * math.sqrt(quantile / 4000)
        assert p == pytest.approx(quantile, abs=error), (quantile, p)


def test_tail_falls_and_stops_at_the_floor() -> None:
    def tail(z: float, third: float = 0.5) -> float:
        return exchange.log10_tail(exchange.Moments(z, 0, 1, third, 0), -300)

    values = [tail(z) for z in (-5, 0, 1, 3, 10, 30, 100, 1e6)]

    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(0, abs=0.01) and values[-1] == -300
    assert tail(3, 0) == pytest.approx(math.log10(0.00135), abs=0.01)
    assert tail(3) > tail(3, 0)


def test_nothing_to_compare_has_no_moments() -> None:
    flat, few = np.ones((32, 2)), np.ones((3, 2))

    for made in (exchange.permutation_moments, exchange.sign_moments):
        assert made(few, few) is None
        assert made(np.zeros((32, 0)), np.zeros((32, 2))) is None
    assert exchange.permutation_moments(flat, flat) is None
    assert exchange.together([]) is None
