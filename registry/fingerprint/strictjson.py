"""JSON objects from untrusted bytes, within bounds; nothing about what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

from registry.fingerprint.errors import BrokenJson

# Every parsed value but the first follows a comma or an opening bracket, so
# these two counts bound the memory that parsing takes (about 100 bytes each).
MAX_COMMAS: Final = 2_000_000
MAX_BRACKETS: Final = 1_000_000


def parse_object(data: bytes, *, what: str) -> dict[str, Any]:
    """Return the JSON object in `data`; `what` names it in errors.

    Raises BrokenJson for bad UTF-8, bad JSON, repeated keys, NaN or Infinity,
    nesting or size beyond bounds, or a value that is not an object.
    """
    if data.count(b",") > MAX_COMMAS:
        raise BrokenJson(f"{what}: lists more than {MAX_COMMAS:,} values")
    if data.count(b"[") + data.count(b"{") > MAX_BRACKETS:
        raise BrokenJson(f"{what}: nests more than {MAX_BRACKETS:,} values")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
        )
    except RecursionError as error:
        raise BrokenJson(f"{what}: JSON is nested too deeply") from error
    except ValueError as error:
        raise BrokenJson(f"{what}: not valid JSON ({_one_line(error)})") from error
    if not isinstance(value, dict):
        raise BrokenJson(f"{what}: a JSON object is needed")
    return value


def read_object(path: Path, *, limit_bytes: int) -> dict[str, Any]:
    """Return the JSON object in the file; raises BrokenJson, also when too large."""
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise BrokenJson(f"{path.name}: cannot be read ({error.strerror})") from error
    if len(data) > limit_bytes:
        raise BrokenJson(f"{path.name}: larger than {limit_bytes:,} bytes")
    return parse_object(data, what=path.name)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key appears twice")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _one_line(error: ValueError) -> str:
    return str(error).splitlines()[0][:120]
