"""Run the services of docker-compose.yml as plain processes, without Docker."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from registry.management import servers
from registry.management.children import Child, Supervisor
from registry.management.commands.up import (
    answers,
    path_of_programs,
    prepare,
    refuse_taken,
)

# The services that stand for a server of Debian's, started by servers.py.
SERVERS = ("postgres", "redis")
# The service that must have ended well before the others start.
FIRST = "prepare"


class Command(BaseCommand):
    help = (
        "Start PostgreSQL, Redis, web, worker and sweeper as docker-compose.yml "
        "describes them, until Ctrl-C. Data live in DATA_DIR/stack."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        bind = f"127.0.0.1:{settings.PORT}"
        commands = dict(commands_of(settings.BASE_DIR / "docker-compose.yml"))
        folder = settings.DATA_DIR / "stack"
        refuse_taken(bind)
        with servers.sockets() as run, Supervisor() as supervisor:
            try:
                urls = servers.start(supervisor, folder, run, durable=True)
            except (servers.ServerMissing, servers.ServerBroken) as error:
                raise CommandError(str(error)) from error
            environment = _environment(folder, bind) | urls
            prepare(commands.pop(FIRST), environment)
            for name, command in commands.items():
                supervisor.start(Child(name, command, environment))
            if supervisor.watch(lambda: answers(bind), every=0.1):
                self.stdout.write(f"Baimo is at http://{bind}/ (Ctrl-C ends it)")
                self.stdout.write(f"Its commands: {_for_commands(folder, urls)}")
                self.stdout.flush()
            supervisor.watch(lambda: None, every=1.0)


def _for_commands(folder: Path, urls: dict[str, str]) -> str:
    """Return what to type before manage.py's name to reach this stack's data."""
    settings_of_stack = {"DATA_DIR": str(folder)} | urls
    words = [f"{name}={shlex.quote(v)}" for name, v in settings_of_stack.items()]
    return " ".join(
        [*words, ".venv/bin/python manage.py token USER --organization ORG"]
    )


def commands_of(compose: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield (service, command) of the compose file's services, but for the servers.

    Raises CommandError for a service that could not be started natively.
    """
    document = yaml.safe_load(compose.read_text(encoding="utf-8"))
    for name, service in document["services"].items():
        if name in SERVERS:
            continue
        if "command" not in service:
            raise CommandError(f"{compose.name}: service {name} has no command")
        yield name, shlex.split(service["command"])


def _environment(folder: Path, bind: str) -> dict[str, str]:
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        "DATA_DIR": str(folder),
        "GUNICORN_CMD_ARGS": f"--bind={bind}",
        "PATH": path_of_programs(),
        "TMPDIR": str(scratch),
    }
