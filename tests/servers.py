"""Run a command with a private PostgreSQL and Redis: servers.py COMMAND..."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from registry.management import servers
from registry.management.children import Supervisor


def main(command: list[str]) -> int:
    """Return the command's exit status; the servers end before it is returned."""
    with (
        tempfile.TemporaryDirectory(prefix="baimo-servers-") as folder,
        servers.sockets() as run,
        Supervisor() as supervisor,
    ):
        urls = servers.start(supervisor, Path(folder), run, durable=False)
        process = subprocess.Popen(command, env=os.environ | urls)
        if not supervisor.watch(lambda: process.poll() is not None, every=0.25):
            process.terminate()
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
