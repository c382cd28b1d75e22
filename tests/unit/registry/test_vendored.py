"""The browser libraries that are served are those of the lockfile, byte for byte."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
VENDOR = ROOT / "static/vendor"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_is_committed_was_copied_from_the_locked_packages() -> None:
    wanted = read(ROOT / "package.json")["dependencies"]
    locked = read(ROOT / "package-lock.json")["packages"]

    noted = read(VENDOR / "vendored.json")

    assert noted.keys() == wanted.keys()
    for name, package in noted.items():
        lock = locked[f"node_modules/{name}"]
        assert wanted[name] == lock["version"] == package["version"]
        assert lock["integrity"] == package["integrity"]


def test_every_file_is_the_noted_one_and_none_is_there_besides() -> None:
    noted = {
        f"{name}-{package['version']}/{file}": digest
        for name, package in read(VENDOR / "vendored.json").items()
        for file, digest in package["sha256"].items()
    }

    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*/*")
    }

    assert found == noted


def test_pages_load_the_vendored_versions() -> None:
    folders = {path.name for path in VENDOR.iterdir() if path.is_dir()}
    pages = (ROOT / "templates").rglob("*.html")
    loaded = {
        name
        for page in pages
        for name in re.findall(r"vendor/([^/\"]+)/", page.read_text(encoding="utf-8"))
    }

    assert loaded == folders
