"""Wrappers and products through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from registry.models import ApiToken, Organization
from tests import factories

ADDRESS = "/api/v1/registrations/"
WRAPPER: dict[str, Any] = {
    "name": "Acme Assistant",
    "category": "prompt-wrapper",
    "parents": [
        {
            "id": "gpt-4",
            "evidence": [{"url": "https://acme.example/about", "title": "About"}],
        }
    ],
}


class Caller:
    """A program with a token."""

    def __init__(self, team: Organization, user: User, **token: Any) -> None:
        _, key = factories.make_token(user=user, organization=team, **token)
        self.client = Client(headers={"Authorization": f"Bearer {key}"})

    def send(self, method: str, address: str, body: Any = None) -> Any:
        call = getattr(self.client, method)
        return call(address, body, content_type="application/json")


@pytest.fixture
def team() -> Organization:
    factories.make_catalog_model(slug="gpt-4", name="GPT-4")
    return factories.make_organization(owner=factories.make_user(), slug="acme")


@pytest.fixture
def caller(team: Organization) -> Caller:
    return Caller(team, team.members.get())


def test_a_registration_answers_with_the_entry_and_its_verdict(caller: Caller) -> None:
    response = caller.send("post", ADDRESS, WRAPPER)

    assert response.status_code == 201
    entry = response.json()
    assert entry["slug"] == "acme--Acme-Assistant"
    assert entry["category"] == "prompt-wrapper"
    assert entry["declared"] == [
        {
            "id": "gpt-4",
            "slug": "gpt-4",
            "relation": "prompt-wrapper",
            "suggestions": [],
        }
    ]
    assert entry["verdict"]["verdict"] == "not-verifiable"
    assert entry["verdict"]["reason"] == "service-declared"
    assert entry["derivations"][0]["state"] == "declared"
    assert entry["sources"][0]["title"] == "About"
    listed = caller.send("get", ADDRESS).json()
    assert [model["slug"] for model in listed["results"]] == [entry["slug"]]
    signed = caller.send("get", f"/api/v1/models/{entry['slug']}/statement/")
    assert signed.status_code == 200


def test_an_entry_is_described_anew_in_full(caller: Caller) -> None:
    made = caller.send("post", ADDRESS, WRAPPER).json()
    address = f"{ADDRESS}{made['slug']}/"
    product = {"name": "Acme", "kind": "product", "revision": made["revision"]}

    response = caller.send("put", address, product)

    assert response.status_code == 200
    entry = response.json()
    assert (entry["kind"], entry["category"], entry["name"]) == (
        "product",
        None,
        "Acme",
    )
    assert entry["derivations"][0]["state"] == "withdrawn"
    late = caller.send("put", address, product | {"name": "Late"})
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "助手"}, "address"),
        ({"category": "sft"}, "category"),
        ({"category": None}, "category"),
        ({"kind": "product"}, "category"),
        ({"kind": "robot"}, "kind"),
        ({"parents": []}, "parents"),
        ({"parents": "gpt-4"}, "parents"),
        ({"parents": [{"id": "a"}, {"id": "A"}]}, "parents"),
        ({"parents": [{"id": "a", "relation": "powers"}]}, "relation"),
        ({"parents": [{"id": "a", "relation": "sft"}]}, "relation"),
        ({"parents": [{"id": "a", "evidence": [{"url": "x"}]}]}, "url"),
        ({"homepage": "http://acme.example"}, "homepage"),
        ({"released": "soon"}, "released"),
    ],
)
def test_what_cannot_be_registered_is_422_and_names_the_field(
    caller: Caller, changes: dict[str, Any], field: str
) -> None:
    response = caller.send("post", ADDRESS, WRAPPER | changes)

    assert response.status_code == 422
    assert f"{field}:" in response.json()["detail"]


def test_a_name_is_taken_once(caller: Caller) -> None:
    caller.send("post", ADDRESS, WRAPPER)

    assert caller.send("post", ADDRESS, WRAPPER).status_code == 409


def test_only_those_who_may_push_register(team: Organization, caller: Caller) -> None:
    owner = team.members.get()
    elsewhere = factories.make_organization(owner=owner, slug="other")
    reading = Caller(team, owner, scope=ApiToken.Scope.READ)
    foreign = Caller(elsewhere, owner)
    slug = caller.send("post", ADDRESS, WRAPPER).json()["slug"]

    assert reading.send("post", ADDRESS, WRAPPER).status_code == 403
    assert foreign.send("put", f"{ADDRESS}{slug}/", WRAPPER).status_code == 403
    to_acme = WRAPPER | {"organization": "acme"}
    assert foreign.send("post", ADDRESS, to_acme).status_code == 403
    assert Client().get(ADDRESS).status_code == 401
    assert caller.send("put", f"{ADDRESS}gpt-4/", WRAPPER).status_code == 404


def test_a_model_with_weights_is_changed_by_pushing(
    team: Organization, caller: Caller
) -> None:
    model = factories.make_model(organization=team)
    factories.make_revision(model=model, files={"model.safetensors": b"x"})

    assert caller.send("put", f"{ADDRESS}{model.slug}/", WRAPPER).status_code == 409
