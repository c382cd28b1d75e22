"""Where things stand in the charts of the statistics page. Pure: numbers in and out.

Lengths are in the units of the drawing, whose width is WIDTH and whose y grows
downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

WIDTH: Final = 720
# Room for labels on the left of rows, and below columns.
LABELS: Final = 150
FOOT: Final = 26
ROW: Final = 22
COLUMNS_HEIGHT: Final = 220
DOT: Final = 4.5
# Gridlines of a linear axis, at most.
_MOST_LINES: Final = 6


@dataclass(frozen=True)
class Line:
    """A gridline and what it says."""

    at: float
    value: float


@dataclass(frozen=True)
class Part:
    """A rectangle of a column or row, and the count that it stands for."""

    name: str
    x: float
    y: float
    width: float
    height: float
    value: float

    @property
    def after(self) -> float:
        """Return where text behind a row begins."""
        return _r(self.x + self.width + 6)

    @property
    def middle(self) -> float:
        """Return the height of the middle of a row."""
        return _r(self.y + self.height / 2)


@dataclass(frozen=True)
class Bars:
    """Columns or rows: their parts, gridlines, and the labels' places."""

    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    labels: tuple[tuple[str, float], ...]
    width: float
    height: float


@dataclass(frozen=True)
class Dot:
    """One model in a strip."""

    key: str
    x: float
    y: float
    value: float


@dataclass(frozen=True)
class Strips:
    """Rows of dots over a logarithmic axis."""

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    labels: tuple[tuple[str, float], ...]
    width: float
    height: float

    @property
    def axis(self) -> float:
        """Return where the gridlines end."""
        return _r(self.height - FOOT + 4)

    @property
    def foot(self) -> float:
        """Return the height of the gridlines' labels."""
        return _r(self.height - 8)


def stacked_columns(counts: Mapping[str, Mapping[str, int]]) -> Bars:
    """Return a column for each key with a part for each inner one, the first lowest."""
    top = max((sum(parts.values()) for parts in counts.values()), default=0)
    lines = _linear(top)
    highest = lines[-1].value
    step = (WIDTH - FOOT) / max(1, len(counts))
    parts, labels = [], []
    for i, (key, inner) in enumerate(counts.items()):
        below = float(COLUMNS_HEIGHT)
        for name, value in inner.items():
            height = COLUMNS_HEIGHT * value / highest
            below -= height
            x = FOOT + i * step + step * 0.1
            parts.append(
                Part(name, _r(x), _r(below), _r(step * 0.8), _r(height), value)
            )
        labels.append((key, _r(FOOT + (i + 0.5) * step)))
    return Bars(tuple(parts), lines, tuple(labels), WIDTH, COLUMNS_HEIGHT + FOOT)


def rows(counts: Mapping[str, int]) -> Bars:
    """Return a row for each key, in the order given."""
    top = max(counts.values(), default=0)
    room = WIDTH - LABELS - 40  # the number stands behind its row
    parts, labels = [], []
    for i, (key, value) in enumerate(counts.items()):
        width = room * value / max(1, top)
        parts.append(Part(key, LABELS, i * ROW + 4, _r(width), ROW - 8, value))
        labels.append((key, i * ROW + ROW / 2))
    return Bars(tuple(parts), (), tuple(labels), WIDTH, len(counts) * ROW)


def log_strips(groups: Mapping[str, Sequence[tuple[str, float]]]) -> Strips:
    """Return a strip of dots for each group of (key, positive value).

    Dots of a strip that would overlap are set on top of each other, so that every one
    can be seen and touched.
    """
    values = [value for group in groups.values() for _, value in group]
    low = math.floor(math.log10(min(values, default=1)))
    high = math.ceil(math.log10(max(values, default=10)))
    span = max(1, high - low)

    def x_of(value: float) -> float:
        return LABELS + (WIDTH - LABELS - 28) * (math.log10(value) - low) / span

    dots: list[Dot] = []
    labels = []
    top = 0.0
    for name, group in groups.items():
        levels = _levels([x_of(value) for _, value in group])
        height = max(ROW, (max(levels, default=0) + 1) * 2 * DOT + 8)
        for (key, value), level in zip(group, levels, strict=True):
            y = top + height - 4 - DOT - level * 2 * DOT
            dots.append(Dot(key, _r(x_of(value)), _r(y), value))
        labels.append((name, _r(top + height - 4 - DOT)))
        top += height
    lines = tuple(
        Line(_r(x_of(10.0**power)), 10.0**power) for power in range(low, high + 1)
    )
    return Strips(tuple(dots), lines, tuple(labels), WIDTH, _r(top + FOOT))


def _levels(xs: Iterable[float]) -> list[int]:
    """Return for each dot the lowest level on which it touches no earlier one."""
    placed: list[list[float]] = []
    levels = []
    for x in xs:
        level = 0
        while level < len(placed) and any(
            abs(x - other) < 2 * DOT for other in placed[level]
        ):
            level += 1
        if level == len(placed):
            placed.append([])
        placed[level].append(x)
        levels.append(level)
    return levels


def _touches(x: float, others: Iterable[float]) -> bool:
    return any(abs(x - other) < 2 * DOT for other in others)


def _linear(top: int) -> tuple[Line, ...]:
    """Return gridlines at round numbers from 0 to at least `top`."""
    steps = (m * 10**power for power in count() for m in (1, 2, 5))
    step = next(step for step in steps if top <= step * _MOST_LINES)
    n = max(1, math.ceil(top / step))
    return tuple(Line(_r(COLUMNS_HEIGHT * (1 - i / n)), i * step) for i in range(n + 1))


def _r(value: float) -> float:
    return round(value, 1)
