"""Sketches as bytes: inverse, bounded, and safe against any input."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from registry.fingerprint import Sketch, SketchError, compare
from registry.fingerprint.codec import LIMIT_BYTES, MAGIC
from registry.fingerprint.sketch import TensorRecord, Units
from registry.fingerprint.structure import spread
from registry.fingerprint.values import TensorValues


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
    values = [
        TensorValues(
            own=rng.bytes(16),
            bf16=rng.bytes(16),
            f16=rng.bytes(16),
            norm=1.0,
            linear=rng.standard_normal(16).astype(np.float32),
            plain=False,
        )
        for _ in range(n_tensors)
    ]
    tensors = tuple(
        TensorRecord(f"m.{i}." + f"{i:x}" * name_length, "BF16", (i + 1, 4), v)
        for i, v in enumerate(values)
    )
    described = rng.integers(-127, 128, (8, 64, 3, 64)).astype(np.int8)
    units = Units(8192, 28672, True, 80, spread(80), described)
    whole = (bytes(16), bytes(16), bytes(16))
    return Sketch(10**12, "BF16", n_tensors, 0, 0, tensors, whole, units)


def test_decoding_returns_what_was_encoded(zoo: dict[str, Sketch]) -> None:
    for sketch in zoo.values():
        data = sketch.to_bytes()

        back = Sketch.from_bytes(data)

        assert back.to_bytes() == data
        assert back.shapes() == sketch.shapes()
        assert (back.params, back.dtype) == (sketch.params, sketch.dtype)
        assert back.tokenizer == sketch.tokenizer
        assert back.config == sketch.config


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
            json.dumps(
                compare(whole, read, names=("a", "b")).to_json(), allow_nan=False
            )


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
    ],
)
def test_wrong_fields_are_refused(changes: dict[str, object], data: bytes) -> None:
    with pytest.raises(SketchError):
        Sketch.from_bytes(with_head(data, **changes))


@pytest.mark.parametrize(
    "field", ["n_units", "sampled", "gated", "d", "h", "n_layers", "n_not_understood"]
)
@pytest.mark.parametrize("value", [None, -1, "x", 10**30, 1.5, [0], [[1]]])
def test_wrong_units_are_refused(field: str, value: object, data: bytes) -> None:
    (length,) = struct.unpack_from("<I", data, 8)
    units = json.loads(data[12 : 12 + length])["units"] | {field: value}

    with pytest.raises(SketchError):
        Sketch.from_bytes(with_head(data, units=units))


def test_numbers_that_are_not_finite_are_refused(data: bytes) -> None:
    (length,) = struct.unpack_from("<I", data, 8)
    at = 12 + length + 38 * 48
    spoiled = data[:at] + np.array([np.nan], "<f4").tobytes() + data[at + 4 :]

    with pytest.raises(SketchError):
        Sketch.from_bytes(spoiled)


def test_deep_json_is_refused() -> None:
    head = b'{"a":' + b"[" * 200_000
    with pytest.raises(SketchError):
        Sketch.from_bytes(MAGIC + struct.pack("<I", len(head)) + head)
