"""Who asks too often is told when to try again, in the words of each room."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry import limits
from registry.caches import ForgivingRedisCache
from tests import factories

MINUTE = 60


@pytest.fixture
def limited(settings: Any) -> None:
    """Allow two requests of every kind."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (2, MINUTE))


@pytest.fixture(autouse=True)
def _middle_of_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.limits.time.time", lambda: 6030.0)


def test_every_answer_of_the_api_says_how_many_are_left(client: Client) -> None:
    answer = client.get("/api/v1/models/")

    assert answer.headers["RateLimit-Policy"] == '"read";q=30000;w=60'
    assert answer.headers["RateLimit"] == '"read";r=29999;t=31'
    assert "Retry-After" not in answer.headers


def test_the_api_refuses_with_its_detail(client: Client, limited: None) -> None:
    answers = [client.get("/api/v1/models/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {
        "detail": "Too many requests: 2 in 60 seconds are answered. "
        "Try again in 31 seconds."
    }
    assert answers[2].headers["Retry-After"] == "31"
    assert answers[2].headers["RateLimit"] == '"read";r=0;t=31'


def test_the_hub_protocol_refuses_in_its_own_shape(
    client: Client, limited: None
) -> None:
    address, body = "/api/repos/create", {"name": "x"}

    answers = [
        client.post(address, body, content_type="application/json") for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2].headers["X-Error-Code"] == "TooManyRequests"
    assert answers[2].json()["error"].startswith("Too many requests: 2 in 60 seconds")
    assert answers[2].headers["Retry-After"] == "31"


def test_a_comparison_has_a_limit_of_its_own(client: Client, limited: None) -> None:
    costly = [client.get("/api/v1/lineage/graph/?model=x") for _ in range(3)]

    assert [answer.status_code for answer in costly][2] == 429
    assert '"costly";q=2' in costly[2].headers["RateLimit-Policy"]
    assert client.get("/api/v1/models/").status_code == 200


def test_a_person_is_counted_by_their_token_and_not_by_the_address(
    client: Client, limited: None
) -> None:
    keys = []
    for _ in range(2):
        user = factories.make_user()
        team = factories.make_organization(owner=user)
        keys.append(factories.make_token(user=user, organization=team)[1])

    def asked(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return client.get("/api/whoami-v2", headers=headers).status_code

    assert [asked(keys[0]) for _ in range(3)] == [200, 200, 429]
    assert asked(keys[1]) == 200
    # Who makes tokens up stays one address.
    assert [asked(f"made-up-{n}") for n in range(3)] == [401, 401, 429]


def test_a_token_is_looked_up_once_a_request(client: Client) -> None:
    user = factories.make_user()
    _, key = factories.make_token(
        user=user, organization=factories.make_organization(owner=user)
    )

    with CaptureQueriesContext(connection) as queries:
        client.get("/api/whoami-v2", headers={"Authorization": f"Bearer {key}"})

    found = [q for q in queries.captured_queries if "digest" in q["sql"]]
    assert len(found) == 1


def test_pages_are_read_without_limit(client: Client, limited: None) -> None:
    answers = [client.get("/glossary/") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers


@pytest.mark.parametrize(
    ("prefix", "sentence", "wait"),
    [
        ("", "That was too often in a short time", "31 seconds"),
        ("/zh-hans", "短时间内操作过于频繁", "31 秒"),
    ],
)
def test_a_form_sent_too_often_gets_a_calm_page(
    client: Client, limited: None, prefix: str, sentence: str, wait: str
) -> None:
    client.force_login(factories.make_user())

    answers = [client.post(f"{prefix}/organizations/", {"slug": ""}) for _ in range(3)]

    assert answers[2].status_code == 429
    assert answers[2].headers["Retry-After"] == "31"
    page = answers[2].content.decode()
    assert sentence in page
    assert wait in page


def test_invitations_have_a_limit_by_the_hour(client: Client, settings: Any) -> None:
    settings.RATE_LIMITS |= {"invitation": (1, 3600)}
    owner = factories.make_user()
    team = factories.make_organization(owner=owner)
    client.force_login(owner)

    answers = [
        client.post(f"/organizations/{team.slug}/invite/", {"role": "reader"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert "20 minutes" in answers[1].content.decode()
    assert team.invitations.count() == 1


def test_without_redis_everybody_is_let_in(tmp_path: Path) -> None:
    away = ForgivingRedisCache(f"unix://{tmp_path}/redis.sock", {})

    away.set("key", 1)

    assert away.add("key", 1) is True
    assert away.get("key", "default") == "default"
    assert away.incr("key") == 1
    assert away.delete("key") is False


@pytest.mark.skipif("REDIS_URL" not in os.environ, reason="needs Redis")
def test_several_processes_count_together_in_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prefix = {"KEY_PREFIX": f"test-{os.getpid()}"}

    def counted(_: int) -> int:
        shared = ForgivingRedisCache(os.environ["REDIS_URL"], prefix)
        monkeypatch.setattr("registry.limits.cache", shared)
        return limits._next("some-key", 5)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(counted, range(40))) == list(range(1, 41))
