"""What every request passes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from registry import logs
from registry.middleware import (
    RefuseNulMiddleware,
    RequestLogMiddleware,
    SecurityHeadersMiddleware,
    TurnsMiddleware,
)


def test_every_answer_carries_a_policy_without_inline_scripts(
    rf: RequestFactory,
) -> None:
    answer = SecurityHeadersMiddleware(lambda request: HttpResponse())(rf.get("/"))

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_view_may_send_a_policy_of_its_own(rf: RequestFactory) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    answer = SecurityHeadersMiddleware(view)(rf.get("/"))

    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"


def test_every_answer_has_an_id_of_its_own(rf: RequestFactory) -> None:
    middleware = RequestLogMiddleware(lambda request: HttpResponse())

    ids = {middleware(rf.get("/")).headers["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3


def test_a_log_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    formatter: Any = logs.configuration("INFO")["formatters"]["json"]
    handler = logging.StreamHandler()
    handler.setFormatter(
        formatter["()"](
            foreign_pre_chain=formatter["foreign_pre_chain"],
            processors=formatter["processors"],
        )
    )
    record = logging.LogRecord(
        "test", logging.WARNING, __file__, 1, "two\nlines of %s", ("谱",), None
    )

    line = handler.format(record)

    assert "\n" not in line
    found = json.loads(line)
    assert (found["event"], found["level"]) == ("two\nlines of 谱", "warning")


@pytest.mark.parametrize("address", ["/models/a%00b/", "/models/?q=%00"])
def test_an_address_with_nul_is_refused(rf: RequestFactory, address: str) -> None:
    middleware = RefuseNulMiddleware(lambda request: HttpResponse())

    assert middleware(rf.get(address)).status_code == 400
    assert middleware(rf.get("/models/?q=ok")).status_code == 200


class Crowd:
    """Requests that all stay in their view until they may go."""

    def __init__(self, rf: RequestFactory, pool: ThreadPoolExecutor) -> None:
        self.rf, self.pool = rf, pool
        self.inside, self.go = Semaphore(0), Event()
        self.middleware = TurnsMiddleware(self._view)

    def send(self, method: str, n: int) -> None:
        for _ in range(n):
            self.pool.submit(self.middleware, self.rf.generic(method, "/"))

    def come_in(self, n: int) -> bool:
        """Return whether so many have come in and no more do."""
        came = [self.inside.acquire(timeout=5) for _ in range(n)]
        return all(came) and not self.inside.acquire(timeout=0.1)

    def _view(self, request: HttpRequest) -> HttpResponse:
        self.inside.release()
        self.go.wait(10)
        return HttpResponse()


@pytest.fixture
def crowd(rf: RequestFactory) -> Iterator[Crowd]:
    with ThreadPoolExecutor(20) as pool:
        crowd = Crowd(rf, pool)
        yield crowd
        crowd.go.set()


def test_two_write_at_a_time(crowd: Crowd) -> None:
    crowd.send("POST", 5)
    assert crowd.come_in(2)

    crowd.go.set()
    assert crowd.come_in(3)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_who_reads_or_brings_contents_takes_no_turn(crowd: Crowd, method: str) -> None:
    crowd.send("POST", 5)
    crowd.send(method, 5)

    assert crowd.come_in(2 + 5)


def test_nobody_waits_for_long_behind_who_is_slow(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TurnsMiddleware, "PATIENCE_SECONDS", 0.05)

    crowd.send("DELETE", 5)

    assert crowd.come_in(5)


def test_a_view_that_breaks_gives_its_turn_back(rf: RequestFactory) -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        raise KeyError

    middleware = TurnsMiddleware(broken)
    for _ in range(TurnsMiddleware.AT_ONCE):
        with pytest.raises(KeyError):
            middleware(rf.post("/"))

    assert middleware._turns.acquire(blocking=False)
