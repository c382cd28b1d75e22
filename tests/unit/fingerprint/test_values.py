"""What a sketch keeps of a tensor does not depend on names, shards or pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.fingerprint import moments, sketch_model
from registry.fingerprint.values import TensorValues, measure
from registry.fingerprint.weights import read_header
from tests.zoo import derive
from tests.zoo.derive import ZOO


def measured(array: np.ndarray, folder: Path) -> TensorValues:
    save_file({"x": array}, folder / "x.safetensors")
    (tensor,) = read_header(folder / "x.safetensors").tensors
    with ThreadPoolExecutor(2) as pool:
        return measure(tensor, pool, lambda n: None)


@pytest.fixture
def normal() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((100, 37)).astype(np.float32)


def test_pieces_change_neither_hashes_nor_norm(
    normal: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured(normal, tmp_path)
    monkeypatch.setattr(moments, "PIECE_ELEMENTS", 256)

    cut = measured(normal, tmp_path)

    assert (cut.own, cut.bf16, cut.f16) == (whole.own, whole.bf16, whole.f16)
    assert cut.norm == pytest.approx(whole.norm, rel=1e-5)


def test_norm_is_the_frobenius_norm(normal: np.ndarray, tmp_path: Path) -> None:
    found = measured(normal, tmp_path).norm

    assert found == pytest.approx(np.linalg.norm(normal.astype(np.float64)), rel=1e-5)


def test_linear_sketch_of_a_difference_is_the_difference_of_sketches(
    normal: np.ndarray, tmp_path: Path
) -> None:
    other = normal + np.float32(0.25)

    left, right = measured(normal, tmp_path), measured(other, tmp_path)
    delta = measured(other - normal, tmp_path)

    np.testing.assert_allclose(right.linear - left.linear, delta.linear, atol=1e-3)


def test_linear_sketch_keeps_squared_length_on_average(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    ratios = []
    for _ in range(200):
        found = measured(rng.standard_normal(4_096).astype(np.float32), tmp_path)
        ratios.append(float(np.square(found.linear).sum()) / found.norm**2)

    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 16 / 200))


def test_nan_and_infinity_survive_and_are_counted(
    normal: np.ndarray, tmp_path: Path
) -> None:
    normal[0, :3] = np.nan, np.inf, -np.inf

    found = measured(normal, tmp_path)

    assert (found.n_nan, found.n_inf) == (1, 2)
    assert np.isfinite(found.norm)
    assert np.isfinite(found.linear).all()


def test_the_largest_floats_do_not_overflow_what_is_kept(tmp_path: Path) -> None:
    found = measured(np.full(5_000, 3e38, np.float32), tmp_path)

    assert np.isfinite(found.norm)
    assert np.isfinite(found.linear).all()


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_a_constant_tensor_is_plain(fill: float, tmp_path: Path) -> None:
    assert measured(np.full((64, 64), fill, np.float32), tmp_path).plain


def test_a_mask_of_two_values_is_plain(tmp_path: Path) -> None:
    assert measured(np.tril(np.ones((64, 64), np.float32)), tmp_path).plain


def test_a_trained_matrix_is_not_plain(normal: np.ndarray, tmp_path: Path) -> None:
    assert not measured(normal, tmp_path).plain


def test_integer_tensors_are_only_hashed(tmp_path: Path) -> None:
    found = measured(np.arange(100), tmp_path)

    assert (found.norm, found.bf16, found.f16) == (0.0, bytes(16), bytes(16))


def test_progress_rises_from_zero_to_one_and_may_stop_the_work() -> None:
    shares: list[float] = []
    sketch_model(ZOO / "small-1", progress=shares.append)

    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    with pytest.raises(KeyboardInterrupt):
        sketch_model(ZOO / "small-1", progress=stop)


def test_a_sketch_is_the_same_bytes_when_made_again_and_resharded(
    tmp_path: Path,
) -> None:
    tensors = derive.read(ZOO / "small-1")
    folder = derive.make(tensors, tmp_path / "one")
    shards = derive.make_shards(tensors, tmp_path / "three", 3)

    first = sketch_model(folder).to_bytes()

    assert sketch_model(folder).to_bytes() == first
    assert sketch_model(shards).to_bytes() == first
