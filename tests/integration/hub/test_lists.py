"""The list of models in every order, on whatever database the register has."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client

from registry.models import RegisteredModel
from tests import factories


@pytest.fixture
def models(db: None) -> list[RegisteredModel]:
    """Return four models; the first changed last, the last was never pushed to."""
    team = factories.make_organization(slug="listed")
    made = [factories.make_model(organization=team) for _ in range(4)]
    for model in (made[1], made[2], made[0]):
        factories.make_revision(model=model, card={"license": "mit"})
    return made


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", [0, 1, 2, 3]),
        ("&sort=createdAt", [3, 2, 1, 0]),
        ("&sort=lastModified", [0, 2, 1, 3]),
        ("&filter=license:mit", [0, 1, 2]),
        ("&sort=lastModified&filter=license:mit", [0, 2, 1]),
        ("&filter=license:mit&filter=license:apache-2.0", []),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 500])
def test_pages_hold_every_model_once_in_order(
    client: Client,
    models: list[RegisteredModel],
    query: str,
    order: list[int],
    limit: int,
) -> None:
    found, address = [], f"/api/models?author=listed&limit={limit}{query}"
    while address:
        answer = client.get(address)
        found += [model["id"] for model in answer.json()]
        link = urlsplit(answer.headers.get("Link", "").partition(">")[0].lstrip("<"))
        address = f"{link.path}?{link.query}" if link.query else ""

    assert found == [models[number].repo_id for number in order]
