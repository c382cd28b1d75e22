"""The header reader against the safetensors library and against hostile files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from registry.fingerprint import FingerprintError, read_header
from registry.fingerprint.errors import BrokenHeader
from registry.fingerprint.reading import weights
from registry.fingerprint.reading.weights import read_pieces
from tests.zoo.derive import ZOO

GOOD = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def tensor(**changes: Any) -> dict[str, Any]:
    return {"a": GOOD | changes}


def two(first: list[int], second: list[int]) -> dict[str, Any]:
    return {
        "a": {"dtype": "U8", "shape": [first[1] - first[0]], "data_offsets": first},
        "b": {"dtype": "U8", "shape": [second[1] - second[0]], "data_offsets": second},
    }


def test_header_agrees_with_the_safetensors_library_on_a_trained_model() -> None:
    path = ZOO / "small-1" / "model.safetensors"

    header = read_header(path)

    with safe_open(path, framework="numpy") as oracle:
        assert {t.name for t in header.tensors} == set(oracle.keys())
        for found in header.tensors:
            assert list(found.shape) == oracle.get_slice(found.name).get_shape()
            assert found.dtype == oracle.get_slice(found.name).get_dtype()
        assert dict(header.metadata) == oracle.metadata()


@pytest.mark.parametrize(
    "kind", ["float64", "float32", "float16", "int64", "int32", "uint8", "bool"]
)
def test_bytes_agree_with_the_safetensors_library(kind: str, tmp_path: Path) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(kind)
    path = tmp_path / "x.safetensors"
    save_file({"x": values, "empty": np.zeros((0, 3), kind)}, path)

    tensors = read_header(path).tensors

    found = {t.name: b"".join(map(bytes, read_pieces(t, 5))) for t in tensors}
    assert found == {"x": values.tobytes(), "empty": b""}


def test_a_scalar_has_one_element(raw: Callable[..., Path]) -> None:
    path = raw({"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, 4)

    assert read_header(path).tensors[0].n_elements == 1


HOSTILE = {
    "header beyond the file": ({}, 0, 10**6, "truncated"),
    "absurd header length": ({}, 0, 2**63, "over the limit"),
    "not JSON": (b"{]", 0, None, "not valid JSON"),
    "not an object": (b"[1]", 0, None, "no JSON header"),
    "not UTF-8": (b'{"\xff": 1}', 0, None, "not valid JSON"),
    "a lone surrogate": (b'{"\\ud800": {}}', 0, None, "not printable"),
    "a control character": ({"a\u0000b": GOOD}, 16, None, "not printable"),
    "a very long name": ({"a" * 2000: GOOD}, 16, None, "too long"),
    "duplicate keys": (
        json.dumps(tensor())[:-1].encode() + b"," + json.dumps(tensor())[1:].encode(),
        16,
        None,
        "twice",
    ),
    "duplicate fields": (
        b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
        None,
        "twice",
    ),
    "too deep": (b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}", 0, None, "deep"),
    "too many values": (b'{"a":[' + b"0," * 2_100_000 + b"0]}", 0, None, "lists more"),
    "too many brackets": (b'{"a":' + b"[" * 1_100_000, 0, None, "nests more"),
    "an endless number": (b'{"a":' + b"9" * 5_000 + b"}", 0, None, "not valid JSON"),
    "NaN": (b'{"a": NaN}', 0, None, "not valid JSON"),
    "an entry that is no object": ({"a": 3}, 0, None, "needs dtype"),
    "a missing field": ({"a": {"dtype": "F32", "shape": [1]}}, 4, None, "needs dtype"),
    "a field too many": (tensor(more=1), 16, None, "no more"),
    "an unknown dtype": (tensor(dtype="F33"), 16, None, "unknown dtype"),
    "a dtype that is no text": (tensor(dtype=["F32"]), 16, None, "unknown dtype"),
    "a negative shape": (tensor(shape=[-2, -2]), 16, None, "list of counts"),
    "a shape of booleans": (tensor(shape=[True, 4]), 16, None, "list of counts"),
    "a shape of fractions": (tensor(shape=[2.0, 2]), 16, None, "list of counts"),
    "an overflowing shape": (tensor(shape=[2**62, 2**62]), 16, None, "do not match"),
    "a huge dimension": (tensor(shape=[2**70]), 16, None, "list of counts"),
    "a shape of many axes": (tensor(shape=[1] * 40 + [4]), 16, None, "list of counts"),
    "shape against bytes": (tensor(shape=[2, 3]), 16, None, "do not match"),
    "backward offsets": (tensor(data_offsets=[16, 0]), 16, None, "do not match"),
    "three offsets": (tensor(data_offsets=[0, 8, 16]), 16, None, "two counts"),
    "negative offsets": (tensor(data_offsets=[-16, 0]), 16, None, "two counts"),
    "overlap": (two([0, 8], [4, 12]), 12, None, "overlaps"),
    "the same bytes twice": (two([0, 8], [0, 8]), 8, None, "overlaps"),
    "a hole": (two([0, 8], [9, 12]), 12, None, "hole"),
    "a hole at the start": (two([1, 8], [8, 12]), 12, None, "hole"),
    "bytes cut off": (tensor(), 15, None, "truncated"),
    "bytes left over": (tensor(), 17, None, "after the last"),
    "metadata that is no map": ({"__metadata__": 3}, 0, None, "map text to text"),
    "metadata of numbers": ({"__metadata__": {"a": 1}}, 0, None, "map text to text"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_header_is_refused_with_one_line(
    case: str, raw: Callable[..., Path]
) -> None:
    header, n_data, length, reason = HOSTILE[case]
    path = raw(header, n_data, length)

    with pytest.raises(BrokenHeader) as refusal:
        read_header(path)

    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_a_header_of_more_tensors_than_any_real_one_is_refused(
    raw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = raw(two([0, 8], [8, 12]), 12)
    monkeypatch.setattr(weights, "MAX_TENSORS", 2)
    assert len(read_header(path).tensors) == 2
    monkeypatch.setattr(weights, "MAX_TENSORS", 1)

    with pytest.raises(BrokenHeader, match="more than 1 tensors"):
        read_header(path)


def test_a_pipe_that_took_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"x": np.arange(9, dtype=np.float32)}, path)
    (found,) = read_header(path).tensors
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(BrokenHeader, match="not a regular file"):
        read_header(path)
    with pytest.raises(OSError, match="not a regular file"):
        list(read_pieces(found, 30))


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"\x08\0", "truncated")]
)
def test_a_file_too_short_for_a_header_is_refused(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)

    with pytest.raises(BrokenHeader, match=reason):
        read_header(path)


def test_every_truncation_of_a_small_file_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.safetensors"
    save_file({"x": np.arange(3, dtype=np.float32)}, whole)
    data = whole.read_bytes()
    part = tmp_path / "part.safetensors"

    for n in range(len(data)):
        part.write_bytes(data[:n])
        with pytest.raises(FingerprintError):
            read_header(part)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"x": np.arange(100, dtype=np.float32)}, path)
    (found,) = read_header(path).tensors
    path.write_bytes(path.read_bytes()[:-8])

    with pytest.raises(BrokenHeader, match="shorter"):
        list(read_pieces(found, 30))
