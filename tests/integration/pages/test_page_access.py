"""Who gets which answer at which address."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from registry.models import Organization
from tests import factories

PUBLIC = {
    "lineage:home": [],
    "lineage:models": [],
    "lineage:tree": [],
    "lineage:model": ["acme--tuned"],
    "lineage:history": ["acme--tuned"],
    "registry:register": [],
    "registry:glossary": [],
    "registry:method": [],
    "registry:organization": ["acme"],
    "account_login": [],
    "account_signup": [],
    "account_reset_password": [],
}


@pytest.fixture(params=["anonymous", "stranger", "reader", "owner"])
def visitor(request: pytest.FixtureRequest, world: Any) -> Client:
    client = Client()
    if request.param != "anonymous":
        client.force_login(getattr(world, request.param))
    return client


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(
    "name", sorted(set(PUBLIC) - {"account_login", "account_signup"})
)
def test_everybody_may_read_public_pages_in_both_languages(
    visitor: Client, world: Any, name: str, language: str
) -> None:
    slug = {"acme--tuned": world.model.slug}
    address = reverse(name, args=[slug.get(part, part) for part in PUBLIC[name]])
    prefix = "" if language == "en" else "/zh-hans"

    response = visitor.get(prefix + address)

    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.content.decode()


def test_a_verdict_and_a_job_have_public_pages(visitor: Client, world: Any) -> None:
    verification = world.model.head.verifications.get()

    assert visitor.get(verification.get_absolute_url()).status_code == 200
    assert visitor.get(world.job.get_absolute_url()).status_code == 200


def test_signing_in_leads_to_the_organisations(client: Client, world: Any) -> None:
    response = client.post(
        reverse("account_login"),
        {"login": world.owner.username, "password": "password"},
    )

    assert response.headers["Location"] == reverse("registry:organizations")


def test_organisations_ask_strangers_to_sign_in(client: Client) -> None:
    response = client.get(reverse("registry:organizations"))

    assert response.status_code == 302
    assert reverse("account_login") in response.headers["Location"]


@pytest.mark.parametrize(
    ("person", "sees_members", "sees_tokens"),
    [("stranger", False, False), ("reader", True, False), ("owner", True, True)],
)
def test_an_organisation_shows_each_reader_what_is_theirs(
    client: Client, world: Any, person: str, sees_members: bool, sees_tokens: bool
) -> None:
    client.force_login(getattr(world, person))

    page = client.get(world.organization.get_absolute_url()).content.decode()

    assert (world.reader.username in page) is sees_members
    assert (f"/tokens/{world.token.pk}/" in page) is sees_tokens


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [
        (None, "read", 403),
        ("reader", "read", 200),
        ("reader", "push", 422),
        ("maintainer", "push", 200),
        ("maintainer", "admin", 422),
        ("owner", "admin", 200),
    ],
)
def test_a_token_of_ones_own_does_no_more_than_its_person(
    client: Client, world: Any, role: str | None, scope: str, status: int
) -> None:
    client.force_login(world.stranger)
    if role is not None:
        world.organization.memberships.create(user=world.stranger, role=role)
    before = world.organization.api_tokens.count()

    response = client.post(
        reverse("registry:token-create", args=["acme"]),
        {"name": "cluster", "scope": scope, "expires": "30"},
    )

    assert response.status_code == status
    assert world.organization.api_tokens.count() == before + (status == 200)


@pytest.mark.parametrize(
    ("person", "status"), [("stranger", 403), ("reader", 403), ("owner", 302)]
)
def test_only_an_owner_revokes_the_tokens_of_others(
    client: Client, world: Any, person: str, status: int
) -> None:
    client.force_login(getattr(world, person))
    address = reverse("registry:token-revoke", args=["acme", world.token.pk])

    response = client.post(address)

    assert response.status_code == status
    world.token.refresh_from_db()
    assert (world.token.revoked_at is not None) is (person == "owner")


def test_a_member_sees_and_revokes_their_own_tokens(client: Client, world: Any) -> None:
    mine, _ = factories.make_token(
        user=world.reader,
        organization=world.organization,
        name="notebook",
        expires_at=timezone.now(),
    )
    client.force_login(world.reader)

    page = client.get(world.organization.get_absolute_url()).content.decode()
    client.post(reverse("registry:token-revoke", args=["acme", mine.pk]))

    assert (
        "notebook" in page
        and "expired" in page
        and f"/tokens/{world.token.pk}/" not in page
    )
    mine.refresh_from_db()
    assert mine.revoked_at is not None


def test_revoking_asks_first(client: Client, world: Any) -> None:
    client.force_login(world.owner)
    address = reverse("registry:token-revoke", args=["acme", world.token.pk])

    response = client.get(address)

    world.token.refresh_from_db()
    assert response.status_code == 200 and world.token.revoked_at is None


def test_a_token_of_another_organisation_is_not_found(
    client: Client, world: Any
) -> None:
    client.force_login(world.owner)
    other = Organization.objects.create(slug="other")
    other.memberships.create(user=world.owner, role="owner")

    response = client.post(
        reverse("registry:token-revoke", args=["other", world.token.pk])
    )

    assert response.status_code == 404


def test_the_secret_is_shown_once_and_never_cached(client: Client, world: Any) -> None:
    client.force_login(world.owner)

    response = client.post(
        reverse("registry:token-create", args=["acme"]),
        {"name": "cluster", "scope": "push", "expires": ""},
    )

    key = response.context["key"]
    assert key in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    page = client.get(world.organization.get_absolute_url()).content.decode()
    assert key not in page and key[:12] in page


def test_a_token_form_with_a_mistake_keeps_the_page(client: Client, world: Any) -> None:
    client.force_login(world.owner)

    response = client.post(
        reverse("registry:token-create", args=["acme"]), {"name": "", "scope": "all"}
    )

    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {"name", "scope"}


@pytest.mark.parametrize("slug", ["acme", "ACME", "admin", "two..dots", "-"])
def test_a_bad_organisation_name_is_explained(
    client: Client, world: Any, slug: str
) -> None:
    client.force_login(world.owner)

    response = client.post(reverse("registry:organizations"), {"slug": slug})

    assert response.status_code == 422
    assert 'class="errorlist' in response.content.decode()


def test_a_new_organisation_belongs_to_its_maker(client: Client, world: Any) -> None:
    client.force_login(world.stranger)

    response = client.post(reverse("registry:organizations"), {"slug": "brand-new"})

    assert response.headers["Location"] == "/organizations/brand-new/"
    assert world.stranger.organizations.get().slug == "brand-new"


@pytest.mark.parametrize(
    "address",
    [
        "/models/nobody/",
        "/models/nobody/history/",
        "/organizations/nobody/",
        "/verifications/999999/",
        "/jobs/00000000-0000-0000-0000-000000000000/",
        "/zh-hans/models/nobody/",
    ],
)
def test_what_is_not_registered_is_said_to_be_missing(
    client: Client, db: None, address: str
) -> None:
    response = client.get(address)

    assert response.status_code == 404
    assert 'role="search"' in response.content.decode()


def test_another_spelling_of_a_name_leads_to_its_page(
    client: Client, world: Any
) -> None:
    assert client.get("/models/LLAMA/").headers["Location"] == "/models/llama/"
    assert client.get("/organizations/ACME/").headers["Location"] == (
        "/organizations/acme/"
    )
