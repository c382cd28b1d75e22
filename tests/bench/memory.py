"""Measure what the idle site takes: `python tests/bench/memory.py PID`.

PID is that of a running `manage.py up` or `stack`. Prints one Markdown row per
process below it and their sum, as proportional set size (PSS): memory shared by
several processes is counted once in all.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def descendants_of(pid: int) -> list[int]:
    """Return the process and everything below it."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    below = [int(child) for child in path.read_text().split()]
    return [pid, *(found for child in below for found in descendants_of(child))]


def pss_mib(pid: int) -> float:
    """Return the proportional set size of a process in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
    assert found is not None
    return int(found[1]) / 1024


def name_of(pid: int) -> str:
    """Return the program and its first arguments."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return " ".join(Path(word).name for word in words[1:5] if word)


def main(pid: int) -> None:
    """Print the table."""
    print("| process | PSS MiB |\n|---|---|")
    total = 0.0
    for process in descendants_of(pid):
        size = pss_mib(process)
        total += size
        print(f"| {name_of(process)} | {size:.0f} |")
    print(f"| **all** | **{total:.0f}** |")


if __name__ == "__main__":
    main(int(sys.argv[1]))
