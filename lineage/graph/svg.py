"""A picture as SVG elements, the same in pages and in files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from html import escape
from typing import Final

from lineage.graph.beside import BADGE_PADDING, NAME_OFFSET, SAMPLE_PIXELS
from lineage.graph.draw import AXIS_HEIGHT
from lineage.graph.elements import (
    MARK_PIXELS,
    Badge,
    Chip,
    Edge,
    Line,
    Picture,
    Stub,
)

SQUARE_CATEGORIES: Final = frozenset({"base", "retrained"})
TICK_Y: Final = 16
BADGE_HEIGHT: Final = 16.0


def axis(picture: Picture, *, unknown: str) -> str:
    """Return the dates above the picture; `unknown` heads those without one."""
    return "".join(_axis(picture, unknown))


def body(picture: Picture, *, lit: Collection[str] = (), focus: str = "") -> str:
    """Return everything below the dates: bands, lines, chips and what is beside them.

    What is in `lit` and the chip of `focus` bear a class of their own.
    """
    return "\n".join(_body(picture, lit, focus))


def _axis(picture: Picture, unknown: str) -> Iterator[str]:
    if picture.gutter:
        yield f'<text class="tick" x="10" y="{TICK_Y}">{escape(unknown)}</text>'
    for tick in picture.ticks:
        x = _px(tick.x)
        yield f'<path class="axis" d="M{x} 4V{_px(AXIS_HEIGHT)}"/>'
        yield f'<text class="tick" x="{x}" dx="4" y="{TICK_Y}">{tick.label}</text>'


def _body(picture: Picture, lit: Collection[str], focus: str) -> Iterator[str]:
    width, height = _px(picture.width), _px(picture.height)
    for band in picture.bands:
        yield (
            f'<rect class="band" x="0" y="{_px(band.y)}" width="{width}" '
            f'height="{_px(band.height)}"/>'
        )
    if picture.gutter:
        yield (
            f'<rect class="gutter" x="1" y="{_px(AXIS_HEIGHT)}" '
            f'width="{_px(picture.gutter)}" height="{height}"/>'
        )
    ways = "".join(f"M{_px(t.x)} {_px(AXIS_HEIGHT)}V{height}" for t in picture.ticks)
    yield f'<path class="axis" d="{ways}"/>'
    for band in picture.bands:
        if band.label:
            yield (
                f'<text class="band-label" x="10" y="{_px(band.label_y)}">'
                f"{escape(band.label)}</text>"
            )
    yield from (_line(line, lit) for line in picture.lines)
    yield from (_chip(chip, lit, focus) for chip in picture.chips)
    yield from (_badge(badge, lit) for badge in picture.badges)
    yield from (_stub(stub, lit) for stub in picture.stubs)


def _line(line: Line, lit: Collection[str]) -> str:
    edge, (x, y) = line.edge, line.mark_corner
    mark = f"<use {_symbol(f'mark-{edge.state}', x, y)}/>" if edge.state else ""
    return (
        f'<g class="{_edge_class([edge], lit)}" data-child="{escape(edge.child)}" '
        f'data-parent="{escape(edge.parent)}"><title>{escape(edge.title)}</title>'
        f"{_way(edge.layer, line.path)}{mark}</g>"
    )


def _way(layer: str, path: str) -> str:
    way = f'<path class="line line--{layer}" d="{path}"/>'
    if layer == "component":
        way += f'<path class="line-core" d="{path}"/>'
    return way


def _chip(chip: Chip, lit: Collection[str], focus: str) -> str:
    node, (x, y) = chip.node, chip.shape_corner
    classes = ["chip", f"chip--{node.category or node.kind}"]
    classes += ["lit"] if node.slug in lit else []
    classes += ["is-focus"] if node.slug == focus else []
    shape = f"shape-{node.category or 'none'}"
    corner = 2 if node.category in SQUARE_CATEGORIES else 8
    return (
        f'<a class="{" ".join(classes)}" href="{escape(node.href)}" '
        f'data-slug="{escape(node.slug)}"><title>{escape(node.title)}</title>'
        f'<rect x="{_px(chip.x)}" y="{_px(chip.y)}" width="{_px(chip.width)}" '
        f'height="{_px(chip.height)}" rx="{corner}"/>'
        f'<use class="shape" {_symbol(shape, x, y)}/>'
        f'<text x="{_px(chip.text_x)}" y="{_px(chip.middle)}">{escape(chip.text)}'
        "</text></a>"
    )


def _badge(badge: Badge, lit: Collection[str]) -> str:
    group, x, top = badge.fold, badge.x, badge.y - BADGE_HEIGHT / 2
    is_lit = " lit" if lit and not set(group.members).isdisjoint(lit) else ""
    return (
        f'<a class="chip chip--folded{is_lit}" href="{escape(group.href)}" '
        f'data-slug="{escape(group.key)}"><title>{escape(group.title)}</title>'
        f'<rect x="{_px(x)}" y="{_px(top)}" width="{_px(badge.width)}" '
        f'height="{_px(BADGE_HEIGHT)}" rx="{_px(BADGE_HEIGHT / 2)}"/>'
        f'<text x="{_px(x + BADGE_PADDING)}" y="{_px(badge.y)}">{escape(group.label)}'
        "</text></a>"
    )


def _stub(stub: Stub, lit: Collection[str]) -> str:
    edge = stub.edges[0]
    title = "\n".join(edge.title for edge in stub.edges)
    x, y = stub.x, stub.y
    parents = " ".join(edge.parent for edge in stub.edges)
    head = (
        f'class="stub {_edge_class(stub.edges, lit)}" '
        f'data-child="{escape(edge.child)}" data-parent="{escape(parents)}"'
    )
    if stub.is_count:
        text = f'<text x="{_px(x)}" y="{_px(y)}">{escape(stub.text)}</text>'
        return f"<g {head}><title>{escape(title)}</title>{text}</g>"
    way = _way(edge.layer, f"M{_px(x)} {_px(y)}h{_px(SAMPLE_PIXELS)}")
    mark = _symbol(f"mark-{edge.state}", x + SAMPLE_PIXELS, y - MARK_PIXELS / 2)
    return (
        f'<a {head} href="{escape(stub.href)}"><title>{escape(title)}</title>{way}'
        f"{f'<use {mark}/>' if edge.state else ''}"
        f'<text x="{_px(x + NAME_OFFSET)}" y="{_px(y)}">{escape(stub.text)}</text></a>'
    )


def _edge_class(edges: Iterable[Edge], lit: Collection[str]) -> str:
    states = {edge.state for edge in edges}
    state = states.pop() if len(states) == 1 else ""
    is_lit = any(edge.child in lit and edge.parent in lit for edge in edges)
    return f"edge{f' edge--{state}' if state else ''}{' lit' if is_lit else ''}"


def _symbol(name: str, x: float, y: float) -> str:
    return (
        f'href="#{name}" x="{_px(x)}" y="{_px(y)}" '
        f'width="{_px(MARK_PIXELS)}" height="{_px(MARK_PIXELS)}"'
    )


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
