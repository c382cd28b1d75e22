"""Memory and time stay within bounds, whatever the size of the input."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from registry.fingerprint import Sketch, compare
from tests.unit.fingerprint.test_codec import large_sketch
from tests.zoo.derive import ZOO

# Not ru_maxrss: that starts with the memory of the process that forked.
PEAK = (
    "import re, sys; from pathlib import Path; "
    "from registry.fingerprint.cli import main; "
    "status = main(sys.argv[1:]); "
    "text = Path('/proc/self/status').read_text(); "
    "print(int(re.search(r'VmHWM:\\s+(\\d+)', text)[1]) // 1024); "
    "sys.exit(status)"
)


def peak_mib(status: int, *arguments: str) -> int:
    """Return the peak memory of a command in MiB."""
    command = [sys.executable, "-c", PEAK, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ZOO.parents[1])
    assert done.returncode == status, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_one_large_tensor_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path, size = tmp_path / "x.safetensors", 300 << 20
    entry = {"dtype": "BF16", "shape": [size // 2048, 1024], "data_offsets": [0, size]}
    head = json.dumps({"embed": entry}).encode()
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        file.truncate(8 + len(head) + size)

    assert peak_mib(0, "sketch", str(path), "-o", str(tmp_path / "sketch")) < 200


def test_a_header_at_the_limit_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    entry = b'"a%d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
    head = b"{" + b"".join(entry % i for i in range(290_000)) + b'"z":{}}'
    head += b" " * (99_000_000 - len(head))
    path.write_bytes(len(head).to_bytes(8, "little") + head)

    assert peak_mib(2, "sketch", str(path), "-o", str(tmp_path / "sketch")) < 1024


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
