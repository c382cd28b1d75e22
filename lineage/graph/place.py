"""Where chips stand: time to the right, families in bands, kin in rows.

Two rules keep every line off every chip. A row is shared only along one chain of
parent and child, and the rows of a subtree are adjacent with nothing of it further
left than INDENT from its root, so a line can go down beside the root.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lineage.graph.elements import Chip, Edge, Node
from lineage.graph.labels import shortened, width_of

CHIP_HEIGHT: Final = 22.0
ROW_PITCH: Final = 36.0
INDENT: Final = 24.0
GAP: Final = 26.0
CHIP_PADDING: Final = 34.0  # shape before the label, air around both
LAYER_ORDER: Final = (
    "weights",
    "component",
    "architecture",
    "outputs",
    "service",
    "tokenizer",
)
SLIGHTEST_RELATION: Final = "takes-part"


@dataclass(frozen=True)
class Axis:
    """The straight relation of months and pixels."""

    x: float
    first_month: int
    month_pixels: float

    def x_of(self, month: int) -> float:
        """Return where a month begins."""
        return self.x + (month - self.first_month) * self.month_pixels


@dataclass(frozen=True)
class Forest:
    """Each node's one parent for layout, and with it the edge drawn beside it."""

    edge_above: Mapping[str, Edge]
    children: Mapping[str, Sequence[str]]

    def depth(self, slug: str) -> int:
        """Return how many layout ancestors a node has."""
        depth = 0
        while slug in self.edge_above:
            slug, depth = self.edge_above[slug].parent, depth + 1
        return depth


def grow_forest(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> Forest:
    """Return the forest that rows follow: the weightiest parent of the same family.

    An edge qualifies if its child is no older than its parent; unknown dates stand
    before all others.
    """
    above: dict[str, Edge] = {}
    for edge in sorted(edges, key=lambda edge: weightiest_first(edge, nodes)):
        parent, child = nodes[edge.parent], nodes[edge.child]
        if (
            edge.makes_kin
            and edge.child not in above
            and parent.family == child.family
            and (parent.month or 0) <= (child.month or 0)
            and not _leads_to(edge.child, edge.parent, above)
        ):
            above[edge.child] = edge
    children: dict[str, list[str]] = defaultdict(list)
    for node in sorted(nodes.values(), key=_oldest_first):
        if node.slug in above:
            children[above[node.slug].parent].append(node.slug)
    return Forest(edge_above=above, children=children)


def weightiest_first(
    edge: Edge, nodes: Mapping[str, Node]
) -> tuple[int, bool, int, str, str, str]:
    """Return the key that sorts edges by how much they tell of a child's origin."""
    # Among equals the youngest parent, which is the nearest on the axis.
    month = nodes[edge.parent].month or 0
    layer = LAYER_ORDER.index(edge.layer)
    is_slight = edge.relation == SLIGHTEST_RELATION
    return layer, is_slight, -month, edge.parent, edge.child, edge.relation


def _leads_to(top: str, slug: str, above: Mapping[str, Edge]) -> bool:
    while slug != top and slug in above:
        slug = above[slug].parent
    return slug == top


def _oldest_first(node: Node) -> tuple[int, str]:
    return node.month or 0, node.slug


def chip_width(node: Node) -> float:
    """Return the width of a node's box."""
    return CHIP_PADDING + width_of(shortened(node.label))


class Rows:
    """Puts the nodes of one family into rows, from a first row downwards."""

    def __init__(
        self,
        forest: Forest,
        nodes: Mapping[str, Node],
        axis: Axis,
        beside: Mapping[str, float],
    ) -> None:
        self.forest = forest
        self.nodes = nodes
        self.axis = axis
        self.beside = beside
        self.x: dict[str, float] = {}
        self.row: dict[str, int] = {}

    def place(self, roots: Iterable[str], *, first_row: int) -> int:
        """Place trees below each other and return the next free row."""
        next_row = first_row
        stack: list[tuple[str, int | None]] = [(r, None) for r in reversed(list(roots))]
        while stack:
            slug, row = stack.pop()
            if row is None:
                row, next_row = next_row, next_row + 1
            self.row[slug] = row
            self.x[slug] = self._x_of(slug)
            beside = self._child_beside(slug)
            others = [c for c in self.forest.children.get(slug, ()) if c != beside]
            stack.extend((child, None) for child in reversed(others))
            if beside is not None:
                stack.append((beside, row))
        return next_row

    def _x_of(self, slug: str) -> float:
        month = self.nodes[slug].month
        edge = self.forest.edge_above.get(slug)
        if month is None:
            return GUTTER_X + INDENT * self.forest.depth(slug)
        x = self.axis.x_of(month)
        return max(x, self.x[edge.parent] + INDENT) if edge else x

    def _child_beside(self, slug: str) -> str | None:
        """Return the child that continues the row: the most fruitful that fits."""
        if self.beside.get(slug):
            return None
        right = self.x[slug] + chip_width(self.nodes[slug]) + GAP
        fitting = [
            child
            for child in self.forest.children.get(slug, ())
            if self.nodes[child].month is not None
            and self.axis.x_of(self.nodes[child].month or 0) >= right
        ]
        return max(
            fitting,
            key=lambda child: len(self.forest.children.get(child, ())),
            default=None,
        )


GUTTER_X: Final = 12.0


def gutter_width(
    nodes: Mapping[str, Node], forest: Forest, beside: Mapping[str, float]
) -> float:
    """Return how much room unknown dates need left of the axis; 0 if none is."""
    rights = [
        GUTTER_X + INDENT * forest.depth(slug) + chip_width(node) + beside.get(slug, 0)
        for slug, node in nodes.items()
        if node.month is None
    ]
    return max(rights) + GUTTER_X if rights else 0.0


def chip_at(node: Node, *, row: int, x: float, y: float, beside: float = 0.0) -> Chip:
    """Return the box of a node whose upper left corner is known."""
    return Chip(
        node=node,
        text=shortened(node.label),
        row=row,
        x=x,
        y=y,
        width=chip_width(node),
        height=CHIP_HEIGHT,
        beside=beside,
    )
