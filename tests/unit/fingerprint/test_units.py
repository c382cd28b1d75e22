"""Descriptors of units: against plain matrices, and unchanged by any disguise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from registry.fingerprint.anatomy.gains import ffn_gain
from registry.fingerprint.anatomy.parts import read_vectors
from registry.fingerprint.anatomy.structure import Ffn, Structure
from registry.fingerprint.comparing.matching import assign, cosine_table
from registry.fingerprint.sketching import units as room
from registry.fingerprint.sketching.keyed import signs
from registry.fingerprint.sketching.units import (
    FOLD,
    LIMIT_BYTES,
    MAX_UNITS,
    Units,
    describe_units,
    describe_with_vectors,
    n_maps,
    n_units,
)
from tests.unit.fingerprint.conftest import Build, Model
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Floats = NDArray[np.float64]
D, HEAD = 64, 16


def unit_rows(vectors: NDArray[np.floating]) -> Floats:
    wide = vectors.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-30)


def slow_maps(structure: Structure) -> list[Floats]:
    """Return the d x d matrices M of all layers, of their sums, and of the tokens."""
    layers = [structure.layers[i] for i in structure.sampled]
    per_layer = []
    for layer in layers:
        gain = ffn_gain(layer, structure.d)
        per_layer.append(sum(slow_ffn_maps(ffn, gain) for ffn in layer.ffns))
    tokens = np.zeros((structure.d, structure.d))
    for table in structure.tables:
        rows = read_vectors(table).astype(np.float64)
        rows = unit_rows(rows - rows.mean(axis=0))
        tokens += rows.T @ rows
    return [*np.concatenate(per_layer), *sum(per_layer), tokens]


def slow_ffn_maps(ffn: Ffn, gain: NDArray[np.float32]) -> Floats:
    roles = [unit_rows(read_vectors(part) * gain) for part in ffn.readers]
    roles.append(unit_rows(read_vectors(ffn.writer)))
    pairs = [(0, 0), (-1, -1), (-1, 0)]
    if ffn.is_gated:
        pairs += [(1, 1), (-1, 1), (1, 0)]
    return np.stack([roles[i].T @ roles[j] for i, j in pairs])


def slow_free(structure: Structure, vectors: NDArray[np.float32]) -> Floats:
    """Return the standardised forms before they become whole numbers."""
    wide = vectors.astype(np.float64)
    forms = np.stack(
        [np.einsum("lkrd,de,lkre->lkr", wide, m, wide) for m in slow_maps(structure)],
        axis=-1,
    )
    centred = forms - forms.mean(axis=1, keepdims=True)
    rooted = np.sign(centred) * np.sqrt(np.abs(centred))
    rooted -= rooted.mean(axis=1, keepdims=True)
    return rooted / rooted.std(axis=1, keepdims=True) * 32


@pytest.mark.parametrize(
    "name", ["small-1", "wide-1", "classic-1", "phi3-1", "bert-1", "small-1-experts"]
)
def test_free_descriptors_agree_with_plain_matrices(
    name: str, models: dict[str, Model]
) -> None:
    structure = models[name].structure

    units, vectors, _ = describe_with_vectors(structure)

    slow = np.clip(slow_free(structure, vectors), -127, 127)
    assert units.free.shape == slow.shape
    # Roots are steep near zero, where single precision and rounding show.
    assert np.abs(units.free - slow).max() < 3
    assert np.abs(units.free - slow).mean() < 0.3


def test_small_batches_give_the_same_descriptors(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    structure = models["small-1"].structure
    whole = describe_units(structure)
    monkeypatch.setattr(room, "_BATCH_VALUES", 10_000)

    cut = describe_units(structure)

    assert np.abs(cut.free.astype(int) - whole.free).max() <= 1


def test_raw_descriptors_are_folded_vectors(models: dict[str, Model]) -> None:
    units, vectors, _ = describe_with_vectors(models["wide-1"].structure)
    d = vectors.shape[-1]
    drawn = signs("fold", d)

    slow = np.zeros((*vectors.shape[:-1], FOLD))
    for i in range(d):
        slow[..., i % FOLD] += drawn[i] * vectors[..., i].astype(np.float64)
    slow -= slow.mean(axis=1, keepdims=True)
    slow *= 127 / np.abs(slow).max(axis=-1, keepdims=True)

    assert np.abs(units.raw - slow).max() <= 0.5 + 1e-4


def test_vectors_have_unit_length_and_lengths_are_means(
    models: dict[str, Model],
) -> None:
    structure = models["small-1"].structure

    units, vectors, lengths = describe_with_vectors(structure, 10)

    assert vectors.shape == (4, 10, 3, D)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    ffn, label = structure.layers[2].ffns[0], int(units.labels[2, 3])
    gain = ffn_gain(structure.layers[2], D)
    parts = [read_vectors(part)[label] * gain for part in ffn.readers]
    parts.append(read_vectors(ffn.writer)[label])
    slow = np.prod([np.linalg.norm(v.astype(np.float64)) for v in parts]) ** (1 / 3)
    assert lengths[2, 3] == pytest.approx(slow, rel=1e-5)


def test_the_largest_units_are_described(models: dict[str, Model]) -> None:
    structure = models["small-1"].structure
    ffn, gain = structure.layers[0].ffns[0], ffn_gain(structure.layers[0], D)
    norms = [np.linalg.norm(read_vectors(p) * gain, axis=1) for p in ffn.readers]
    norms.append(np.linalg.norm(read_vectors(ffn.writer), axis=1))
    largest = np.argsort(-np.prod(norms, axis=0))[:MAX_UNITS]

    found = describe_units(structure).labels[0]

    assert found.tolist() == sorted(largest.tolist())


def test_a_dead_unit_has_only_zeros(build: Build) -> None:
    def kill(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        kept = values.copy()
        if "gate_proj" in name:
            kept[100:] = 0
        return kept

    made = build(derive.change(derive.read(ZOO / "small-1"), kill))
    units = made.sketch.units
    assert units is not None

    dead = units.labels >= 100
    assert dead.any()
    assert not units.raw[dead][:, 0].any() and not units.free[dead][:, 0].any()
    assert units.raw[~dead][:, 0].any(axis=-1).all()


@pytest.mark.parametrize("n_sampled", [1, 4, 8])
@pytest.mark.parametrize("is_gated", [True, False])
def test_descriptors_of_any_model_fit_their_limit(
    n_sampled: int, is_gated: bool
) -> None:
    k = n_units(n_sampled, is_gated, 10**6)
    roles = 3 if is_gated else 2

    size = n_sampled * k * roles * (n_maps(n_sampled, is_gated) + FOLD)

    assert size <= LIMIT_BYTES
    assert 40 <= k <= MAX_UNITS
    assert n_units(n_sampled, is_gated, 7) == 7


def turned(change: Callable[[Tensors], Tensors]) -> Callable[[Tensors], Tensors]:
    """Return a change made in single precision, so that only it is seen."""
    return lambda tensors: change(derive.cast(tensors, "F32"))


def hidden(tensors: Tensors) -> Tensors:
    made = derive.permute_heads(derive.permute_units(tensors, 7), HEAD, 7)
    return derive.rotate_width(derive.rescale(made, HEAD, 7), D, 7)


DISGUISES = {
    "units permuted": lambda t: derive.permute_units(t, 3),
    "heads permuted": lambda t: derive.permute_heads(t, HEAD, 3),
    "stream permuted": lambda t: derive.permute_width(t, D, 3),
    "stream rotated, gains folded": turned(lambda t: derive.rotate_width(t, D, 3)),
    "rescaled": turned(lambda t: derive.rescale(t, HEAD, 3)),
    "tokens shuffled": lambda t: derive.shuffle_vocabulary(
        t, np.random.default_rng(3).permutation(384)
    ),
    "all of them": turned(hidden),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_changes_what_is_free(
    disguise: str, models: dict[str, Model], build: Build
) -> None:
    base = models["small-1"].sketch.units
    made = build(DISGUISES[disguise](derive.read(ZOO / "small-1"))).sketch.units
    assert base is not None and made is not None

    assert_same(base, made)


def assert_same(a: Units, b: Units) -> None:
    """Check that units of both are pairs of almost equal descriptors."""
    for layer in range(4):
        left, right = a.free[layer], b.free[layer]
        partner = assign(cosine_table(left, right))
        assert sorted(partner) == list(range(len(left)))
        apart = np.abs(left.astype(int) - right[partner])
        # Roots are steep near zero: a few small numbers move by more than one.
        assert apart.mean() < 0.3
        assert (apart > 3).mean() < 0.01


def test_a_permuted_gpt2_is_free_of_it_too(
    models: dict[str, Model], build: Build
) -> None:
    tensors = derive.permute_units(derive.read(ZOO / "classic-1"), 3)
    made = build(derive.permute_width(tensors, D, 3)).sketch.units
    base = models["classic-1"].sketch.units
    assert base is not None and made is not None

    assert_same(base, made)


def test_a_rotation_changes_what_is_raw(models: dict[str, Model], build: Build) -> None:
    tensors = derive.cast(derive.read(ZOO / "small-1"), "F32")
    made = build(derive.rotate_width(tensors, D, 3)).sketch.units
    base = models["small-1"].sketch.units
    assert base is not None and made is not None

    assert np.abs(made.raw.astype(int) - base.raw).mean() > 20
