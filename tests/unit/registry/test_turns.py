"""Few write at a time, and nobody waits for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from registry.hubapi import transfers
from registry.middleware import TurnsMiddleware
from registry.turns import Turns, needs_turn, takes_no_turn


class Crowd:
    """Threads that take a turn and keep it until they may go."""

    def __init__(self, turns: Turns, pool: ThreadPoolExecutor) -> None:
        self.turns, self.pool = turns, pool
        self.go = Event()
        self._with, self._without = Semaphore(0), Semaphore(0)

    def come(self, n: int) -> None:
        for _ in range(n):
            self.pool.submit(self._write)

    def have_a_turn(self, n: int) -> bool:
        """Return whether so many have got a turn and no more do."""
        got = [self._with.acquire(timeout=5) for _ in range(n)]
        return all(got) and not self._with.acquire(timeout=0.1)

    def go_without(self, n: int) -> bool:
        """Return whether so many go on without one."""
        return all(self._without.acquire(timeout=5) for _ in range(n))

    def _write(self) -> None:
        has_turn = self.turns.take()
        (self._with if has_turn else self._without).release()
        self.go.wait(10)
        if has_turn:
            self.turns.give_back()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def test_the_next_comes_when_one_has_ended(pool: ThreadPoolExecutor) -> None:
    crowd = Crowd(Turns(at_once=2), pool)

    crowd.come(5)
    assert crowd.have_a_turn(2)
    crowd.go.set()

    assert crowd.have_a_turn(3)


def test_nobody_waits_for_long_behind_who_is_slow(pool: ThreadPoolExecutor) -> None:
    crowd = Crowd(Turns(at_once=2, patience_seconds=0.05), pool)

    crowd.come(5)

    assert crowd.go_without(3)
    crowd.go.set()


def test_who_finds_too_many_waiting_does_not_wait(pool: ThreadPoolExecutor) -> None:
    crowd = Crowd(Turns(at_once=1, most_waiting=2, patience_seconds=30), pool)
    crowd.come(3)
    assert crowd.have_a_turn(1)

    started = time.monotonic()
    crowd.come(4)

    assert crowd.go_without(4)
    assert time.monotonic() - started < 20
    crowd.go.set()


@pytest.mark.parametrize(
    ("method", "needs"),
    [("POST", True), ("DELETE", True), ("GET", False), ("HEAD", False), ("PUT", False)],
)
def test_who_reads_or_brings_contents_takes_no_turn(method: str, needs: bool) -> None:
    assert needs_turn(method, lambda request: HttpResponse()) is needs


def test_what_waits_for_a_disk_takes_no_turn() -> None:
    class View:
        pass

    def resolved(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    resolved.cls = takes_no_turn(View)  # type: ignore[attr-defined]  # as in as_view()

    assert not needs_turn("POST", transfers.complete)
    assert not needs_turn("POST", resolved)


def test_a_view_that_breaks_gives_its_turn_back(rf: RequestFactory) -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        middleware.process_view(request, broken, (), {})
        assert request.has_turn  # type: ignore[attr-defined]
        raise KeyError

    middleware = TurnsMiddleware(broken)
    for _ in range(5):
        with pytest.raises(KeyError):
            middleware(rf.post("/"))
