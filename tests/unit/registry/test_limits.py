"""How often somebody may ask, and who is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import RequestFactory
from huggingface_hub.utils import parse_ratelimit_headers

from registry import limits


@pytest.fixture(autouse=True)
def _policy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMITS = {"read": (3, 60), "write": (0, 60)}
    monkeypatch.setattr("time.time", lambda: 6030.0)


def test_each_request_leaves_one_less() -> None:
    seen = [limits.count("read", "ann") for _ in range(4)]

    fields = [standing.headers() for standing in seen if standing is not None]
    assert [field["RateLimit"] for field in fields] == [
        '"read";r=2;t=31',
        '"read";r=1;t=31',
        '"read";r=0;t=31',
        '"read";r=0;t=31',
    ]
    assert {field["RateLimit-Policy"] for field in fields} == {'"read";q=3;w=60'}
    assert [field.get("Retry-After") for field in fields] == [None, None, None, "31"]


def test_a_hub_client_understands_the_fields() -> None:
    standing = limits.count("read", "ann")

    understood = parse_ratelimit_headers(standing.headers()) if standing else None

    assert understood is not None
    assert (understood.remaining, understood.reset_in_seconds) == (2, 31)
    assert (understood.limit, understood.window_seconds) == (3, 60)


def test_others_and_later_minutes_are_counted_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(4):
        limits.count("read", "ann")

    other = limits.count("read", "ben")
    monkeypatch.setattr("time.time", lambda: 6061.0)
    later = limits.count("read", "ann")

    assert other is not None and other.used == 1
    assert later is not None and later.used == 1


def test_without_a_number_there_is_no_limit() -> None:
    assert limits.count("write", "ann") is None


def test_many_at_once_are_all_counted() -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: limits.count("read", "ann"), range(200)))

    assert sorted(s.used for s in seen if s is not None) == list(range(1, 201))


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        (0, "", "10.0.0.1"),
        (0, "1.2.3.4", "10.0.0.1"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 9.9.9.9", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.1"),
        (1, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (1, "nonsense", "unknown"),
    ],
)
def test_the_address_is_the_one_that_our_own_proxies_saw(
    rf: RequestFactory, settings: Any, trusted: int, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = trusted
    further = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}

    request = rf.get("/", REMOTE_ADDR="10.0.0.1", **further)

    assert limits.client_address(request) == expected
