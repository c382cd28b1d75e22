"""Webhooks and tokens over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import ApiToken, Delivery, Organization, Webhook
from registry.services.organizations import find_token
from registry.services.webhooks import send_test
from tests import factories

HOOKS = "/api/v1/webhooks/"
TOKENS = "/api/v1/tokens/"
GOOD = {"url": "https://hooks.example.org/a", "events": ["push.committed"]}


class Caller:
    """A program with a token."""

    def __init__(self, key: str) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {key}"})

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and document of an answer."""
        options = {"data": body, "content_type": "application/json"} if body else {}
        response = getattr(self._client, method)(path, **options)
        return response.status_code, response.json() if response.content else None


@pytest.fixture
def team(db: None) -> Organization:
    return factories.make_organization(slug="acme", owner=factories.make_user())


def caller(team: Organization, role: str = "owner", scope: str = "admin") -> Caller:
    """Return a program that acts for a member of the team."""
    found = team.memberships.filter(role=role).first()
    found = found or factories.make_membership(
        organization=team, user=factories.make_user(), role=role
    )
    _, key = factories.make_token(user=found.user, organization=team, scope=scope)
    return Caller(key)


@pytest.fixture
def owner(team: Organization) -> Caller:
    return caller(team)


def test_a_webhook_is_made_changed_and_removed(owner: Caller) -> None:
    status, made = owner("post", HOOKS, GOOD)
    one = f"{HOOKS}{made['id']}/"

    assert status == 201
    assert made["secret"].startswith("whsec_")
    assert owner("get", one)[1] == {k: v for k, v in made.items() if k != "secret"}
    assert owner("get", HOOKS)[1]["total"] == 1
    status, changed = owner("patch", one, {"is_active": False})
    assert (status, changed["is_active"], changed["url"]) == (200, False, GOOD["url"])
    assert owner("post", f"{one}secret/")[1]["secret"] != made["secret"]
    assert owner("delete", one) == (204, None)
    assert owner("get", one)[0] == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://10.0.0.1/"}, "private"),
        ({"url": "ftp://example.org/"}, "scheme"),
        ({"url": "https://me:pw@example.org/"}, "credentials"),
        ({"url": ""}, "blank"),
        ({"events": []}, "events"),
        ({"events": ["push.comitted"]}, "push.comitted"),
        ({"events": "push.committed"}, "events"),
        ({"is_active": "perhaps"}, "is_active"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    owner: Caller, wrong: dict[str, Any], said: str
) -> None:
    status, answer = owner("post", HOOKS, GOOD | wrong)

    assert status == 422
    assert said in answer["detail"]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("role", "scope", "expected"),
    [
        ("owner", "admin", 200),
        ("owner", "push", 403),
        ("owner", "read", 403),
        ("maintainer", "admin", 403),
        ("reader", "admin", 403),
    ],
)
def test_only_an_owners_token_for_it_administers(
    team: Organization, role: str, scope: str, expected: int
) -> None:
    program = caller(team, role, scope)

    assert program("get", HOOKS)[0] == expected
    assert program("get", TOKENS)[0] == expected


def test_without_a_token_nothing_is_told(client: Client) -> None:
    assert client.get(HOOKS).status_code == 401
    assert client.get(TOKENS).status_code == 401


def test_another_teams_webhooks_are_not_there(team: Organization) -> None:
    _, made = caller(team)("post", HOOKS, GOOD)
    others = caller(factories.make_organization(owner=factories.make_user()))

    assert others("get", f"{HOOKS}{made['id']}/")[0] == 404
    assert others("post", f"{HOOKS}{made['id']}/test/")[0] == 404
    assert others("get", HOOKS)[1]["total"] == 0


def test_deliveries_are_paged_and_replayed(owner: Caller) -> None:
    _, made = owner("post", HOOKS, GOOD)
    webhook = Webhook.objects.get()
    sent = [str(send_test(webhook).pk) for _ in range(5)]
    log = f"{HOOKS}{made['id']}/deliveries/"

    seen, address, total = [], f"{log}?limit=2", None
    while address:
        _, page = owner("get", address)
        seen += [delivery["id"] for delivery in page["results"]]
        address, total = page["next"], page["total"]

    assert (seen, total) == (sent[::-1], 5)
    status, again = owner("post", f"{log}{sent[0]}/replay/")
    first = Delivery.objects.get(pk=sent[0])
    assert (status, again["event_id"]) == (202, first.event_id)
    assert owner("get", f"{log}{again['id']}/")[1]["payload"] == first.payload
    assert owner("get", f"{log}?limit=0")[0] == 422
    assert owner("get", f"{log}?cursor=abc")[0] == 422
    assert owner("get", f"{log}?cursor={made['id']:032}")[0] == 404


def test_a_test_event_is_sent(owner: Caller) -> None:
    _, made = owner("post", HOOKS, GOOD)

    status, sent = owner("post", f"{HOOKS}{made['id']}/test/")

    assert (status, sent["event"], sent["state"]) == (202, "test", "waiting")


def test_a_token_is_made_listed_and_revoked(team: Organization, owner: Caller) -> None:
    later = (timezone.now() + timedelta(days=1)).isoformat()
    status, made = owner("post", TOKENS, {"name": "ci", "expires": later})

    assert status == 201
    assert (made["scope"], made["organization"]) == ("push", "acme")
    found = find_token(made["secret"])
    assert found is not None and found.expires_at is not None
    listed = owner("get", TOKENS)[1]["results"]
    assert [token["name"] for token in listed] == ["ci", "test"]
    assert made["secret"] not in str(listed)
    assert listed[1]["last_used"] is not None
    assert owner("delete", f"{TOKENS}{made['id']}/") == (204, None)
    assert find_token(made["secret"]) is None
    assert owner("delete", f"{TOKENS}{made['id']}/")[0] == 404


def test_tokens_of_others_are_neither_listed_nor_revoked(
    team: Organization, owner: Caller
) -> None:
    other = factories.make_user()
    factories.make_membership(organization=team, user=other)
    theirs, _ = factories.make_token(user=other, organization=team)
    elsewhere = factories.make_organization()
    mine = team.members.first()
    abroad, _ = factories.make_token(user=mine, organization=elsewhere)

    assert owner("get", TOKENS)[1]["total"] == 1
    assert owner("delete", f"{TOKENS}{theirs.pk}/")[0] == 404
    assert owner("delete", f"{TOKENS}{abroad.pk}/")[0] == 404
    assert not ApiToken.objects.exclude(revoked_at=None).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a", "scope": "all"},
        {"name": "a", "expires": "2020-01-01T00:00:00Z"},
        {"name": "a", "expires": "soon"},
    ],
)
def test_what_cannot_be_a_token_is_refused(
    owner: Caller, wrong: dict[str, Any]
) -> None:
    assert owner("post", TOKENS, wrong)[0] == 422
