"""Memory and time stay within bounds, whatever the size of the input."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.fingerprint import Sketch, compare
from tests.unit.fingerprint.test_codec import large_sketch
from tests.zoo.derive import ZOO

# Not ru_maxrss: that starts with the memory of the process that forked.
PEAK = (
    "import re, sys, time; from pathlib import Path; "
    "from registry.fingerprint.cli import main; "
    "status = main(sys.argv[1:]); "
    "text = Path('/proc/self/status').read_text(); "
    "print(int(re.search(r'VmHWM:\\s+(\\d+)', text)[1]) // 1024); "
    "print(time.process_time()); "
    "sys.exit(status)"
)


# Without digits each name is a pattern of its own.
LETTERS = str.maketrans("0123456789", "abcdefghij")


@dataclass(frozen=True)
class Peak:
    """What a command took, and what it complained of.

    Seconds are those of the processor, which do not grow on a busy machine.
    """

    mib: int
    seconds: float
    complaint: str


def measured(status: int, *arguments: object) -> Peak:
    """Return what a command took, in a process of its own."""
    command = [sys.executable, "-c", PEAK, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ZOO.parents[1])
    assert done.returncode == status, done.stderr
    mib, seconds = done.stdout.splitlines()[-2:]
    return Peak(int(mib), float(seconds), done.stderr)


def write_sparse(path: Path, head: bytes, n_data: int) -> None:
    """Write a safetensors file of zeros without taking their place on the disk."""
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        file.truncate(8 + len(head) + n_data)


def test_one_large_tensor_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path, size = tmp_path / "x.safetensors", 300 << 20
    entry = {"dtype": "BF16", "shape": [size // 2048, 1024], "data_offsets": [0, size]}
    write_sparse(path, json.dumps({"embed": entry}).encode(), size)

    assert measured(0, "sketch", path, "-o", tmp_path / "sketch").mib < 200


def test_many_tensors_are_read_in_the_memory_of_those_listed(tmp_path: Path) -> None:
    path, n = tmp_path / "x.safetensors", 10_000
    entry = '"model.%d.w":{"dtype":"BF16","shape":[4,8],"data_offsets":[%d,%d]}'
    entries = [entry % (i, 64 * i, 64 * i + 64) for i in range(n)]
    write_sparse(path, ("{" + ",".join(entries) + "}").encode(), 64 * n)

    peak = measured(0, "sketch", path, "-o", tmp_path / "sketch")

    assert peak.mib < 80  # 4 KiB of each tensor would be 40 more
    assert Sketch.from_bytes((tmp_path / "sketch").read_bytes()).n_tensors == n


RARE = "😀".encode()  # one such letter makes Python keep every letter in four bytes


def a_million_tensors() -> tuple[bytes, int]:
    entry = b'"t%d":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    entries = [entry % (i, 4 * i, 4 * i + 4) for i in range(1_000_000)]
    return b"{" + b",".join(entries) + b"}", 4_000_000


def a_million_entries_in_other_letters() -> tuple[bytes, int]:
    entry = b'"t%d":{"dtype":"F32","shape":[1],"data\\u005foffsets":[%d,%d]}'
    entries = [entry % (i, 4 * i, 4 * i + 4) for i in range(1_000_000)]
    return b"{" + b",".join(entries) + b"}", 4_000_000


def as_much_metadata_as_is_parsed() -> tuple[bytes, int]:
    pairs = b",".join(b'"%d":"%035d"' % (i, i) for i in range(1_950_000))
    return b'{"__metadata__":{' + pairs + b"}}", 0


def a_long_name_in_rare_letters() -> tuple[bytes, int]:
    return (b'{"' + RARE).ljust(99_000_000, b"a") + b'":1}', 0


BOMBS = [
    (a_million_tensors, "more than 100,000 tensors"),
    (a_million_entries_in_other_letters, "more than"),
    (as_much_metadata_as_is_parsed, "no weights"),
    (a_long_name_in_rare_letters, "not plain ASCII"),
]


@pytest.mark.parametrize(("bomb", "reason"), BOMBS)
def test_a_bomb_of_a_header_is_refused_in_bounded_memory_and_time(
    bomb: Callable[[], tuple[bytes, int]], reason: str, tmp_path: Path
) -> None:
    path, (head, n_data) = tmp_path / "x.safetensors", bomb()
    assert len(head) < 100_000_000
    write_sparse(path, head, n_data)

    peak = measured(2, "sketch", path, "-o", tmp_path / "sketch")

    assert reason in peak.complaint
    assert peak.mib < 1024
    assert peak.seconds < 20


def test_headers_with_nothing_in_common_are_told_apart_in_bounded_time(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for path in paths:
        entry = b'"%s":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}'
        names = [path.stem + f"{i:05}".translate(LETTERS) for i in range(100_000)]
        entries = [entry % (name.encode(), i, i + 1) for i, name in enumerate(names)]
        write_sparse(path, b"{" + b",".join(entries) + b"}", len(entries))

    peak = measured(0, "diff", *paths)

    assert peak.mib < 1024
    assert peak.seconds < 20


def test_comparing_the_largest_sketches_takes_milliseconds() -> None:
    data = large_sketch(900).to_bytes()
    a, b = Sketch.from_bytes(data), Sketch.from_bytes(data)
    compare(a, b, names=("a", "b"))
    best = 9.0
    for _ in range(5):
        started = time.perf_counter()
        compare(a, b, names=("a", "b"))
        best = min(best, time.perf_counter() - started)

    assert best < 0.1  # 20 ms on a quiet machine, see docs/benchmarks.md
