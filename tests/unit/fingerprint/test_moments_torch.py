"""The torch backend gives the numbers of the numpy backend; on the CPU here."""

from __future__ import annotations

import numpy as np
import pytest

from registry.fingerprint.sketching import moments


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("n", [1, 1024, 8192, 100_003])
def test_torch_agrees_with_numpy(dtype: str, n: int) -> None:
    values = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    bits = {
        "F32": values.view(np.uint32),
        "F16": values.astype(np.float16).view(np.uint16),
        "BF16": (values.view(np.uint32) >> 16).astype(np.uint16),
    }[dtype]

    squares, linear = moments.numpy_moments(bits, dtype, True)
    found, found_linear = moments.torch_moments(bits, dtype, True, "cpu")

    assert found == pytest.approx(squares, rel=1e-5)
    np.testing.assert_allclose(found_linear, linear, atol=1e-5 * np.sqrt(squares))


@pytest.mark.torch
def test_torch_leaves_out_what_is_not_finite() -> None:
    bits = np.array([1.0, np.nan, np.inf, -np.inf], np.float32).view(np.uint32)

    squares, linear = moments.torch_moments(bits, "F32", False, "cpu")

    assert squares == 1.0
    assert np.abs(linear).tolist() == [1.0] + [0.0] * (moments.WIDTH - 1)


@pytest.mark.torch
def test_without_cuda_numpy_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    for sees, backend in (
        (False, moments.numpy_moments),
        (True, moments.torch_moments),
    ):
        monkeypatch.setattr(torch.cuda, "is_available", lambda sees=sees: sees)
        moments.best_backend.cache_clear()
        assert moments.best_backend() is backend
    moments.best_backend.cache_clear()
