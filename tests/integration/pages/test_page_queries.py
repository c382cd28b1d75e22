"""Lists ask the database as often for thirty rows as for three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lineage.models import Verification
from registry.models import Organization, RegisteredModel
from tests import factories


def add_models(n: int, hub: RegisteredModel, team: Organization) -> None:
    for number in range(n):
        model = factories.make_model(organization=team, category="sft")
        source = hub.sources.create(
            key=f"s{model.pk}",
            title="A paper",
            url="https://example.org",
            checked="2026-11-21",
            confidence="high",
            covers=["params"],
        )
        derivation = factories.make_derivation(child=model, parent=hub)
        parent = factories.make_model()
        back = factories.make_derivation(
            child=hub, parent=parent, relation="influenced-by"
        )
        statement = back.statements.create(kind="cited")
        statement.sources.add(source)
        revision = factories.make_revision(model=model, files={"a.json": b"{}"})
        factories.make_verification(revision=revision, compared_with=hub)
        hub_revision = factories.make_revision(model=hub, files={f"{number}": b"1"})
        Verification.objects.create(revision=hub_revision, verdict="consistent")
        assert derivation.pk


PAGES: list[Callable[[RegisteredModel, Organization], str]] = [
    lambda hub, team: reverse("lineage:home"),
    lambda hub, team: reverse("lineage:models"),
    lambda hub, team: reverse("lineage:tree") + "?open=hub:sft",
    lambda hub, team: reverse("lineage:model", args=[hub.slug]),
    lambda hub, team: reverse("lineage:history", args=[hub.slug]),
    lambda hub, team: reverse("registry:organization", args=[team.slug]),
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_no_more_for_more_rows(client: Client, db: None, page: Any) -> None:
    owner = factories.make_user()
    team = factories.make_organization(owner=owner)
    hub = factories.make_catalog_model(slug="hub", category="base")
    client.force_login(owner)
    add_models(3, hub, team)
    few = count_queries(client, page(hub, team))
    add_models(27, hub, team)

    many = count_queries(client, page(hub, team))

    assert few == many
    assert many <= 34


def count_queries(client: Client, address: str) -> int:
    client.get(address)  # the first request fills caches
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
