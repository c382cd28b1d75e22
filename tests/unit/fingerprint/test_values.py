"""What a sketch keeps of a tensor does not depend on names, shards or pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.fingerprint import sketch_model
from registry.fingerprint.reading.weights import read_header
from registry.fingerprint.sketching import moments
from registry.fingerprint.sketching.keyed import signs
from registry.fingerprint.sketching.values import (
    MAX_ROWS,
    MIN_ROW,
    Measured,
    TensorValues,
    measure,
    smallest_hashes,
)
from tests.zoo import derive
from tests.zoo.derive import ZOO


def measured(array: np.ndarray, folder: Path) -> TensorValues:
    return read(array, folder).values


def read(array: np.ndarray, folder: Path) -> Measured:
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
    first = read(normal, tmp_path)
    monkeypatch.setattr(moments, "PIECE_ELEMENTS", 1_024)

    again = read(normal, tmp_path)

    cut, whole = again.values, first.values
    assert (cut.own, cut.bf16, cut.f16) == (whole.own, whole.bf16, whole.f16)
    assert cut.bag == whole.bag
    np.testing.assert_array_equal(again.rows, first.rows)
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

    error = np.sqrt(2 / moments.WIDTH / 200)
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * error)


@pytest.mark.parametrize("width", [2**n for n in range(4, 11)])
def test_inner_products_survive_folding_to_every_width(
    width: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    errors, products = [], []
    for _ in range(60):
        x, noise = rng.standard_normal((2, 6_000)).astype(np.float32)
        y = x + noise
        left, right = (
            moments.folded(measured(v, tmp_path).linear.astype(np.float64), width)
            for v in (x, y)
        )
        size = np.linalg.norm(x) * np.linalg.norm(y)
        products.append(float(x @ y) / size)
        errors.append((float(left @ right) - float(x @ y)) / size)

    expected = np.sqrt((1 + np.mean(products) ** 2) / width)
    assert np.std(errors) == pytest.approx(expected, rel=0.35)
    assert abs(np.mean(errors)) < 4 * expected / np.sqrt(60)


def test_a_linear_sketch_is_a_signed_count_by_place(tmp_path: Path) -> None:
    values = np.random.default_rng(5).standard_normal(3_000).astype(np.float32)
    drawn = signs("linear", moments.PIECE_ELEMENTS)
    slow = np.zeros(moments.WIDTH)
    for i, value in enumerate(values):
        slow[i % moments.WIDTH] += drawn[i] * float(value)

    found = measured(values, tmp_path).linear * moments.piece_sign(0)

    np.testing.assert_allclose(found, slow, atol=1e-5)
    for width in (16, 64, 512):
        narrow = [slow[i::width].sum() for i in range(width)]
        np.testing.assert_allclose(moments.folded(slow, width), narrow)


def test_pieces_of_one_tensor_take_signs_of_their_own() -> None:
    drawn = {moments.piece_sign(n) for n in range(64)}

    assert drawn == {1.0, -1.0}
    assert moments.piece_sign(5) == moments.piece_sign(5 + (1 << 16))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rows_in_another_order_have_the_same_bag(
    dtype: type, normal: np.ndarray, tmp_path: Path
) -> None:
    ordered = normal.astype(dtype)
    turned = ordered[::-1].copy()

    left, right = read(ordered, tmp_path), read(turned, tmp_path)

    assert left.values.own != right.values.own
    assert left.values.bag == right.values.bag
    np.testing.assert_array_equal(left.rows, right.rows)


def test_the_bag_of_a_fused_matrix_is_the_sum_of_its_parts(
    normal: np.ndarray, tmp_path: Path
) -> None:
    parts = [measured(part.copy(), tmp_path) for part in np.split(normal, [30, 70])]

    whole = measured(normal, tmp_path)

    total = sum(int.from_bytes(part.bag, "little") for part in parts)
    assert (total % 2**128).to_bytes(16, "little") == whole.bag


def test_a_changed_row_changes_the_bag(normal: np.ndarray, tmp_path: Path) -> None:
    other = normal.copy()
    other[50, 3] += 1

    left, right = read(normal, tmp_path), read(other, tmp_path)

    assert left.values.bag != right.values.bag
    assert len(np.intersect1d(left.rows, right.rows)) == 99


def test_rows_are_hashed_by_trailing_dimensions_that_are_long_enough(
    tmp_path: Path,
) -> None:
    kernels = np.random.default_rng(6).standard_normal((50, 8, 7)).astype(np.float32)

    by_kernel, flat = read(kernels, tmp_path), read(kernels.reshape(50, 56), tmp_path)

    assert by_kernel.values.own == flat.values.own
    assert len(by_kernel.rows) == 50


def test_short_tensors_and_constant_rows_give_no_row_hashes(tmp_path: Path) -> None:
    short = np.arange(MIN_ROW - 1, dtype=np.float32)
    constant = np.full((64, 64), 0.5, np.float32) * np.arange(1, 65)[:, None]

    assert len(read(short, tmp_path).rows) == 0
    assert len(read(constant.astype(np.float32), tmp_path).rows) == 0


def test_the_smallest_hashes_stand_for_all_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    one, two = rng.standard_normal((2, 2_000, 40)).astype(np.float32)

    left, right = read(one, tmp_path).rows, read(two, tmp_path).rows
    both = read(np.concatenate([one, two]), tmp_path).rows

    assert len(left) == len(both) == MAX_ROWS
    assert (left[1:] > left[:-1]).all()
    np.testing.assert_array_equal(smallest_hashes(np.concatenate([left, right])), both)


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
    assert found.bag == bytes(16)


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
