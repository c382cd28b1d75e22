"""Time the import of dumps: hub_import.py N [N ...].

Makes each dump, imports it into an empty SQLite register that holds the catalog, and
again, when nothing is new; prints one Markdown row for each: seconds of the whole
command, models per second, seconds of computing alone (on a machine that others use
the two differ), models per those, and peak memory in MiB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench.hub_dump import write  # noqa: E402


def main() -> None:
    """Print the rows; sizes ascend, as the peak is that of the largest so far."""
    for n in sorted(int(word) for word in sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            dump = Path(folder, "dump.jsonl")
            started = time.perf_counter()
            write(n, dump)
            made = time.perf_counter() - started
            print(f"{n:,} rows written in {made:.1f} s, {dump.stat().st_size:,} bytes")
            env = os.environ | {"DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
            _manage(env, "migrate", "-v", "0")
            _manage(env, "catalog", "load")
            for what in ("new", "again"):
                started, before = time.perf_counter(), _cpu_seconds()
                said = _manage(env, "hub", "import", str(dump))
                seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
                peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
                rates = f"{n / seconds:,.0f} | {cpu:.1f} | {n / cpu:,.0f}"
                print(f"| {n:,} {what} | {seconds:.1f} | {rates} | {peak:.0f} |")
            print(said)
            size = sum(file.stat().st_size for file in Path(folder).glob("baimo.*"))
            print(f"database: {size / 2**20:,.0f} MiB", flush=True)


def _cpu_seconds() -> float:
    """Return what all commands so far have computed, user and system."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
