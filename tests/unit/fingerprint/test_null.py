"""The exact tail against permutations drawn, permutations listed, and Poisson."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from registry.fingerprint.comparing import null


def slow_tail(n_units: int, n_layers: int, n_fixed: int) -> float:
    """Return the tail by listing all permutations, in exact fractions."""
    one = [Fraction(0)] * (n_units + 1)
    for order in itertools.permutations(range(n_units)):
        fixed = sum(i == j for i, j in enumerate(order))
        one[fixed] += Fraction(1, math.factorial(n_units))
    total = [Fraction(1)]
    for _ in range(n_layers):
        sums = [Fraction(0)] * (len(total) + n_units)
        for i, j in itertools.product(range(len(total)), range(n_units + 1)):
            sums[i + j] += total[i] * one[j]
        total = sums
    return float(sum(total[n_fixed:]))


@pytest.mark.parametrize("n_units", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_tail_equals_the_listing_of_all_permutations(
    n_units: int, n_layers: int
) -> None:
    for n_fixed in range(n_units * n_layers + 1):
        found = 10 ** null.log10_tail(n_units, n_layers, n_fixed)

        assert found == pytest.approx(slow_tail(n_units, n_layers, n_fixed), rel=1e-10)


def test_tail_agrees_with_drawn_permutations() -> None:
    rng = np.random.default_rng(1)
    n_draws, n_units, n_layers = 20_000, 64, 4
    drawn = rng.permuted(np.tile(np.arange(n_units), (n_draws * n_layers, 1)), axis=1)
    counts = (drawn == np.arange(n_units)).sum(axis=1).reshape(n_draws, n_layers)
    totals = counts.sum(axis=1)

    for n_fixed in range(1, 11):
        p = 10 ** null.log10_tail(n_units, n_layers, n_fixed)
        error = math.sqrt(p * (1 - p) / n_draws)
        assert abs((totals >= n_fixed).mean() - p) < 4 * error


def test_tail_of_many_units_is_close_to_poisson() -> None:
    poisson = 1 - sum(math.exp(-8) * 8**k / math.factorial(k) for k in range(20))

    assert 10 ** null.log10_tail(64, 8, 20) == pytest.approx(poisson, rel=1e-6)


def test_all_units_fixed_is_no_rarer_than_one_over_the_orders() -> None:
    assert null.log10_tail(20, 2, 40) == pytest.approx(
        -2 * math.log10(math.factorial(20)), rel=1e-12
    )


def test_tail_never_goes_below_the_floor() -> None:
    assert null.log10_tail(64, 8, 512) == null.FLOOR_LOG10


def test_tail_falls_as_the_count_rises() -> None:
    tails = [null.log10_tail(64, 4, n) for n in range(257)]

    assert tails == sorted(tails, reverse=True)
    assert tails[0] == 0.0


def test_smallest_count_is_the_first_that_suffices() -> None:
    found = null.smallest_count(64, 4, -6.0)

    assert found is not None
    assert null.log10_tail(64, 4, found) <= -6.0 < null.log10_tail(64, 4, found - 1)


def test_too_few_units_can_never_suffice_and_have_no_power() -> None:
    assert null.smallest_count(3, 1, -6.0) is None
    assert null.power(3, 1, -6.0, 1.0) == 0.0


def test_power_agrees_with_drawn_counts() -> None:
    needed = null.smallest_count(64, 1, -6.0)
    drawn = np.random.default_rng(2).binomial(64, 0.2, 40_000)

    found = null.power(64, 1, -6.0, 0.2)
    assert found == pytest.approx((drawn >= needed).mean(), abs=0.01)


@pytest.mark.parametrize("mean", [0.5, 2.0, 8.0, 40.0, 900.0])
def test_the_poisson_tail_agrees_with_a_slow_sum(mean: float) -> None:
    for count in (1, 2, int(mean), int(mean) + 1, int(2 * mean) + 3):
        if count < 1:
            continue
        below = math.fsum(
            math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
            for k in range(count)
        )
        found = 10 ** null.log10_poisson_tail(mean, count)
        assert found == pytest.approx(1 - below, rel=1e-6, abs=1e-12)


def test_the_far_poisson_tail_agrees_with_exact_fractions() -> None:
    """P(N >= 60) for mean 8 is e^-8 times a sum of fractions, far below 1 - 1."""
    total = sum(Fraction(8) ** k / math.factorial(k) for k in range(60, 260))

    found = null.log10_poisson_tail(8.0, 60)

    exact = math.log10(total.numerator) - math.log10(total.denominator)
    assert found == pytest.approx(exact - 8 / math.log(10), rel=1e-12)


def test_the_poisson_tail_agrees_with_drawn_counts() -> None:
    drawn = np.random.default_rng(3).poisson(8.0, 100_000)

    for count in (4, 8, 12, 16):
        p = 10 ** null.log10_poisson_tail(8.0, count)
        error = math.sqrt(p * (1 - p) / len(drawn))
        assert abs((drawn >= count).mean() - p) < 4 * error


def test_the_poisson_tail_is_bounded_and_falls() -> None:
    tails = [null.log10_poisson_tail(8.0, n) for n in range(600)]

    assert (tails[0], tails[-1]) == (0.0, null.FLOOR_LOG10)
    assert tails == sorted(tails, reverse=True)
