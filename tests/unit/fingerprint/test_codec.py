"""Sketches as bytes: inverse, bounded, and safe against any input."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from registry.fingerprint import OtherEngine, Sketch, SketchError, compare
from registry.fingerprint.sketching.codec import LIMIT_BYTES, MAGIC
from registry.fingerprint.sketching.moments import NARROWEST, WIDTH, folded
from registry.fingerprint.sketching.sketch import TensorRecord
from registry.fingerprint.sketching.values import MAX_ROWS, TensorValues
from tests.unit.fingerprint.test_matching import drawn

# Of each tensor: four digests of 16 bytes, then its norm.
DIGESTS = 64
N_COMPARED = 40


@pytest.fixture
def data(zoo: dict[str, Sketch]) -> bytes:
    return zoo["small-1"].to_bytes()


def with_head(data: bytes, **changes: object) -> bytes:
    (length,) = struct.unpack_from("<I", data, 8)
    head = json.loads(data[12 : 12 + length]) | changes
    made = json.dumps(head).encode()
    return MAGIC + struct.pack("<I", len(made)) + made + data[12 + length :]


def large_sketch(n_tensors: int, name_length: int = 20) -> Sketch:
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal(WIDTH + 64).astype(np.float32)
    values = [
        TensorValues(
            own=rng.bytes(16),
            bag=rng.bytes(16),
            bf16=rng.bytes(16),
            f16=rng.bytes(16),
            norm=1.0,
            linear=numbers[i % 64 :][:WIDTH],
            plain=False,
        )
        for i in range(n_tensors)
    ]
    tensors = tuple(
        TensorRecord(f"m.{i}." + f"{i:x}" * name_length, "BF16", (i + 1, 4), v)
        for i, v in enumerate(values)
    )
    units = drawn(0, n_layers=8, k=62)
    rows = np.unique(rng.integers(0, 2**63, MAX_ROWS).astype(np.uint64))
    whole = (bytes(16), bytes(16), bytes(16))
    return Sketch(10**12, "BF16", n_tensors, 0, 0, tensors, whole, units, rows)


def test_decoding_returns_what_was_encoded(zoo: dict[str, Sketch]) -> None:
    for sketch in zoo.values():
        data = sketch.to_bytes()

        back = Sketch.from_bytes(data)

        assert back.to_bytes() == data
        assert back.shapes() == sketch.shapes()
        assert (back.params, back.dtype) == (sketch.params, sketch.dtype)
        assert back.tokenizer == sketch.tokenizer
        assert back.config == sketch.config
        np.testing.assert_array_equal(back.rows, sketch.rows)
        if sketch.units:
            assert back.units is not None
            for field, value in vars(sketch.units).items():
                np.testing.assert_array_equal(getattr(back.units, field), value)


def test_linear_sketches_are_narrowed_to_their_budget_and_stay_comparable() -> None:
    for n, width in ((10, WIDTH), (100, 128), (500, 32)):
        sketch = large_sketch(n, 4)
        back = Sketch.from_bytes(sketch.to_bytes())

        for tensor, kept in zip(sketch.tensors, back.tensors, strict=True):
            linear = tensor.values.linear.astype(np.float64)
            np.testing.assert_allclose(
                kept.values.linear, folded(linear, width), rtol=1e-5, atol=1e-5
            )


def test_vectors_keep_the_narrowest_linear_sketch(zoo: dict[str, Sketch]) -> None:
    back = Sketch.from_bytes(zoo["small-1"].to_bytes())

    widths = {len(t.shape): len(t.values.linear) for t in back.tensors}
    assert widths == {1: NARROWEST, 2: 512}


@pytest.mark.parametrize(("n", "length"), [(900, 20), (40_000, 20), (2_000, 150)])
def test_a_sketch_of_any_model_fits_the_limit(n: int, length: int) -> None:
    sketch = large_sketch(n, length)

    data = sketch.to_bytes()
    back = Sketch.from_bytes(data)

    assert len(data) <= LIMIT_BYTES
    assert back.n_tensors == n
    assert min(t.shape[0] for t in back.tensors) == n - len(back.tensors) + 1
    assert back.is_complete == (n == len(back.tensors))


def test_shortened_sketches_of_one_model_are_the_same_bytes() -> None:
    sketch = large_sketch(5_000)
    turned = replace(sketch, tensors=tuple(reversed(sketch.tensors)))

    assert turned.to_bytes() == sketch.to_bytes()


def test_every_truncation_is_refused(data: bytes) -> None:
    for n in [*range(0, 200), *range(200, len(data), 997), len(data) - 1]:
        with pytest.raises(SketchError):
            Sketch.from_bytes(data[:n])


def test_bytes_too_many_are_refused(data: bytes) -> None:
    with pytest.raises(SketchError):
        Sketch.from_bytes(data + b"\0")
    with pytest.raises(SketchError, match="at most"):
        Sketch.from_bytes(data + bytes(LIMIT_BYTES))


def test_damaged_bytes_are_refused_or_read_never_worse(data: bytes) -> None:
    rng, whole = np.random.default_rng(0), Sketch.from_bytes(data)
    n_read = 0
    for _ in range(1_500):
        damaged = bytearray(data)
        for at in rng.integers(0, 4_000, rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        try:
            read = Sketch.from_bytes(bytes(damaged))
        except SketchError as refusal:
            assert "\n" not in str(refusal)
        else:
            read.to_bytes()
            n_read += 1
            if n_read <= N_COMPARED:
                found = compare(whole, read, names=("a", "b"))
                json.dumps(found.to_json(), allow_nan=False)
    assert n_read > N_COMPARED


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "other/1"},
        {"key": "other"},
        {"params": -1},
        {"params": 1.5},
        {"params": True},
        {"n_tensors": 3},
        {"n_tensors": None},
        {"dtype": "F33"},
        {"whole": []},
        {"whole": ["zz", "zz", "zz"]},
        {"config": {"hidden_size": {"a": 1}}},
        {"config": {"unknown": 1}},
        {"config": []},
        {"tokenizer": [1]},
        {"tokenizer": "x"},
        {"patterns": []},
        {"patterns": [3] * 40},
        {"shapes": [[-1]] * 40},
        {"tensors": [[]] * 38},
        {"tensors": {}},
        {"units": None},
        {"units": {}},
        {"units": []},
        {"n_rows": 0},
        {"n_rows": -1},
        {"n_rows": MAX_ROWS + 1},
    ],
)
def test_wrong_fields_are_refused(changes: dict[str, object], data: bytes) -> None:
    with pytest.raises(SketchError):
        Sketch.from_bytes(with_head(data, **changes))


@pytest.mark.parametrize(
    "field",
    [
        *("n_units", "sampled", "is_gated", "d", "h", "n_layers", "n_experts"),
        *("n_tokens", "n_not_understood"),
    ],
)
@pytest.mark.parametrize("value", [None, -1, "x", 10**30, 1.5, [0], [[1]]])
def test_wrong_units_are_refused(field: str, value: object, data: bytes) -> None:
    (length,) = struct.unpack_from("<I", data, 8)
    units = json.loads(data[12 : 12 + length])["units"] | {field: value}

    with pytest.raises(SketchError):
        Sketch.from_bytes(with_head(data, units=units))


def test_numbers_that_are_not_finite_are_refused(data: bytes) -> None:
    (length,) = struct.unpack_from("<I", data, 8)
    at = 12 + length + 38 * DIGESTS
    spoiled = data[:at] + np.array([np.nan], "<f4").tobytes() + data[at + 4 :]

    with pytest.raises(SketchError):
        Sketch.from_bytes(spoiled)


def test_row_hashes_out_of_order_are_refused(zoo: dict[str, Sketch]) -> None:
    sketch = replace(zoo["small-1"], rows=zoo["small-1"].rows[::-1])

    with pytest.raises(SketchError):
        Sketch.from_bytes(sketch.to_bytes())


@pytest.mark.parametrize("width", [0, 8, 24, 2 * WIDTH])
def test_linear_sketches_of_other_widths_are_refused(width: int, data: bytes) -> None:
    (length,) = struct.unpack_from("<I", data, 8)
    tensors = json.loads(data[12 : 12 + length])["tensors"]
    tensors[0][6] = width

    with pytest.raises(SketchError):
        Sketch.from_bytes(with_head(data, tensors=tensors))


def test_sketches_of_an_older_engine_are_refused(data: bytes) -> None:
    with pytest.raises(OtherEngine, match="sketch it again"):
        Sketch.from_bytes(b"BAIMOSK\x01" + data[8:])


def test_deep_json_is_refused() -> None:
    head = b'{"a":' + b"[" * 200_000
    with pytest.raises(SketchError):
        Sketch.from_bytes(MAGIC + struct.pack("<I", len(head)) + head)
