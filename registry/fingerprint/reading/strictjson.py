"""JSON objects from untrusted bytes, within bounds; nothing about what they mean."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final, NoReturn

from registry.fingerprint.errors import BrokenJson
from registry.fingerprint.reading.files import read_start

# Every parsed value but the first follows a comma or an opening bracket, so
# these two counts bound the memory that parsing takes (about 100 bytes each).
MAX_COMMAS: Final = 2_000_000
MAX_BRACKETS: Final = 1_000_000
# Python keeps four bytes for every character of a text that holds one rare one.
MAX_WIDE_BYTES: Final = 40_000_000
# Far less than Python can parse, so that whoever walks the values can recurse.
MAX_DEPTH: Final = 100


def parse_object(data: bytes, *, what: str) -> dict[str, Any]:
    """Return the JSON object in `data`; `what` names it in errors.

    Raises BrokenJson for bad UTF-8, bad JSON, repeated keys, numbers that are
    not finite, nesting or size beyond bounds, or a value that is not an object.
    """
    _check_size(data, what)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError as error:
        raise BrokenJson(f"{what}: JSON is nested too deeply") from error
    except ValueError as error:
        raise BrokenJson(f"{what}: not valid JSON ({_one_line(error)})") from error
    if not isinstance(value, dict):
        raise BrokenJson(f"{what}: a JSON object is needed")
    _check_depth(value, what)
    return value


def read_object(path: Path, *, limit_bytes: int) -> dict[str, Any]:
    """Return the JSON object in the file; raises BrokenJson, also when too large."""
    try:
        data = read_start(path, limit_bytes + 1)
    except OSError as error:
        raise BrokenJson(f"{path.name}: cannot be read ({error.strerror})") from error
    if len(data) > limit_bytes:
        raise BrokenJson(f"{path.name}: larger than {limit_bytes:,} bytes")
    return parse_object(data, what=path.name)


def _check_size(data: bytes, what: str) -> None:
    if data.count(b",") > MAX_COMMAS:
        raise BrokenJson(f"{what}: lists more than {MAX_COMMAS:,} values")
    if data.count(b"[") + data.count(b"{") > MAX_BRACKETS:
        raise BrokenJson(f"{what}: nests more than {MAX_BRACKETS:,} values")
    if len(data) > MAX_WIDE_BYTES and (not data.isascii() or b"\\u" in data):
        limit = f"{MAX_WIDE_BYTES:,} bytes"
        raise BrokenJson(f"{what}: larger than {limit} and not plain ASCII")


def _check_depth(value: dict[str, Any], what: str) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inside = (x.values() if isinstance(x, dict) else x for x in level)
        level = [y for items in inside for y in items if isinstance(y, dict | list)]
        if not level:
            return
    raise BrokenJson(f"{what}: JSON is nested too deeply")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key appears twice")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _one_line(error: ValueError) -> str:
    return str(error).splitlines()[0][:120]
