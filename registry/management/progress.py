"""One line on a terminal that says how far a long command is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TextIO

EVERY_SECONDS: Final = 1.0


class Progress:
    """Redraws a line at most once a second; writes nothing where nobody watches."""

    def __init__(
        self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._clock = stream, clock
        self._label = ""
        self._began_at, self._began_from, self._drawn_at = 0.0, 0, 0.0

    def show(self, label: str, n_done: int, position: int = 0, total: int = 0) -> None:
        """Say how many models are done, and when all will be.

        The position is in the unit of the total, which is 0 when nobody knows it.
        Another label begins another count.
        """
        if not self._stream.isatty():
            return
        now = self._clock()
        if label != self._label:
            self._label, self._began_from = label, position
            self._began_at = self._drawn_at = now
        elif now - self._drawn_at >= EVERY_SECONDS:
            self._drawn_at = now
            seconds = now - self._began_at
            line = f"{label}: {n_done:,} models, {n_done / seconds:,.0f}/s"
            if total and position > self._began_from:
                share = position / total
                left = seconds * (total - position) / (position - self._began_from)
                line += (
                    f" [{'#' * round(20 * share):<20}] {share:.0%}, {left:,.0f} s left"
                )
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that what follows stands on its own."""
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
