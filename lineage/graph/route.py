"""The ways of lines: only along rows' gaps and through columns free of chips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lineage.graph.elements import Chip, Edge, Line, Point

Span = tuple[float, float]

TRUNK: Final = 11.0  # how far right of its parent's left side a trunk goes down
MARK_DISTANCE: Final = 8.0
CLEARANCE: Final = 5.0
MARK_CLEARANCE: Final = 16.0  # a mark stands left of its chip
CHANNELS: Final = (5.0, 8.0, 11.0)


def trunk_line(edge: Edge, parent: Chip, child: Chip) -> Line:
    """Return the line of a layout edge: along the row, or down and then along."""
    end = (child.x, child.middle)
    mark = (child.x - MARK_DISTANCE, child.middle)
    if parent.row == child.row:
        return Line(edge, ((parent.right, parent.middle), end), mark)
    x = parent.x + TRUNK
    return Line(edge, ((x, parent.bottom), (x, child.middle), end), mark)


class Router:
    """Finds ways for the edges that no layout rule protects."""

    def __init__(self, chips: Iterable[Chip]) -> None:
        self.by_row: Mapping[int, list[Chip]] = defaultdict(list)
        for chip in chips:
            self.by_row[chip.row].append(chip)
        self._n_leaving: dict[str, int] = defaultdict(int)
        self._n_arriving: dict[str, int] = defaultdict(int)

    def line(self, edge: Edge, parent: Chip, child: Chip) -> Line:
        """Return a line that leaves below or above its parent and crosses no chip."""
        leave = self._leaving_x(parent)
        arrive = self._arriving_x(child)
        channel = CHANNELS[self._n_leaving[parent.node.slug] % len(CHANNELS)]
        upwards = child.row < parent.row
        below_child = child.row <= parent.row
        near_parent = parent.y - channel if upwards else parent.bottom + channel
        near_child = child.bottom + channel if below_child else child.y - channel
        column = self._free_column(parent.row, child.row, leave, arrive)
        points = [
            (leave, parent.y if upwards else parent.bottom),
            (leave, near_parent),
            (column, near_parent),
            (column, near_child),
            (arrive, near_child),
            (arrive, child.bottom if below_child else child.y),
        ]
        side = MARK_DISTANCE if below_child else -MARK_DISTANCE
        mark = (arrive, (child.bottom if below_child else child.y) + side)
        return Line(edge, _straightened(points), mark)

    def _leaving_x(self, chip: Chip) -> float:
        self._n_leaving[chip.node.slug] += 1
        turn = self._n_leaving[chip.node.slug] % 4
        return max(chip.right - 8 - 6 * turn, chip.x + TRUNK + 6)

    def _arriving_x(self, chip: Chip) -> float:
        turn = self._n_arriving[chip.node.slug] % 5
        self._n_arriving[chip.node.slug] += 1
        return min(chip.x + 26 + 14 * turn, chip.right - 6)

    def _free_column(
        self, row: int, other_row: int, leave: float, arrive: float
    ) -> float:
        """Return the x nearest to both ends at which no row between has a chip."""
        first, last = sorted((row, other_row))
        blocked = _merged(
            (chip.x - MARK_CLEARANCE, chip.reach + CLEARANCE)
            for between in range(first + 1, last)
            for chip in self.by_row.get(between, ())
        )
        candidates = [arrive, leave]
        candidates += [left - CLEARANCE for left, _ in blocked]
        candidates += [right + CLEARANCE for _, right in blocked]
        return min(
            (x for x in candidates if not any(a < x < b for a, b in blocked)),
            key=lambda x: (abs(x - arrive) + abs(x - leave), abs(x - arrive)),
        )


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the union of spans as disjoint ones, from left to right."""
    merged: list[Span] = []
    for left, right in sorted(spans):
        if merged and left <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(right, merged[-1][1])
        else:
            merged.append((left, right))
    return merged


def _straightened(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points without those that lie on the way between their neighbours."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and _in_line(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return tuple(kept)


def _in_line(a: Point, b: Point, c: Point) -> bool:
    return (a[0] == b[0] == c[0]) or (a[1] == b[1] == c[1])
