"""Equal values: by tensor, by rows of fused and split matrices, and by samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from registry.fingerprint import Sketch
from registry.fingerprint.comparing.sharing import Sharing, shared_values
from tests.unit.fingerprint.conftest import Build, Model, judged, kinds
from tests.zoo import derive
from tests.zoo.derive import ZOO, Tensors

Share = Callable[[Tensors], Sharing]


@pytest.fixture(scope="module")
def base() -> Tensors:
    return derive.read(ZOO / "small-1")


@pytest.fixture(scope="module")
def other() -> Tensors:
    return derive.read(ZOO / "small-2")


@pytest.fixture
def shared(models: dict[str, Model], build: Build) -> Share:
    """Return what small-1 shares with a model made for the test."""
    return lambda tensors: shared_values(
        models["small-1"].sketch, build(tensors).sketch
    )


def phi3_like(tensors: Tensors) -> Tensors:
    return derive.fuse_gate_up(derive.fuse_qkv(tensors))


def test_models_trained_apart_share_nothing(zoo: dict[str, Sketch]) -> None:
    for other in ("small-2", "qwen-1", "small-1-start", "small-1-student"):
        found = shared_values(zoo["small-1"], zoo[other])
        assert (found.n_inner, found.n_outer, found.n_rows) == (0, 0, 0)
        assert not found.all_equal and not found.regrouped


@pytest.mark.parametrize(
    "change",
    [derive.fuse_gate_up, derive.fuse_qkv, phi3_like],
    ids=lambda f: f.__name__,
)
def test_fused_matrices_have_the_rows_of_their_parts(
    change: Callable[[Tensors], Tensors], base: Tensors, shared: Share
) -> None:
    found = shared(change(base))

    assert found.all_equal and found.regrouped
    assert found.n_rows == found.n_sampled > 500


def test_split_matrices_have_the_rows_of_the_whole(
    models: dict[str, Model], build: Build
) -> None:
    tensors = derive.read(ZOO / "phi3-1")
    rows = {"q_proj": 64, "k_proj": 64, "v_proj": 64}
    parted = derive.split(tensors, "qkv_proj", rows)

    found = shared_values(models["phi3-1"].sketch, build(parted).sketch)

    assert found.regrouped


def test_one_row_changed_is_no_regrouping(base: Tensors, shared: Share) -> None:
    name = "model.layers.2.mlp.up_proj.weight"
    values = base[name].values().copy()
    values[7] *= 2

    found = shared(phi3_like(base | {name: derive.stored(values, "BF16")}))

    assert not found.all_equal
    assert found.n_rows >= found.n_sampled - 4


def test_rows_of_two_layers_exchanged_are_no_regrouping(
    base: Tensors, shared: Share
) -> None:
    names = [f"model.layers.{i}.mlp.up_proj.weight" for i in (1, 2)]
    exchanged = dict(zip(names, [base[n] for n in names[::-1]], strict=True))

    assert not shared(phi3_like(base | exchanged)).regrouped


def test_reordered_matrices_are_counted(base: Tensors, shared: Share) -> None:
    found = shared(derive.permute_units(base, 0))

    # Gate and up have units along rows, down has not.
    assert found.n_reordered == 8
    assert shared(base).n_reordered == 0


def test_repeated_layers_are_no_equal_model(base: Tensors, shared: Share) -> None:
    """Whether a tensor has an equal one is not enough: layers may stand twice."""
    found = shared(derive.upscale(base))

    assert found.n_rows == found.n_sampled


@pytest.mark.parametrize(("n_layers", "share"), [(1, 1 / 7), (2, 1 / 3), (3, 3 / 5)])
def test_the_sample_of_rows_estimates_what_is_shared(
    n_layers: int, share: float, base: Tensors, other: Tensors, shared: Share
) -> None:
    """The share of rows in both, among the rows of either (Jaccard)."""
    taken = {f"layers.{i}." for i in range(n_layers)}
    mixed = {n: base[n] if any(part in n for part in taken) else other[n] for n in base}

    found = shared(mixed)

    error = np.sqrt(share * (1 - share) / found.n_sampled)
    assert found.n_rows / found.n_sampled == pytest.approx(share, abs=4 * error)
    assert found.inner_share == pytest.approx(n_layers / 4, abs=0.01)


def test_a_few_rows_pasted_in_are_seen(
    base: Tensors, other: Tensors, shared: Share
) -> None:
    """A tenth of the rows of every up matrix is copied, the rest is another's."""
    mixed = dict(other)
    for layer in range(4):
        name = f"model.layers.{layer}.mlp.up_proj.weight"
        values = other[name].values().copy()
        values[::3] = base[name].values()[::3]
        mixed[name] = derive.stored(values, "BF16")

    found = shared(mixed)

    assert found.n_inner == 0
    assert 8 <= found.n_rows < 60


TABLE = "model.embed_tokens.weight"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_shuffled_vocabulary_is_all_that_differs(
    seed: int, models: dict[str, Model], build: Build
) -> None:
    base = derive.read(ZOO / "small-1")
    order = np.random.default_rng(seed).permutation(len(base[TABLE].bits))
    shuffled = build(derive.shuffle_vocabulary(base, order))

    for found in judged(models["small-1"], shuffled):
        assert found.relation_set == ("permuted",)
        assert found.direction is None
        assert kinds(found)["reordered-rows"] == 1


def test_a_shuffled_vocabulary_beside_a_change_is_not_all(
    base: Tensors, shared: Share
) -> None:
    order = np.random.default_rng(0).permutation(len(base[TABLE].bits))
    shuffled = derive.shuffle_vocabulary(base, order)
    name = "model.layers.1.mlp.up_proj.weight"
    doubled = derive.stored(2 * shuffled[name].values(), "BF16")

    found = shared(shuffled | {name: doubled})

    assert found.n_reordered == 1
    assert not found.only_reordered


def test_equal_models_are_not_reordered(base: Tensors, shared: Share) -> None:
    for tensors in (base, derive.rename(base, derive.TO_OTHER), phi3_like(base)):
        assert not shared(tensors).only_reordered


def test_another_model_with_a_shuffled_table_of_this_one_is_no_copy(
    models: dict[str, Model], base: Tensors, other: Tensors, build: Build
) -> None:
    order = np.random.default_rng(0).permutation(len(base[TABLE].bits))
    shuffled = derive.shuffle_vocabulary(base, order)[TABLE]

    for found in judged(models["small-1"], build(other | {TABLE: shuffled})):
        assert found.related is not True
