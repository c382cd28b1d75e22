"""TIES and DARE of trained models, and trained models that are neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.kin import sparse_merge_of
from tests.zoo.derive.tensors import stored

Array = NDArray[np.float64]
Weights = Callable[[str], Array]
Samples = Mapping[str, NDArray[np.float32]]

BASE, TUNED, MORE = "small-1", "small-1-tuned", "small-1-more"
NAMES = (BASE, TUNED, MORE, "small-1-more-3x", "small-2", "small-3")


def halved(weights: Array) -> NDArray[np.float32]:
    """Return every third weight, stored in bfloat16."""
    return stored(weights.astype(np.float32), "BF16").values()[::3]


@pytest.fixture(scope="session")
def samples(weights: Weights) -> Samples:
    return {name: halved(weights(name)) for name in NAMES}


def trimmed(change: Array, density: float) -> Array:
    least = np.quantile(np.abs(change), 1 - density)
    return np.where(np.abs(change) >= least, change, 0.0)


def ties(base: Array, models: list[Array], density: float) -> Array:
    """Return the mean of large changes that have the sign of their sum."""
    kept = np.stack([trimmed(model - base, density) for model in models])
    agreed = np.where(np.sign(kept) == np.sign(kept.sum(axis=0)), kept, 0.0)
    mean: Array = agreed.sum(axis=0) / np.maximum((agreed != 0).sum(axis=0), 1)
    return base + mean


def dare(base: Array, models: list[Array], shares: list[float], drop: float) -> Array:
    """Return the base and a random part of the changes, scaled up."""
    rng = np.random.default_rng(4)
    merged = base.copy()
    for model, share in zip(models, shares, strict=True):
        kept = rng.random(len(base)) >= drop
        merged += share * (model - base) * kept / (1 - drop)
    return merged


@pytest.mark.parametrize("density", [0.2, 0.5])
def test_ties_names_both_parents_evenly(
    density: float, samples: Samples, weights: Weights
) -> None:
    parents = [weights(TUNED), weights(MORE)]
    merged = ties(weights(BASE), parents, density)

    found = sparse_merge_of(halved(merged), samples)

    assert {part.id for part in found} == {TUNED, MORE}
    assert [part.weight for part in found] == pytest.approx([0.5, 0.5], abs=0.05)


@pytest.mark.parametrize(("share", "drop"), [(0.5, 0.5), (0.3, 0.5), (0.5, 0.9)])
def test_dare_names_both_parents_with_their_weights(
    share: float, drop: float, samples: Samples, weights: Weights
) -> None:
    parents = [weights(TUNED), weights(MORE)]
    merged = dare(weights(BASE), parents, [share, 1 - share], drop)

    found = sparse_merge_of(halved(merged), samples)

    expected = {TUNED: share, MORE: 1 - share}
    assert {p.id: p.weight for p in found} == pytest.approx(expected, abs=0.05)


def test_no_trained_model_is_a_sparse_merge(samples: Samples) -> None:
    for name, sample in samples.items():
        others = {id_: kept for id_, kept in samples.items() if id_ != name}
        assert sparse_merge_of(sample, others) == (), name


def test_thinned_child_of_one_model_is_no_merge(
    samples: Samples, weights: Weights
) -> None:
    merged = dare(weights(BASE), [weights(MORE)], [1.0], 0.5)

    assert sparse_merge_of(halved(merged), samples) == ()


def test_unusable_samples_are_ignored(samples: Samples) -> None:
    good = samples[BASE]
    odd = {
        "empty": good[:0],
        "short": good[:9],
        "nan": good * np.float32(np.nan),
        "zero": 0 * good,
    }

    for sample in odd.values():
        assert sparse_merge_of(sample, samples) == ()
    assert sparse_merge_of(good, odd) == () == sparse_merge_of(good, {})
