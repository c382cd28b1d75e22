"""docker-compose.yml follows the Compose specification, and `stack` follows it.

compose-spec.json is the JSON schema of the Compose Specification (Apache-2.0, The
Compose Specification Authors), as packaged in check-jsonschema 0.39.0.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import CommandError

from registry.management.commands import up
from registry.management.commands.stack import SERVERS, commands_of

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"
DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = DOCUMENT["services"]
SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text("utf-8"))
OURS = sorted(set(SERVICES) - set(SERVERS))


def problems(document: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(document)]


def test_the_file_follows_the_specification() -> None:
    assert problems(DOCUMENT) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["services"]["web"].update(comand="gunicorn"),
        lambda document: document["services"]["web"].update(depends_on=7),
        lambda document: document["services"]["redis"].update(healthcheck="ping"),
        lambda document: document.update(servics={}),
        lambda document: document["volumes"].update(data="/data"),
    ],
    ids=["unknown key", "number for services", "text for a check", "top", "volume"],
)
def test_a_mistake_in_the_file_would_be_noticed(
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    document = copy.deepcopy(DOCUMENT)

    spoil(document)

    assert problems(document) != []


def test_the_stack_starts_every_service_by_its_own_command() -> None:
    commands = dict(commands_of(COMPOSE))

    assert sorted(commands) == OURS == ["prepare", "sweeper", "web", "worker"]
    assert sorted(SERVERS) == ["postgres", "redis"]
    for name, command in commands.items():
        assert command == SERVICES[name]["command"].split()


def test_the_stack_refuses_a_service_that_it_could_not_start(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {mail: {image: mail}}")

    with pytest.raises(CommandError, match="mail has no command"):
        dict(commands_of(tmp_path / "compose.yml"))


def test_one_machine_runs_the_same_programs() -> None:
    assert SERVICES["worker"]["command"].split() == up.WORKER.split()
    assert SERVICES["web"]["command"].startswith(up.WEB)


@pytest.mark.parametrize("name", OURS)
def test_a_service_starts_after_healthy_servers(name: str) -> None:
    depends_on = SERVICES[name]["depends_on"]

    for server in SERVERS:
        assert depends_on[server] == {"condition": "service_healthy"}
        assert SERVICES[server]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", ["sweeper", "web", "worker"])
def test_a_service_starts_after_the_database_was_prepared(name: str) -> None:
    condition = {"condition": "service_completed_successfully"}

    assert SERVICES[name]["depends_on"]["prepare"] == condition


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            is_secret = re.search("PASSWORD|SECRET|SIGNING", variable) is not None
            assert variable.endswith("_FILE") or not is_secret

    assert all(list(secret) == ["file"] for secret in DOCUMENT["secrets"].values())


def test_only_this_machine_reaches_the_published_port() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports == ["127.0.0.1:8000:8000"]


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.M)

    assert users == ["baimo"]
