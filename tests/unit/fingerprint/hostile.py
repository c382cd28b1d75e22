"""Makers of odd and hostile files, and the one promise every command keeps on them."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from registry.fingerprint.cli import main
from registry.fingerprint.reading.weights import DTYPE_BITS

COMMANDS = ["sketch", "compare", "identify", "matrix", "diff"]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    printed: str
    complaint: str

    def lines(self) -> list[Any]:
        """Return the printed JSON; a test fails on NaN and Infinity."""
        texts = self.printed.splitlines()
        return [json.loads(text, parse_constant=_no_constant) for text in texts]


def run(*arguments: object) -> Outcome:
    """Run a command in this process, where a warning is an error."""
    printed, complaint = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(complaint):
        status = main([str(argument) for argument in arguments], printed)
    return Outcome(status, printed.getvalue(), complaint.getvalue())


def keeps_promise(outcome: Outcome) -> None:
    """Fail unless it is an answer, or one line on stderr and nothing else."""
    if outcome.status == 0:
        assert outcome.complaint == ""
        assert all(isinstance(line, dict) for line in outcome.lines())
        return
    assert outcome.status == 2
    assert outcome.printed == ""
    assert outcome.complaint.startswith("error: ")
    assert outcome.complaint.endswith("\n")
    line = outcome.complaint[:-1]
    assert line.isprintable(), "one line, and no control characters"
    assert len(line) < 1_000


def run_all(model: Path, good: Path, shelf: Path) -> dict[str, Outcome]:
    """Run every command on `model`, which lies on `shelf`; return the outcomes.

    `good` is a sound model elsewhere. Fails when a promise is broken or when a
    command that failed has left a file.
    """
    output = shelf / "output"
    output.unlink(missing_ok=True)
    before = sorted(shelf.iterdir())
    outcomes = {
        "sketch": run("sketch", model, "-o", output),
        "compare": run("compare", model, good, "--json"),
        "identify": run("identify", model, "--against", shelf, "--json"),
        "matrix": run("matrix", shelf, "--json"),
        "diff": run("diff", good, model, "--json"),
    }
    for outcome in outcomes.values():
        keeps_promise(outcome)
    assert output.exists() == (outcomes["sketch"].status == 0)
    output.unlink(missing_ok=True)
    assert sorted(shelf.iterdir()) == before
    return outcomes


def is_refused(outcome: Outcome, *words: str) -> None:
    """Fail unless the command refused its input with a line that holds `words`."""
    keeps_promise(outcome)
    assert outcome.status == 2
    assert all(word in outcome.complaint for word in words), outcome.complaint


def weights(header: Any, data: bytes = b"") -> bytes:
    """Return a safetensors file with any header (JSON, or bytes) before the data."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + data


def tensors(*listed: tuple[str, str, list[int], bytes]) -> bytes:
    """Return a valid file of (name, dtype, shape, bytes); the bytes are repeated."""
    header: dict[str, Any] = {}
    body = b""
    for name, dtype, shape, pattern in listed:
        size = n_bytes(dtype, shape)
        start, body = len(body), body + (pattern * (size // len(pattern) + 1))[:size]
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [start, len(body)],
        }
    return weights(header, body)


def n_bytes(dtype: str, shape: list[int]) -> int:
    """Return how many bytes such a tensor takes."""
    bits = DTYPE_BITS[dtype]
    for size in shape:
        bits *= size
    return bits // 8


def _no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} was printed")


# A small model of a layer with an FFN, every tensor of other values.
SOUND = tensors(
    ("embed.weight", "BF16", [5, 4], b"\x11\x3f\x52\xbe\x03\x3d"),
    ("layers.0.up.weight", "BF16", [8, 4], b"\x41\x3e\x12\xbd\x13\x3f"),
    ("layers.0.down.weight", "BF16", [4, 8], b"\x01\xbf\x92\x3d\x23\x3e"),
    ("layers.0.norm.weight", "F32", [4], b"\x00\x00\x80\x3f"),
    ("ids", "I64", [2], b"\x01\0\0\0\0\0\0\0"),
)


def make_model(folder: Path) -> Path:
    """Write the small model with a config and a tokenizer; return its folder."""
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(SOUND)
    config = {"model_type": "llama", "hidden_size": 4, "vocab_size": 5}
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = {"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": []}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder
