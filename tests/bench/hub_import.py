"""Time the import of dumps: hub_import.py [--kill SECONDS] N [N ...].

Makes each dump, imports it into an empty register that holds the catalog, and again,
when nothing is new; prints one Markdown row for each: seconds of the whole command,
models per second, seconds of computing alone (on a machine that others use the two
differ), models per those, and peak memory in MiB. With --kill the first import is
killed (SIGKILL) and started anew up to three times, each time after so many seconds.
Then counts what the register holds.

The register is on SQLite; or, one size at a time, where DATABASE_URL says:

    python tests/servers.py python tests/bench/hub_import.py 200000
"""

from __future__ import annotations

import argparse
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

MOST_KILLS = 3
COUNT = """
from django.db import connection
from lineage.models import Change, Derivation, Statement
from registry.models import HubRepo, RegisteredModel, Source, UnfinishedImport
for rows in (
    RegisteredModel.objects.from_hub(),
    HubRepo.objects.filter(model__origin="hub"),
    Source.objects.filter(model__origin="hub"),
    Derivation.objects.filter(child__origin="hub"),
    Statement.objects.filter(derivation__child__origin="hub"),
    Statement.sources.through.objects.filter(
        statement__derivation__child__origin="hub"
    ),
    Change.objects.filter(derivation__child__origin="hub"),
    UnfinishedImport.objects.all(),
):
    print(f"{rows.count():,} {rows.model.__name__}", end=", ")
with connection.cursor() as cursor:
    cursor.execute(
        "SELECT pg_database_size(current_database())"
        if connection.vendor == "postgresql"
        else "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    )
    print(f"{connection.vendor}: {cursor.fetchone()[0] / 2**20:,.0f} MiB")
"""


def main() -> None:
    """Print the rows; sizes ascend, as the peak is that of the largest so far."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--kill", type=float)
    options = parser.parse_args()
    for n in sorted(options.sizes):
        with tempfile.TemporaryDirectory() as folder:
            dump = Path(folder, "dump.jsonl")
            started = time.perf_counter()
            write(n, dump)
            made = time.perf_counter() - started
            print(f"{n:,} rows written in {made:.1f} s, {dump.stat().st_size:,} bytes")
            env = os.environ | {"DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
            _manage(env, "migrate", "-v", "0")
            _manage(env, "catalog", "load")
            said = _timed(env, f"{n:,} new", n, dump, options.kill)
            _timed(env, f"{n:,} again", n, dump, None)
            print(said)
            print(_manage(env, "shell", "-v", "0", "-c", COUNT), flush=True)


def _timed(
    env: dict[str, str], what: str, n: int, dump: Path, seconds: float | None
) -> str:
    """Import a dump, print the row, and return what the command said."""
    load = os.getloadavg()[0]
    started, before = time.perf_counter(), _cpu_seconds()
    n_kills = 0
    while seconds is not None and n_kills < MOST_KILLS and _killed(env, dump, seconds):
        n_kills += 1
    said = _manage(env, "hub", "import", str(dump))
    taken, cpu = time.perf_counter() - started, _cpu_seconds() - before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    rates = f"{n / taken:,.0f} | {cpu:.1f} | {n / cpu:,.0f}"
    print(f"| {what} | {taken:.1f} | {rates} | {peak:.0f} |", end=" ")
    print(f"killed {n_kills} times; load before {load:.1f}", flush=True)
    return said


def _killed(env: dict[str, str], dump: Path, seconds: float) -> bool:
    """Return whether an import had to be killed after so many seconds."""
    command = [sys.executable, "manage.py", "hub", "import", str(dump)]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE) as child:
        try:
            child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            return True
    return False


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
