"""Circles side by side: the front-chain packing of Wang et al., as in d3-hierarchy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 60
# Circles that touch may overlap by so much in floating point.
_TOUCH: Final = 1e-6


class Circle(NamedTuple):
    """A circle in the plane."""

    x: float
    y: float
    r: float


def pack(radii: Sequence[float], *, stretch: float = 1.0) -> list[Circle]:
    """Return circles of these radii, none over another, the first around the origin.

    Each is put as near to the origin as the growing front allows; distances along x
    count `stretch` times less, so that the whole becomes so much wider than high.
    """
    circles = [Circle(0.0, 0.0, radius) for radius in radii[:1]]
    if len(radii) > 1:
        circles.append(Circle(radii[0] + radii[1], 0.0, radii[1]))
        front = _Front(circles, stretch)
        circles += [front.add(radius) for radius in radii[2:]]
    return circles


def enclosing(circles: Sequence[Circle]) -> Circle:
    """Return a circle around circles side by side, hardly larger than the smallest.

    The centre walks towards whatever reaches farthest, in ever smaller steps (Bădoiu
    and Clarkson); the radius is exact for the centre.
    """
    if len(circles) == 1:
        return circles[0]
    if len(circles) == 2:
        return _around_two(*circles)
    x, y, r = np.array(circles).T
    centre_x, centre_y = float(x[0]), float(y[0])
    for step in range(1, _STEPS):
        reach = np.hypot(x - centre_x, y - centre_y) + r
        far = int(reach.argmax())
        distance = math.hypot(x[far] - centre_x, y[far] - centre_y)
        if distance == 0:
            break
        share = (reach[far] - reach.min()) / distance / (2 * step)
        share = min(share, 1 / (step + 1))
        centre_x += (x[far] - centre_x) * share
        centre_y += (y[far] - centre_y) * share
    reach = np.hypot(x - centre_x, y - centre_y) + r
    return Circle(centre_x, centre_y, float(reach.max()))


def _around_two(a: Circle, b: Circle) -> Circle:
    """Return the smallest circle around two that lie beside each other."""
    distance = math.hypot(b.x - a.x, b.y - a.y)
    radius = (distance + a.r + b.r) / 2
    share = (radius - a.r) / distance
    return Circle(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share, radius)


class _Front:
    """The circles at the rim, one after the other, each touching the next.

    The gap for the next circle is between the last row and the first. The columns are
    x, y, radius, and how far the gap after the row's circle is from the origin.
    """

    def __init__(self, circles: Sequence[Circle], stretch: float) -> None:
        self._stretch = stretch
        self._rows = np.array([(*circle, 0.0) for circle in circles])

    def add(self, radius: float) -> Circle:
        """Put a circle into the gap, look for the best next one; return the circle."""
        placed = self._placed(radius)
        while (kept := self._within_reach(placed)) is not None:
            self._rows = self._rows[kept]
            placed = self._placed(radius)
        rows = np.concatenate([[(*placed, 0.0)], self._rows])
        rows[0, 3] = self._distance(rows[0], rows[1])
        rows[-1, 3] = self._distance(rows[-1], rows[0])
        best = int(rows[:, 3].argmin()) + 1
        self._rows = np.concatenate([rows[best:], rows[:best]])
        return placed

    def _placed(self, radius: float) -> Circle:
        """Return a circle that touches the last and the first, outside the front."""
        x, y, r, _ = self._rows[-1].tolist()
        other_x, other_y, other_r, _ = self._rows[0].tolist()
        dx, dy = other_x - x, other_y - y
        square = dx * dx + dy * dy
        to_last, to_first = (r + radius) ** 2, (other_r + radius) ** 2
        along = (square + to_last - to_first) / (2 * square)
        across = math.sqrt(max(0.0, to_last / square - along * along))
        return Circle(
            x + along * dx + across * dy, y + along * dy - across * dx, radius
        )

    def _within_reach(self, circle: Circle) -> slice | None:
        """Return the rows that stay when what the circle runs into bounds the gap.

        Of the two ends of the front the one that gets shorter by less gives way.
        """
        x, y, r = self._rows[1:-1, :3].T
        square = (x - circle.x) ** 2 + (y - circle.y) ** 2
        hits = np.flatnonzero(square < (r + circle.r - _TOUCH) ** 2)
        if not hits.size:
            return None
        first, last = int(hits[0]), int(hits[-1])
        if r[:first].sum() <= r[last + 1 :].sum():
            return slice(first + 1, None)
        return slice(None, last + 2)

    def _distance(self, a: NDArray[Any], b: NDArray[Any]) -> float:
        """Return the square of how far the point where two touch is from the origin."""
        x, y = (a[:2] * b[2] + b[:2] * a[2]) / (a[2] + b[2])
        return float((x / self._stretch) ** 2 + y**2)
