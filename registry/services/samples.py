"""The sample register: a family of small models, pushed as a team would push it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from registry.models import Job, Organization, RegisteredModel
from registry.services.revisions import (
    Changes,
    commit_revision,
    register_model,
    stored_file,
)

SAMPLES: Final = Path(__file__).parent.parent / "catalog" / "samples"
TEAM: Final = "samples"
FAMILY: Final = "Samples"


def load_samples() -> list[Job]:
    """Return the unfinished jobs after registering the sample family.

    Loading twice changes nothing: equal files make no new revision.
    """
    team, _ = Organization.objects.get_or_create(
        slug=TEAM, defaults={"name": "Baimo samples", "name_zh": "百模谱样例"}
    )
    for sample in sample_index():
        _load_sample(team, sample["folder"])
    return list(Job.objects.unfinished().filter(revision__model__organization=team))


def sample_index() -> list[dict[str, str]]:
    """Return the samples in loading order, each with the verdict it must get."""
    index: list[dict[str, str]] = yaml.safe_load(
        (SAMPLES / "index.yaml").read_text("utf-8")
    )
    return index


def _load_sample(team: Organization, name: str) -> None:
    model = RegisteredModel.objects.in_repo(team.slug, name).first()
    if model is None:
        model = register_model(organization=team, name=name)
        model.family = FAMILY
        model.save()
    folder = SAMPLES / name
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    commit_revision(
        model=model,
        author=None,
        changes=Changes(
            added=[
                stored_file(path.relative_to(folder).as_posix(), path.read_bytes())
                for path in files
            ]
        ),
        summary="The sample register",
    )
