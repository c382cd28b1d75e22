"""Composing a picture: axis, bands, chips and the lines between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lineage.graph.beside import Beside, cut_edges
from lineage.graph.elements import (
    Band,
    Chip,
    Edge,
    Fold,
    Line,
    Node,
    Picture,
    Tick,
)
from lineage.graph.families import Families, families_of, with_families
from lineage.graph.labels import width_of
from lineage.graph.place import (
    CHIP_HEIGHT,
    LAYER_ORDER,
    ROW_PITCH,
    Axis,
    Forest,
    Rows,
    chip_at,
    chip_width,
    grow_forest,
    gutter_width,
)
from lineage.graph.route import Router, trunk_line

AXIS_HEIGHT: Final = 26.0
BAND_PADDING: Final = 8.0
LABEL_HEIGHT: Final = 22.0
MARGIN: Final = 14.0
NARROWEST_MONTH: Final = 8.0
WIDEST_MONTH: Final = 30.0


def draw(
    nodes: Iterable[Node],
    edges: Iterable[Edge],
    *,
    folds: Iterable[Fold] = (),
    width: float = 1200.0,
) -> Picture:
    """Return the picture of a family tree, near `width` wide if its dates allow.

    Edges with an end that is not among the nodes are left out. Folded groups stand
    beside their parents, which are among the nodes.
    """
    known = {node.slug: node for node in nodes}
    inside = [e for e in edges if e.child in known and e.parent in known]
    known = with_families(known, inside)
    families = families_of(known, inside)
    forest = grow_forest(known, inside)
    beside = Beside.of(folds, cut_edges(known, inside, families))
    gutter = gutter_width(known, forest, beside.widths)
    axis = _axis(known.values(), gutter, width, beside.widths)
    rows = Rows(forest, known, axis, beside.widths)
    bands, places = _bands(families, forest, rows)
    chips = {
        slug: chip_at(
            known[slug],
            row=rows.row[slug],
            x=rows.x[slug],
            y=y,
            beside=beside.widths.get(slug, 0.0),
        )
        for slug, y in places
    }
    stubs = [stub for chip in chips.values() for stub in beside.stubs(chip)]
    gone = {edge for stub in stubs for edge in stub.edges}
    right = max((chip.reach for chip in chips.values()), default=0.0) + MARGIN
    return Picture(
        width=right,
        height=bands[-1].y + bands[-1].height if bands else AXIS_HEIGHT,
        axis_x=axis.x,
        gutter=gutter,
        chips=tuple(chips.values()),
        lines=_lines([e for e in inside if e not in gone], forest, chips),
        badges=tuple(b for chip in chips.values() for b in beside.badges(chip)),
        stubs=tuple(stubs),
        bands=tuple(bands),
        ticks=tuple(_ticks(known.values(), axis, right)),
    )


def _axis(
    nodes: Iterable[Node], gutter: float, width: float, beside: Mapping[str, float]
) -> Axis:
    """Return the axis on which every chip ends inside the width, if that is wide."""
    dated = [(node.month, node) for node in nodes if node.month is not None]
    first = min((month for month, _ in dated), default=0)
    x = gutter + MARGIN
    fitting = [
        (width - x - MARGIN - chip_width(node) - beside.get(node.slug, 0.0))
        / (month - first)
        for month, node in dated
        if month > first
    ]
    pixels = min(fitting, default=WIDEST_MONTH)
    return Axis(
        x=x,
        first_month=first,
        month_pixels=min(max(pixels, NARROWEST_MONTH), WIDEST_MONTH),
    )


def _bands(
    families: Families, forest: Forest, rows: Rows
) -> tuple[list[Band], list[tuple[str, float]]]:
    """Return the bands from top to bottom and the y of every chip, in their order."""
    bands: list[Band] = []
    places: list[tuple[str, float]] = []
    row, y = 0, AXIS_HEIGHT
    for family in families.order:
        members = families.members[family]
        roots = [node.slug for node in members if node.slug not in forest.edge_above]
        before, first = set(rows.row), row
        row = rows.place(roots, first_row=row)
        placed = [slug for slug in rows.row if slug not in before]
        placed.sort(key=lambda slug: (rows.row[slug], rows.x[slug]))
        top = y + BAND_PADDING
        label_y = top + CHIP_HEIGHT / 2
        if width_of(family) + 2 * MARGIN > rows.x[placed[0]]:
            top += LABEL_HEIGHT
            label_y = y + BAND_PADDING
        places += [(s, top + (rows.row[s] - first) * ROW_PITCH) for s in placed]
        height = top - y + (row - first) * ROW_PITCH
        bands.append(Band(label=family, y=y, height=height, label_y=label_y))
        y += height
    return bands, places


def _lines(
    edges: Sequence[Edge], forest: Forest, chips: Mapping[str, Chip]
) -> tuple[Line, ...]:
    """Return the lines, thin layers first so that weights are drawn above them."""
    router = Router(chips.values())
    lines = []
    for edge in sorted(edges, key=lambda edge: -LAYER_ORDER.index(edge.layer)):
        parent, child = chips[edge.parent], chips[edge.child]
        if forest.edge_above.get(edge.child) is edge:
            lines.append(trunk_line(edge, parent, child))
        else:
            lines.append(router.line(edge, parent, child))
    return tuple(lines)


def _ticks(nodes: Iterable[Node], axis: Axis, right: float) -> Iterable[Tick]:
    months = sorted(node.month for node in nodes if node.month is not None)
    if not months:
        return
    for month in range(months[0], months[-1] + 13):
        x = axis.x_of(month)
        label = f"{month // 12}-{month % 12 + 1:02d}"
        is_first = month == months[0]
        room = width_of(label) + 12
        near_year = not is_first and month - months[0] < room / axis.month_pixels
        if x < right - room and (is_first or (month % 12 == 0 and not near_year)):
            yield Tick(x=x, label=label if is_first else label[:4])
