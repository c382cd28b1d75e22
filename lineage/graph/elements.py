"""What goes into a drawing and what comes out; lengths are CSS pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

Point = tuple[float, float]
MARK_PIXELS = 12.0
CORNER = 5.0


@dataclass(frozen=True)
class Node:
    """An entry to draw; `released` is "YYYY-MM" or empty.

    `label`, `title` and `href` are carried through untouched.
    """

    slug: str
    label: str
    released: str = ""
    family: str = ""
    category: str = ""
    kind: str = "model"
    title: str = ""
    href: str = ""

    @property
    def month(self) -> int | None:
        """Return the months since the year 0, or None when the date is unknown."""
        if not self.released:
            return None
        year, month = self.released.split("-")
        return 12 * int(year) + int(month) - 1


@dataclass(frozen=True)
class Edge:
    """A derivation; an empty state has no mark, `title` is carried through untouched.

    One that the weights contradict is drawn, but makes nobody kin and shapes no rows.
    """

    child: str
    parent: str
    layer: str
    relation: str
    state: str = ""
    title: str = ""

    @property
    def makes_kin(self) -> bool:
        return self.state != "contradicted"


@dataclass(frozen=True)
class Fold:
    """Leaves that stand together in a badge beside what they come from."""

    key: str
    parent: str
    label: str
    title: str
    members: tuple[str, ...]
    href: str = ""


@dataclass(frozen=True)
class Chip:
    """A node with its place: the box around its label.

    `beside` is the room that badges and stubs take to its right.
    """

    node: Node
    text: str
    row: int
    x: float
    y: float
    width: float
    height: float
    beside: float = 0.0

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def reach(self) -> float:
        """Return where its row is free again."""
        return self.right + self.beside

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def shape_corner(self) -> Point:
        """Return the upper left corner of the category's shape."""
        return self.x + 7, self.middle - MARK_PIXELS / 2

    @property
    def text_x(self) -> float:
        return self.x + 24


@dataclass(frozen=True)
class Line:
    """An edge with its way from the parent's chip to the child's, in right angles."""

    edge: Edge
    points: tuple[Point, ...]
    mark: Point

    @property
    def mark_corner(self) -> Point:
        """Return the upper left corner of the state's mark."""
        return self.mark[0] - MARK_PIXELS / 2, self.mark[1] - MARK_PIXELS / 2

    @cached_property
    def path(self) -> str:
        """Return the way as an SVG path with rounded corners."""
        first, *others = self.points
        steps = [f"M{_xy(first)}"]
        for before, corner, after in zip(self.points, others, others[1:], strict=False):
            steps.append(f"L{_xy(_short_of(corner, before))}")
            steps.append(f"Q{_xy(corner)} {_xy(_short_of(corner, after))}")
        return "".join([*steps, f"L{_xy(self.points[-1])}"])


@dataclass(frozen=True)
class Badge:
    """A folded group with its place: its left end and its middle."""

    fold: Fold
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Stub:
    """Edges cut off beside their child, where a line to the parent would run too far.

    One edge carries its parent's name; what finds no room is counted in a last stub.
    """

    edges: tuple[Edge, ...]
    text: str
    href: str
    x: float
    y: float

    @property
    def is_count(self) -> bool:
        return not self.href


@dataclass(frozen=True)
class Band:
    """The rows of one family."""

    label: str
    y: float
    height: float
    label_y: float


@dataclass(frozen=True)
class Tick:
    """A date on the axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Picture:
    """Everything to draw; `gutter` is the width kept for unknown dates, or 0."""

    width: float
    height: float
    axis_x: float
    gutter: float
    chips: tuple[Chip, ...]
    lines: tuple[Line, ...]
    badges: tuple[Badge, ...]
    stubs: tuple[Stub, ...]
    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]


def _short_of(corner: Point, towards: Point) -> Point:
    """Return the point on the way from a corner where its rounding ends."""
    (x, y), (to_x, to_y) = corner, towards
    length = abs(to_x - x) + abs(to_y - y)
    share = min(CORNER, length / 2) / length if length else 0.0
    return x + (to_x - x) * share, y + (to_y - y) * share


def _xy(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
