"""The settings file, the example and the README name the same variables."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SETTINGS = (ROOT / "registry" / "settings.py").read_text(encoding="utf-8")
READ = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS))


def test_the_example_lists_every_variable_once() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    listed = re.findall(r"^# ([A-Z_]+)=", example, re.M)

    assert len(READ) > 15
    assert sorted(listed) == sorted(READ)


def test_the_readme_names_only_variables_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    named = set(re.findall(r"`([A-Z][A-Z_]+)`", readme))

    assert "DATABASE_URL" in named
    assert named <= READ


def test_compose_sets_only_variables_that_exist() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

    block = compose.split("x-environment:")[1].split("\n\n")[0]
    named = re.findall(r"^  ([A-Z_]+?)(?:_FILE)?:", block, re.M)

    assert len(named) == 8
    assert set(named) <= READ
