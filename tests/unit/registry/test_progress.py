"""The line that says how far a long command is."""

from __future__ import annotations

from io import StringIO

from registry.management.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_written_where_nobody_watches() -> None:
    stream, clock = StringIO(), Clock()
    progress = Progress(stream, clock=clock)

    for n_done in range(5):
        progress.show("entries", n_done, n_done, 10)
        clock.now += 1
    progress.clear()

    assert stream.getvalue() == ""


def test_a_terminal_gets_a_line_a_second() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)

    for n_done in range(0, 33_000, 1000):
        progress.show("entries", n_done, 10 * n_done, 1_000_000)
        clock.now += 0.125

    lines = stream.getvalue().split("\r\x1b[K")
    assert len(lines) == 5
    assert lines[1].startswith("entries: 8,000 models, 8,000/s [##  ")
    assert lines[1].endswith("] 8%, 12 s left")


def test_what_was_done_before_does_not_count_in_the_estimate() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)

    progress.show("edges", 0, 500, 1000)
    clock.now += 10
    progress.show("edges", 100, 600, 1000)

    assert "60%, 40 s left" in stream.getvalue()


def test_without_a_total_nothing_is_foretold() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)

    progress.show("listing", 0)
    clock.now += 2
    progress.show("listing", 5000)
    progress.clear()

    assert stream.getvalue() == ("\r\x1b[Klisting: 5,000 models, 2,500/s\r\x1b[K")
