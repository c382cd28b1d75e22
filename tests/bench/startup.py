"""Measure the way from an empty folder to the first page: `make run`, timed.

`python tests/bench/startup.py` clones this repository into a temporary folder, runs
`make run` there and prints Markdown rows: when the home page answered, when every
sample had its verdict, and how long a second start takes.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNFINISHED = "SELECT count(*) FROM registry_job WHERE state IN ('queued', 'running')"


def seconds_until(condition: Callable[[], bool], started: float) -> float:
    """Return the seconds from the start until the condition holds."""
    while not condition():
        time.sleep(0.05)
    return time.perf_counter() - started


def answers(port: int) -> bool:
    """Return whether the home page is served."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return bool(page.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def is_idle(clone: Path) -> bool:
    """Return whether no job waits or runs."""
    with closing(sqlite3.connect(clone / "var" / "baimo.sqlite3")) as database:
        return bool(database.execute(UNFINISHED).fetchone() == (0,))


def start(clone: Path, port: int) -> subprocess.Popen[bytes]:
    """Return the running `make run`."""
    return subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=os.environ | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End `make run` as Ctrl-C does."""
    os.killpg(process.pid, signal.SIGINT)
    process.wait()


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        clone, started = Path(name) / "baimo", time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        process = start(clone, port)
        print("| step | seconds |\n|---|---|")
        first = seconds_until(lambda: answers(port), started)
        print(f"| empty folder → first page | {first:.1f} |")
        verdicts = seconds_until(lambda: is_idle(clone), started)
        print(f"| → every sample verified | {verdicts:.1f} |")
        stop(process)
        started = time.perf_counter()
        process = start(clone, port)
        again = seconds_until(lambda: answers(port), started)
        print(f"| second start → first page | {again:.1f} |")
        stop(process)


if __name__ == "__main__":
    main()
