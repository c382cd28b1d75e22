"""Pushing small trained models without a client, for tests."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.utils.module_loading import import_string

from registry import storage, tasks
from registry.models import Job, Organization, RegisteredModel, Revision
from registry.services.organizations import create_organization
from registry.services.revisions import (
    AddedFile,
    Changes,
    commit_revision,
    register_model,
)
from tests.factories import make_user

ZOO = Path(__file__).parent / "zoo"


def added(path: str, content: bytes) -> AddedFile:
    """Return a file of a commit whose content has been stored."""
    return AddedFile(
        path=path,
        sha256=storage.store_bytes(content),
        size_bytes=len(content),
        oid=hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        is_lfs=path.endswith(".safetensors"),
    )


def push(
    repo_id: str, folder: Path | None, *, author: User | None = None, **card: Any
) -> Revision:
    """Commit a folder's files as team/model with this front matter."""
    team, _, name = repo_id.partition("/")
    model = RegisteredModel.objects.in_repo(team, name).first()
    if model is None:
        organization = Organization.objects.named(team).first()
        organization = organization or create_organization(slug=team, owner=make_user())
        model = register_model(organization=organization, name=name)
    paths = sorted(folder.iterdir()) if folder else []
    files = [added(p.name, p.read_bytes()) for p in paths if p.name != "README.md"]
    readme = f"---\n{yaml.safe_dump(card)}---\n# {name}\n"
    return commit_revision(
        model=model,
        author=author,
        changes=Changes(added=[*files, added("README.md", readme.encode())]),
        summary="push",
    )


def work() -> None:
    """Do every waiting job, as a worker would, until none is left."""
    while (job := Job.objects.unfinished().order_by("created_at").first()) is not None:
        run(job)


def run(job: Job) -> None:
    """Do one job through its Celery task, called as a function."""
    task = import_string(tasks.TASK_OF_KIND[Job.Kind(job.kind)])
    task.run(str(job.pk))
