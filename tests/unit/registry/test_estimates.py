"""Estimates of compute and memory follow their formulas."""

from __future__ import annotations

import pytest

from registry.estimates import CARDS, HEADROOM, memory_needs, training_compute


def test_training_compute_is_six_times_parameters_times_tokens() -> None:
    # LLaMA 65B on 1.4 trillion tokens (arXiv:2302.13971): 5.5e23.
    assert training_compute(65_200_000_000, None, 1_400_000_000_000) == pytest.approx(
        5.48e23, rel=0.01
    )


def test_of_experts_only_those_at_work_count_for_compute() -> None:
    assert training_compute(671_000_000_000, 37_000_000_000, 10) == 6 * 37e9 * 10


@pytest.mark.parametrize("known", [(None, None, 5), (5, None, None), (None, None, 0)])
def test_nothing_is_estimated_from_what_is_not_known(known: tuple[int, ...]) -> None:
    assert training_compute(*known) is None


def test_memory_is_bytes_times_parameters_with_headroom() -> None:
    needs = {need.use: need for need in memory_needs(7_000_000_000)}

    assert needs["run-fp16"].gigabytes == pytest.approx(14 * HEADROOM)
    assert needs["run-int4"].gigabytes == pytest.approx(3.5 * HEADROOM)
    assert needs["tune-full"].gigabytes == pytest.approx(112 * HEADROOM)
    assert needs["run-fp16"].cards == (1, 1)
    assert needs["tune-full"].cards == (6, 2)


def test_cards_hold_what_they_are_counted_for() -> None:
    for params in (1, 10**8, 10**9, 19_999_999_999, 20 * 10**9, 671 * 10**9):
        for need in memory_needs(params):
            for card, n in zip(CARDS, need.cards, strict=True):
                assert n >= 1
                assert n * card >= need.gigabytes - 0.01
                assert n == 1 or (n - 1) * card < need.gigabytes
