"""What stands beside a chip: folded children, and the names of parents far away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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


@dataclass(frozen=True)
class Beside:
    """Folded groups and cut edges, by the chip that they stand beside."""

    folds: Mapping[str, Sequence[Fold]]
    cuts: Mapping[str, Sequence[Cut]]

    @classmethod
    def of(cls, folds: Iterable[Fold], cuts: Mapping[str, Sequence[Cut]]) -> Beside:
        """Return what stands beside the chips of a picture."""
        by_parent: dict[str, list[Fold]] = defaultdict(list)
        for fold in folds:
            by_parent[fold.parent].append(fold)
        return cls(by_parent, cuts)

    @cached_property
    def widths(self) -> dict[str, float]:
        """Return the room that each chip with something beside it needs."""
        return {
            slug: sum(BADGE_GAP + badge_width(f) for f in self.folds.get(slug, ()))
            + sum(STUB_GAP + _width(cut) for cut in self.cuts.get(slug, ()))
            for slug in {*self.folds, *self.cuts}
        }

    def badges(self, chip: Chip) -> Iterable[Badge]:
        """Return a chip's folded groups in a row to its right."""
        x = chip.right
        for fold in self.folds.get(chip.node.slug, ()):
            width = badge_width(fold)
            yield Badge(fold, x + BADGE_GAP, chip.middle, width)
            x += BADGE_GAP + width

    def stubs(self, chip: Chip) -> Iterable[Stub]:
        """Return a chip's cut edges, to the right of its folded groups."""
        cuts = self.cuts.get(chip.node.slug, ())
        x = chip.reach - sum(STUB_GAP + _width(cut) for cut in cuts)
        for text, href, edges in cuts:
            x += STUB_GAP
            yield Stub(edges=edges, text=text, href=href, x=x, y=chip.middle)
            x += _width((text, href, edges))


def badge_width(fold: Fold) -> float:
    """Return the width of a folded group's badge."""
    return width_of(fold.label) + 2 * BADGE_PADDING


def _width(cut: Cut) -> float:
    text, href, _ = cut
    return width_of(text) + (NAME_OFFSET if href else 0.0)
