"""Which layer of one model resembles which of the other, placed as a drawing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registry.fingerprint.anatomy.structure import MAX_LAYERS as ALL_COMPARED

# More layers than this are neither drawn nor listed; the drawing says so.
MOST_LAYERS: Final = 256
# A layer with a smaller share of matched units comes from elsewhere.
LEAST_SHARE: Final = 0.1
_WIDEST, _NARROWEST, _FULL_WIDTH = 40, 6, 600
_LABEL, _BOX, _GAP, _MARGIN = 18, 24, 48, 4
_ROOM_FOR_NUMBER: Final = 26
HEIGHT: Final = 2 * _LABEL + 2 * _BOX + _GAP


@dataclass(frozen=True)
class Row:
    """A layer of b, the layer of a most like it, and the share of units that match."""

    layer_a: int
    layer_b: int
    share: float

    @property
    def is_matched(self) -> bool:
        """Return whether the two layers are one, and not just the nearest pair."""
        return self.share > LEAST_SHARE


@dataclass(frozen=True)
class Box:
    """A layer as a box around `middle`; `label` is its number where there is room.

    `level` is the filled part from below, in pixels.
    """

    x: int
    middle: int
    label: str
    level: int
    is_used: bool

    @property
    def top(self) -> int:
        """Return where the filled part begins; only boxes of b have one."""
        return HEIGHT - _LABEL - self.level


@dataclass(frozen=True)
class Link:
    """A line between two boxes; `opacity` follows the share of matched units."""

    path: str
    opacity: str


@dataclass(frozen=True)
class LayerMap:
    """The drawing: boxes of a above, of b below, lines between, and the same rows.

    `n_left_out` layers are beyond what is drawn.
    """

    rows: Sequence[Row]
    above: Sequence[Box]
    below: Sequence[Box]
    links: Sequence[Link]
    width: int
    box: int
    n_left_out: int

    height = HEIGHT
    box_height = _BOX
    y_above = _LABEL
    y_below = _LABEL + _BOX + _GAP
    y_label_above = _LABEL - 6
    y_label_below = HEIGHT - 4

    @property
    def is_dense(self) -> bool:
        """Return whether boxes are so narrow that lines must be thin."""
        return self.box < 8


def layer_map(evidence: Sequence[Mapping[str, Any]]) -> LayerMap | None:
    """Return the drawing of the layers in a comparison's evidence, if it has any."""
    item = next((i for i in evidence if i["kind"] == "layer-map"), None)
    if item is None or not item["layers"]:
        return None
    rows = sorted((Row(*row) for row in item["layers"]), key=lambda r: r.layer_b)
    kept = rows[:MOST_LAYERS]
    return _place(kept, _layers_of_a(kept, evidence), n_left_out=len(rows) - len(kept))


def _layers_of_a(
    rows: Sequence[Row], evidence: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Return a's layers: all, where all were compared, so that gaps are seen."""
    matched = {row.layer_a for row in rows}
    depths = [i["n_layers_a"] for i in evidence if "n_layers_a" in i]
    depth = depths[0] if depths else len(rows)
    is_whole = [row.layer_b for row in rows] == list(range(len(rows)))
    if is_whole and depth <= ALL_COMPARED:
        matched |= set(range(depth))
    return sorted(matched)


def _place(rows: Sequence[Row], layers_a: list[int], *, n_left_out: int) -> LayerMap:
    n = max(len(rows), len(layers_a))
    pitch = max(_NARROWEST, min(_WIDEST, _FULL_WIDTH // n))
    box = pitch - (8 if pitch > 20 else 2 if pitch > 8 else 1)
    every = -(-_ROOM_FOR_NUMBER // pitch)

    def place(i: int, layer: int, level: int, is_used: bool) -> Box:
        x = _MARGIN + i * pitch
        label = "" if i % every else str(layer)
        return Box(x, x + box // 2, label, level, is_used)

    used = {row.layer_a for row in rows if row.is_matched}
    above = {
        layer: place(i, layer, 0, layer in used) for i, layer in enumerate(layers_a)
    }
    below = [
        place(i, row.layer_b, round(row.share * _BOX) * row.is_matched, row.is_matched)
        for i, row in enumerate(rows)
    ]
    links = [
        _link(above[row.layer_a].middle, under.middle, row.share)
        for row, under in zip(rows, below, strict=True)
        if row.is_matched
    ]
    width = n * pitch + 2 * _MARGIN
    return LayerMap(rows, list(above.values()), below, links, width, box, n_left_out)


def _link(x_a: int, x_b: int, share: float) -> Link:
    top, bottom = LayerMap.y_above + _BOX, LayerMap.y_below
    middle = (top + bottom) // 2
    path = f"M{x_a} {top}C{x_a} {middle} {x_b} {middle} {x_b} {bottom}"
    return Link(path, f"{0.2 + 0.8 * min(1.0, share):.2f}")
