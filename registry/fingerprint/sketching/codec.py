"""Sketches as bytes: magic, a JSON header, fixed arrays. Reads untrusted input.

Layout, little-endian: 8 bytes magic, 4 bytes header length, the header (JSON),
then for n listed tensors: digests (n, 4, 16) bytes, norms (n,) float32, linear
sketches float32, as wide as the header says; row hashes uint64; then of the units
labels int32, raw and free descriptors int8. docs/method.md has it field by field.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.fingerprint.anatomy.structure import spread
from registry.fingerprint.errors import BrokenJson, OtherEngine, SketchError
from registry.fingerprint.reading.config import essentials
from registry.fingerprint.reading.strictjson import parse_object
from registry.fingerprint.reading.tokenizer import TokenizerSummary
from registry.fingerprint.reading.weights import DTYPE_BITS
from registry.fingerprint.sketching.keyed import KEY
from registry.fingerprint.sketching.moments import NARROWEST, WIDTH, folded
from registry.fingerprint.sketching.sketch import (
    ENGINE,
    MAX_LISTED,
    Sketch,
    TensorRecord,
    rank,
)
from registry.fingerprint.sketching.units import FOLD, Units, n_maps
from registry.fingerprint.sketching.values import (
    DIGEST_BYTES,
    MAX_ROWS,
    TensorValues,
)

MAGIC: Final = b"BAIMOSK\x02"
FORMAT: Final = f"{MAGIC[:-1].decode()}/{MAGIC[-1]}"
LIMIT_BYTES: Final = 256 * 1024
_MADE_BY_ANOTHER: Final = f"made by another engine than {ENGINE}: sketch it again"
_LINEAR_VALUES: Final = 1 << 14
_N_DIGESTS: Final = 4
_MAX_NAME: Final = 255
_SHA256: Final = re.compile("[0-9a-f]{64}")


def encode(sketch: Sketch) -> bytes:
    """Return the sketch as at most LIMIT_BYTES; the largest tensors stay listed."""
    keep = min(len(sketch.tensors), MAX_LISTED)
    while True:
        data = _encode(replace(sketch, tensors=_largest(sketch, keep)))
        if len(data) <= LIMIT_BYTES:
            return data
        keep = keep * 9 // 10


def decode(data: bytes) -> Sketch:
    """Return the sketch in `data`; raises SketchError for anything else."""
    if len(data) > LIMIT_BYTES:
        raise SketchError(f"a sketch has at most {LIMIT_BYTES:,} bytes")
    if data.startswith(MAGIC[:-1]) and not data.startswith(MAGIC):
        raise OtherEngine(_MADE_BY_ANOTHER)
    if not data.startswith(MAGIC) or len(data) < 12:
        raise SketchError("not a sketch of this engine")
    (length,) = struct.unpack_from("<I", data, 8)
    try:
        head = parse_object(data[12 : 12 + length], what="sketch header")
        return _decode(head, data[12 + length :])
    except BrokenJson as error:
        raise SketchError(str(error)) from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise SketchError("the sketch is damaged") from error


def _largest(sketch: Sketch, keep: int) -> tuple[TensorRecord, ...]:
    if keep == len(sketch.tensors):
        return sketch.tensors
    ranked = sorted(sketch.tensors, key=lambda t: rank(t.name, t.shape))
    return tuple(sorted(ranked[:keep], key=lambda t: t.name))


def _encode(sketch: Sketch) -> bytes:
    sketch = replace(sketch, tensors=tuple(_with_narrow_linear(sketch.tensors)))
    head = json.dumps(_head(sketch), separators=(",", ":"), allow_nan=False).encode()
    values = [tensor.values for tensor in sketch.tensors]
    parts = [MAGIC, struct.pack("<I", len(head)), head]
    parts += [v.own + v.bag + v.bf16 + v.f16 for v in values]
    parts.append(np.array([v.norm for v in values], "<f4").tobytes())
    parts += [v.linear.astype("<f4").tobytes() for v in values]
    parts.append(sketch.rows.astype("<u8").tobytes())
    if sketch.units:
        parts.append(sketch.units.labels.astype("<i4").tobytes())
        parts.append(sketch.units.raw.tobytes() + sketch.units.free.tobytes())
    return b"".join(parts)


def _with_narrow_linear(tensors: tuple[TensorRecord, ...]) -> Iterator[TensorRecord]:
    """Yield the tensors with linear sketches that together keep to their budget."""
    n_matrices = sum(len(tensor.shape) > 1 for tensor in tensors)
    width = WIDTH
    while width > NARROWEST and width * n_matrices > _LINEAR_VALUES:
        width //= 2
    for tensor in tensors:
        wanted = width if len(tensor.shape) > 1 else NARROWEST
        linear = tensor.values.linear
        if len(linear) > wanted:
            narrow = folded(linear.astype(np.float64), wanted).astype(np.float32)
            tensor = replace(tensor, values=replace(tensor.values, linear=narrow))
        yield tensor


def _head(sketch: Sketch) -> dict[str, Any]:
    patterns: dict[str, int] = {}
    shapes: dict[tuple[int, ...], int] = {}
    tensors = []
    for tensor in sketch.tensors:
        pattern, numbers = _split_name(tensor.name)
        v = tensor.values
        flags = v.plain | v.exact_bf16 << 1 | v.exact_f16 << 2
        shape = shapes.setdefault(tensor.shape, len(shapes))
        form = [patterns.setdefault(pattern, len(patterns)), tensor.dtype, shape]
        counts = [flags, v.n_nan, v.n_inf, len(v.linear)]
        tensors.append([*form, *counts, *numbers])
    files = {"files": sketch.files} if sketch.files else {}
    return files | {
        "engine": sketch.engine,
        "key": KEY,
        "params": sketch.params,
        "dtype": sketch.dtype,
        "n_tensors": sketch.n_tensors,
        "n_nan": sketch.n_nan,
        "n_inf": sketch.n_inf,
        "n_rows": len(sketch.rows),
        "whole": [digest.hex() for digest in sketch.whole],
        "config": sketch.config,
        "tokenizer": _tokenizer_head(sketch.tokenizer),
        "units": _units_head(sketch.units),
        "patterns": list(patterns),
        "shapes": list(shapes),
        "tensors": tensors,
    }


def _tokenizer_head(tokenizer: TokenizerSummary | None) -> list[Any] | None:
    return [tokenizer.n_tokens, tokenizer.digest] if tokenizer else None


def _units_head(units: Units | None) -> dict[str, Any] | None:
    if units is None:
        return None
    return {
        "d": units.d,
        "h": units.h,
        "is_gated": units.is_gated,
        "n_layers": units.n_layers,
        "n_experts": units.n_experts,
        "n_tokens": units.n_tokens,
        "sampled": units.sampled,
        "n_units": units.labels.shape[1],
        "n_not_understood": units.n_not_understood,
    }


def _split_name(name: str) -> tuple[str, list[int]]:
    parts = name.split(".")
    if "*" in parts:
        return name, []
    is_number = [p.isascii() and p.isdigit() and str(int(p[:9])) == p for p in parts]
    numbers = [int(p) for p, number in zip(parts, is_number, strict=True) if number]
    marked = ["*" if n else p for p, n in zip(parts, is_number, strict=True)]
    return ".".join(marked), numbers


def _join_name(pattern: str, numbers: list[int]) -> str:
    if not numbers:
        return pattern
    left = iter(numbers)
    name = ".".join(str(next(left)) if p == "*" else p for p in pattern.split("."))
    _need(next(left, None) is None)
    return name


def _decode(head: dict[str, Any], body: bytes) -> Sketch:
    if head["engine"] != ENGINE or head["key"] != KEY:
        raise OtherEngine(_MADE_BY_ANOTHER)
    n = len(_as_list(head["tensors"]))
    digests, rest = _cut(body, n * _N_DIGESTS * DIGEST_BYTES)
    norms, rest = _floats(rest, n)
    widths = [_width(row) for row in head["tensors"]]
    linear, rest = _floats(rest, sum(widths))
    rows, rest = _row_hashes(rest, _count(head["n_rows"]))
    ends = np.cumsum(widths)
    tensors = tuple(
        _decode_tensor(
            head, i, digests, linear[ends[i] - widths[i] : ends[i]], float(norms[i])
        )
        for i in range(n)
    )
    _need(n <= _count(head["n_tensors"]))
    whole = tuple(bytes.fromhex(_text(item)) for item in _as_list(head["whole"]))
    _need([len(item) for item in whole] == [DIGEST_BYTES] * 3)
    return Sketch(
        params=_count(head["params"]),
        dtype=_dtype(head["dtype"]),
        n_tensors=head["n_tensors"],
        n_nan=_count(head["n_nan"]),
        n_inf=_count(head["n_inf"]),
        tensors=tensors,
        whole=(whole[0], whole[1], whole[2]),
        units=_decode_units(head["units"], rest),
        rows=rows,
        config=_decode_config(head["config"]),
        tokenizer=_decode_tokenizer(head["tokenizer"]),
        files=_decode_files(head.get("files", [])),
    )


def _decode_tensor(
    head: dict[str, Any], i: int, digests: bytes, linear: Any, norm: float
) -> TensorRecord:
    pattern, dtype, *counts = _as_list(head["tensors"][i])
    shape, flags, n_nan, n_inf, _, *numbers = [_count(item) for item in counts]
    name = _join_name(_text(head["patterns"][_count(pattern)]), numbers)
    at = i * _N_DIGESTS * DIGEST_BYTES
    own, bag, bf16, f16 = (
        digests[at + k * DIGEST_BYTES : at + (k + 1) * DIGEST_BYTES]
        for k in range(_N_DIGESTS)
    )
    values = TensorValues(
        own=own,
        bag=bag,
        bf16=bf16,
        f16=f16,
        norm=norm,
        linear=linear,
        plain=bool(flags & 1),
        exact_bf16=bool(flags & 2),
        exact_f16=bool(flags & 4),
        n_nan=n_nan,
        n_inf=n_inf,
    )
    sizes = tuple(_count(size) for size in _as_list(head["shapes"][shape]))
    return TensorRecord(name, _dtype(dtype), sizes, values)


def _decode_units(head: Any, body: bytes) -> Units | None:
    if head is None:
        _need(not body)
        return None
    is_gated, k = head["is_gated"], _count(head["n_units"])
    sampled = tuple(_count(layer) for layer in _as_list(head["sampled"]))
    h, n_layers = _count(head["h"]), _count(head["n_layers"])
    n_experts = _count(head["n_experts"])
    _need(type(is_gated) is bool and len(sampled) > 0 and n_experts > 0)
    _need(0 < k <= h * n_experts and sampled == spread(n_layers))
    size = len(sampled) * k
    n_roles, maps = 3 if is_gated else 2, n_maps(len(sampled), is_gated)
    labels, rest = _cut(body, size * 4)
    raw, free = _cut(rest, size * n_roles * FOLD)
    return Units(
        d=_count(head["d"]),
        h=h,
        is_gated=is_gated,
        n_layers=n_layers,
        n_experts=n_experts,
        n_tokens=_count(head["n_tokens"]),
        sampled=sampled,
        labels=np.frombuffer(labels, "<i4").reshape(len(sampled), k),
        raw=np.frombuffer(raw, np.int8).reshape(len(sampled), k, n_roles, FOLD),
        free=np.frombuffer(free, np.int8).reshape(len(sampled), k, n_roles, maps),
        n_not_understood=_count(head["n_not_understood"]),
    )


def _width(row: Any) -> int:
    width = _count(_as_list(row)[6])
    _need(NARROWEST <= width <= WIDTH and width & (width - 1) == 0)
    return width


def _floats(data: bytes, n: int) -> tuple[NDArray[np.float32], bytes]:
    part, rest = _cut(data, n * 4)
    values = np.frombuffer(part, "<f4")
    _need(bool(np.isfinite(values).all()))
    return values, rest


def _row_hashes(data: bytes, n: int) -> tuple[NDArray[np.uint64], bytes]:
    part, rest = _cut(data, n * 8)
    hashes = np.frombuffer(part, "<u8")
    _need(n <= MAX_ROWS and bool((hashes[1:] > hashes[:-1]).all()))
    return hashes, rest


def _decode_config(value: Any) -> dict[str, Any]:
    _need(isinstance(value, dict) and essentials(value) == value)
    return dict(value)


def _decode_tokenizer(value: Any) -> TokenizerSummary | None:
    if value is None:
        return None
    n_tokens, digest = _as_list(value)
    return TokenizerSummary(_count(n_tokens), _text(digest))


def _decode_files(value: Any) -> tuple[tuple[str, str], ...]:
    files = tuple((_text(name), _text(sha256)) for name, sha256 in _as_list(value))
    _need(all(_SHA256.fullmatch(sha256) for _, sha256 in files))
    _need(all(0 < len(name) <= _MAX_NAME for name, _ in files))
    _need(len({name for name, _ in files}) == len(files))
    return files


def _cut(data: bytes, n: int) -> tuple[bytes, bytes]:
    _need(len(data) >= n)
    return data[:n], data[n:]


def _count(value: Any) -> int:
    _need(type(value) is int and 0 <= value < 2**63)
    return int(value)


def _text(value: Any) -> str:
    _need(isinstance(value, str) and value.isprintable())
    return str(value)


def _dtype(value: Any) -> str:
    _need(isinstance(value, str) and value in DTYPE_BITS)
    return str(value)


def _as_list(value: Any) -> list[Any]:
    _need(isinstance(value, list))
    return list(value)


def _need(condition: bool) -> None:
    if not condition:
        raise ValueError("a field is not what it should be")
