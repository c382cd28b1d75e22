"""Letting few requests write at a time, so that those who read find a free thread.

Many writers at once only wait for each other, on SQLite asleep, and hold the threads
of their process meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])


class Turns:
    """Turns at writing, in one process."""

    def __init__(
        self, *, at_once: int = 2, most_waiting: int = 48, patience_seconds: float = 2.0
    ) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(most_waiting)
        self._patience_seconds = patience_seconds

    def take(self) -> bool:
        """Wait for a turn and return whether there is one to give back.

        Nobody waits for long, whatever those before are busy with, and not at all
        where so many wait that few threads are left.
        """
        if self._turns.acquire(blocking=False):
            return True
        if not self._places.acquire(blocking=False):
            return False
        try:
            return self._turns.acquire(timeout=self._patience_seconds)
        finally:
            self._places.release()

    def give_back(self) -> None:
        """Let the next one have the turn."""
        self._turns.release()


def takes_no_turn(view: View) -> View:
    """Mark a view, function or class, that waits for a hub or a disk, not for rows."""
    view.takes_no_turn = True  # type: ignore[attr-defined]  # for needs_turn()
    return view


def needs_turn(method: str, view: Callable[..., object]) -> bool:
    """Return whether a request writes rows. Contents come with PUT, at any pace."""
    if method in ("GET", "HEAD", "OPTIONS", "PUT"):
        return False
    return not getattr(getattr(view, "cls", view), "takes_no_turn", False)
