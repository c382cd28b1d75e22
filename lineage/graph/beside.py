"""What stands beside a chip: folded children, and the names of parents far away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lineage.graph.elements import Badge, Chip, Edge, Fold, Node, Stub
from lineage.graph.families import Families
from lineage.graph.labels import shortened, width_of
from lineage.graph.place import weightiest_first

# Up to here every line can be followed with the eye.
CUT_FROM: Final = 60
N_NAMED: Final = 2
NAME_PIXELS: Final = 90.0
SAMPLE_PIXELS: Final = 14.0  # the piece of line before a name
NAME_OFFSET: Final = SAMPLE_PIXELS + 16.0  # the line, then the mark of the state
STUB_GAP: Final = 8.0
BADGE_GAP: Final = 4.0
BADGE_PADDING: Final = 6.0

# Stubs of a child without their place: text, link, edges.
Cut = tuple[str, str, tuple[Edge, ...]]


def cut_edges(
    nodes: Mapping[str, Node], edges: Sequence[Edge], families: Families
) -> dict[str, list[Cut]]:
    """Return, by child, what is cut: lines between families of a large picture.

    The line by which a family comes from another is never cut.
    """
    if len(nodes) < CUT_FROM:
        return {}
    kept = set(families.edge_above.values())
    by_child: dict[str, list[Edge]] = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: weightiest_first(edge, nodes)):
        if nodes[edge.child].family != nodes[edge.parent].family and edge not in kept:
            by_child[edge.child].append(edge)
    return {child: _cuts(nodes, child, found) for child, found in by_child.items()}


def _cuts(nodes: Mapping[str, Node], child: str, edges: Sequence[Edge]) -> list[Cut]:
    # There is no room for names left of the axis.
    n_named = 0 if nodes[child].month is None else N_NAMED
    named, counted = edges[:n_named], tuple(edges[n_named:])
    if len(counted) == 1 and named:
        named, counted = edges, ()
    cuts: list[Cut] = []
    for edge in named:
        parent = nodes[edge.parent]
        cuts.append((shortened(parent.label, NAME_PIXELS), parent.href, (edge,)))
    return [*cuts, (f"+{len(counted)}", "", counted)] if counted else cuts


def width_beside(folds: Iterable[Fold], cuts: Iterable[Cut]) -> float:
    """Return the room that a chip's badges and stubs take beside it."""
    badges = sum(BADGE_GAP + badge_width(fold) for fold in folds)
    return badges + sum(STUB_GAP + _width(cut) for cut in cuts)


def badge_width(fold: Fold) -> float:
    """Return the width of a folded group's badge."""
    return width_of(fold.label) + 2 * BADGE_PADDING


def _width(cut: Cut) -> float:
    text, href, _ = cut
    return width_of(text) + (NAME_OFFSET if href else 0.0)


def place_beside(
    chip: Chip, folds: Iterable[Fold], cuts: Iterable[Cut]
) -> tuple[list[Badge], list[Stub]]:
    """Return badges and then stubs in a row to the right of a chip."""
    x = chip.right
    badges: list[Badge] = []
    for fold in folds:
        width = badge_width(fold)
        badges.append(Badge(fold, x + BADGE_GAP, chip.middle, width))
        x += BADGE_GAP + width
    stubs: list[Stub] = []
    for cut in cuts:
        text, href, edges = cut
        x += STUB_GAP
        stubs.append(Stub(edges=edges, text=text, href=href, x=x, y=chip.middle))
        x += _width(cut)
    return badges, stubs
