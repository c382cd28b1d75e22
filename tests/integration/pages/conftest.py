"""People and models that the tests of pages look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from registry.models import ApiToken, Job, Membership, Organization, RegisteredModel
from tests import factories


@dataclass
class World:
    """An organisation with an owner and a reader, a stranger, a verified model."""

    owner: User
    reader: User
    stranger: User
    organization: Organization
    token: ApiToken
    base: RegisteredModel
    model: RegisteredModel
    job: Job


def read(client: Client, address: str) -> str:
    """Return a page's text with every run of blanks as one."""
    return " ".join(client.get(address).content.decode().split())


@pytest.fixture
def world() -> World:
    owner, reader = factories.make_user(), factories.make_user()
    team = factories.make_organization(owner=owner, slug="acme")
    factories.make_membership(
        organization=team, user=reader, role=Membership.Role.READER
    )
    base = factories.make_catalog_model(
        slug="llama", name="LLaMA", name_zh="羊驼", category="base", family="LLaMA"
    )
    model = factories.make_model(
        organization=team, name="tuned", repo_name="tuned", category="sft"
    )
    revision = factories.make_revision(model=model, files={"config.json": b"{}"})
    revision.declarations.create(
        position=0, declared_id="llama", relation="sft", parent=base
    )
    factories.make_derivation(child=model, parent=base, state="verified")
    job = factories.make_job(revision=revision)
    factories.make_verification(
        revision=revision,
        job=job,
        compared_with=base,
        reason="declared-base-confirmed",
        comparison=comparison(),
        limits=["Distillation leaves no trace that this comparison reads."],
        n_compared=1,
    )
    token, _ = factories.make_token(user=owner, organization=team, name="laptop")
    return World(owner, reader, factories.make_user(), team, token, base, model, job)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A request leaves its language behind; every test begins with English."""
    with translation.override("en"):
        yield


def comparison(**changes: object) -> dict[str, object]:
    """Return a comparison of the engine's shape."""
    return {
        "a": "llama",
        "b": "tuned",
        "related": True,
        "relation": "fine-tuned",
        "relation_set": ["fine-tuned", "continued-pretraining"],
        "direction": None,
        "p_value": 1e-12,
        "log10_p": -12.0,
        "test": "unit matching",
        "null": "trained apart",
        "effect": 0.9,
        "renamed": {},
        "parents": [],
        "evidence": [
            {
                "kind": "matched-units",
                "value": 240,
                "n_units": 256,
                "n_layers": 4,
                "n_expected": 4,
                "text": "240 of 256 units",
            }
        ],
        "limits": [],
        "engine": "baimo/1",
        "seconds": 0.1,
    } | changes
