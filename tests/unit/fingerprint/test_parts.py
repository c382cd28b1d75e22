"""Vectors of a part, wherever they lie in a file, against plain slicing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from registry.fingerprint.anatomy import parts
from registry.fingerprint.anatomy.structure import Part
from registry.fingerprint.errors import BrokenHeader
from registry.fingerprint.reading.weights import TensorInfo, read_header

D, N = 48, 70
Floats = NDArray[np.float32]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_BLOCK_ELEMENTS", 500)


def stored(values: Floats, folder: Path, name: str = "x") -> TensorInfo:
    before = np.zeros(3, np.float32)
    save_file({"a": before, "x": values}, folder / f"{name}.safetensors")
    return read_header(folder / f"{name}.safetensors").tensors[1]


@pytest.fixture
def values() -> Floats:
    return np.random.default_rng(0).standard_normal((3, 2 * N, D)).astype(np.float32)


@pytest.fixture(params=["rows", "columns", "half", "half of columns", "expert"])
def case(
    request: pytest.FixtureRequest, values: Floats, tmp_path: Path
) -> tuple[Part, Floats]:
    """Return a part and its vectors (count, d), cut by numpy."""
    if request.param == "rows":
        return Part(stored(values[0, :N], tmp_path), 0, N), values[0, :N]
    if request.param == "columns":
        turned = np.ascontiguousarray(values[0, :N].T)
        return Part(stored(turned, tmp_path), 1, N), values[0, :N]
    if request.param == "half":
        return Part(stored(values[0], tmp_path), 0, N, first=N), values[0, N:]
    if request.param == "half of columns":
        turned = np.ascontiguousarray(values[0].T)
        return Part(stored(turned, tmp_path), 1, N, first=N), values[0, N:]
    return Part(stored(values, tmp_path), 0, N, first=N, lead=2), values[2, N:]


@pytest.fixture
def gain() -> Floats:
    return np.random.default_rng(1).uniform(0.5, 2, D).astype(np.float32)


def test_all_vectors_are_read(case: tuple[Part, Floats], gain: Floats) -> None:
    part, expected = case

    np.testing.assert_array_equal(parts.read_vectors(part), expected)
    np.testing.assert_array_equal(parts.read_vectors(part, gain=gain), expected * gain)


@pytest.mark.parametrize("chosen", [[5], [60, 3, 3, 0], [], list(range(N))[::-1]])
def test_chosen_vectors_are_read_in_their_order(
    chosen: list[int], case: tuple[Part, Floats], gain: Floats
) -> None:
    part, expected = case
    wanted = np.array(chosen, np.int64)

    found = parts.read_vectors(part, wanted)
    gained = parts.read_vectors(part, wanted, gain=gain)

    np.testing.assert_array_equal(found, expected[wanted])
    np.testing.assert_array_equal(gained, (expected * gain)[wanted])


def test_lengths_means_and_columns_are_those_of_numpy(
    case: tuple[Part, Floats], gain: Floats
) -> None:
    part, expected = case
    wide = expected.astype(np.float64)

    squares = parts.squared_norms(part, gain=gain)

    np.testing.assert_allclose(squares, np.square(wide * gain).sum(1), rtol=1e-5)
    np.testing.assert_allclose(parts.mean_vector(part, D), wide.mean(0), atol=1e-6)
    columns = np.linalg.norm(wide, axis=0)
    np.testing.assert_allclose(parts.column_norms(part, D), columns, rtol=1e-5)


def test_dot_products_are_those_of_numpy(
    case: tuple[Part, Floats], gain: Floats
) -> None:
    part, expected = case
    probes = np.random.default_rng(2).standard_normal((5, D)).astype(np.float32)

    found = parts.dot_products(part, probes, gain=gain)

    np.testing.assert_allclose(found, probes @ (expected * gain).T, atol=1e-4)


def test_a_vector_is_read_flat(tmp_path: Path) -> None:
    values = np.arange(D, dtype=np.float32)

    np.testing.assert_array_equal(parts.read_vector(stored(values, tmp_path)), values)


def test_what_is_not_finite_counts_as_zero(tmp_path: Path, values: Floats) -> None:
    spoiled = values[0, :N].copy()
    spoiled[0, :3] = np.nan, np.inf, -np.inf
    part = Part(stored(spoiled, tmp_path), 0, N)

    found = parts.read_vectors(part)

    assert found[0, :3].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(found[1:], spoiled[1:])
    assert np.isfinite(parts.squared_norms(part)).all()


@pytest.mark.parametrize("value", [3e38, 2e15, 1e14, -1e6, -3e38])
def test_no_sum_of_squares_overflows(value: float, tmp_path: Path) -> None:
    part = Part(stored(np.full((N, D), value, np.float32), tmp_path), 0, N)
    gain = parts.read_vectors(part)[0]

    found = parts.read_vectors(part, gain=gain)

    assert np.isfinite(np.linalg.norm(found, axis=1)).all()
    assert np.isfinite(parts.column_norms(part, D)).all()
    assert np.isfinite(parts.squared_norms(part, gain=gain)).all()


def test_a_file_that_became_shorter_is_refused(tmp_path: Path, values: Floats) -> None:
    tensor = stored(values[0, :N], tmp_path)
    tensor.path.write_bytes(tensor.path.read_bytes()[:-10])

    with pytest.raises(BrokenHeader, match="shorter"):
        parts.read_vectors(Part(tensor, 0, N))
    with pytest.raises(BrokenHeader, match="shorter"):
        parts.read_vectors(Part(tensor, 0, N), np.array([N - 1]))
