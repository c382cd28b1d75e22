"""Run Baimo on one machine: web, worker and sweeper under one command."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.management.children import Child, Supervisor, run_to_end
from registry.management.commands.sweep import Sweeper

SWEEP_EVERY_SECONDS = 2.0
PREPARE = "python manage.py prepare"
# One process with threads: the least memory that still answers while one waits, and
# many, as writers wait for their turn. A thread comes into being when it is needed.
WEB = (
    "gunicorn registry.wsgi --no-control-socket --worker-class gthread --threads 64"
    " --log-level warning"
)
WORKER = (
    "celery --quiet --app registry.celery worker"
    " --without-mingle --without-gossip --without-heartbeat"
)


class Command(BaseCommand):
    help = (
        "Prepare the database, then run the web server, a worker and the sweeper "
        "until Ctrl-C. Needs no other server: data live in DATA_DIR."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        default = f"127.0.0.1:{settings.PORT}"
        parser.add_argument("--bind", default=default, help=f"default {default}")

    def handle(self, *args: Any, bind: str, **options: Any) -> None:
        with _alone_in(settings.DATA_DIR), Supervisor() as supervisor:
            refuse_taken(bind)
            scratch = _fresh_scratch()
            environment = {"TMPDIR": str(scratch), "PATH": path_of_programs()}
            prepare(PREPARE.split(), environment)
            web = [*WEB.split(), "--bind", bind]
            supervisor.start(Child("web", web, environment))
            supervisor.start(Child("worker", WORKER.split(), environment))
            if supervisor.watch(lambda: answers(bind), every=0.1):
                self.stdout.write(f"Baimo is at http://{bind}/ (Ctrl-C ends it)")
                self.stdout.flush()
            supervisor.watch(Sweeper(), every=SWEEP_EVERY_SECONDS)


def path_of_programs() -> str:
    """Return a PATH on which the programs of this Python's environment come first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def prepare(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run the command that prepares the database; raises CommandError.

    In a process of its own, whose memory is free again when the site is idle.
    """
    if run_to_end(command, environment) != 0:
        raise CommandError(f"{' '.join(command)} failed")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or raise CommandError when another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(f"Baimo runs in {folder} already.") from error
        yield


def _fresh_scratch() -> Path:
    """Return an empty folder for temporary files and forget the queue's bindings.

    A killed worker leaves temporary files behind, and a killed writer perhaps half
    a binding, on which every later worker would stumble. Kombu takes a message by
    moving it to the temporary folder, which is one step on one file system only.
    """
    scratch: Path = settings.DATA_DIR / "tmp"
    control: Path = settings.QUEUE_DIR / "control"
    for folder in (scratch, control):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return scratch


def refuse_taken(bind: str) -> None:
    """Raise CommandError when nobody could listen on HOST:PORT."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise CommandError(f"--bind wants HOST:PORT, not {bind!r}.")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {bind}: {os.strerror(error.errno or 0)}. "
                "Choose another port: PORT=8001 make run"
            ) from error


def answers(bind: str) -> bool:
    """Return whether the web process answers at all."""
    address = bind.replace("0.0.0.0", "127.0.0.1")
    try:
        urllib.request.urlopen(f"http://{address}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
