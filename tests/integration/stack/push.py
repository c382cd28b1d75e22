"""Register a folder as team/name in the running site: push.py FOLDER TEAM/NAME."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
os.environ["DJANGO_SETTINGS_MODULE"] = "registry.settings"
django.setup()

from registry import storage, tasks  # noqa: E402
from registry.models import Organization  # noqa: E402
from registry.services import revisions  # noqa: E402


def stored(path: Path) -> revisions.AddedFile:
    """Return the file after storing its content."""
    content = path.read_bytes()
    return revisions.AddedFile(
        path=path.name,
        sha256=storage.store_bytes(content),
        size_bytes=len(content),
        oid=hashlib.sha1(content).hexdigest(),
        is_lfs=path.suffix == ".safetensors",
    )


def main(folder: str, repo_id: str) -> None:
    """Commit the folder's files as the model's first revision and ring its bell."""
    team, name = repo_id.split("/")
    organization, _ = Organization.objects.get_or_create(slug=team)
    revision = revisions.commit_revision(
        model=revisions.register_model(organization=organization, name=name),
        author=None,
        changes=revisions.Changes(added=[stored(p) for p in Path(folder).iterdir()]),
        summary="A test",
    )
    tasks.ring(revision.jobs.get())


if __name__ == "__main__":
    main(*sys.argv[1:])
