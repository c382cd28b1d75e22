"""The family tree as a drawing: entries and edges in, coordinates out. No Django."""

from lineage.graph import svg
from lineage.graph.branches import branch_edges
from lineage.graph.draw import AXIS_HEIGHT, draw
from lineage.graph.elements import Badge, Chip, Edge, Fold, Line, Node, Picture, Stub
from lineage.graph.fold import fold, fold_key
from lineage.graph.kin import kin_of

__all__ = [
    "AXIS_HEIGHT",
    "Badge",
    "Chip",
    "Edge",
    "Fold",
    "Line",
    "Node",
    "Picture",
    "Stub",
    "branch_edges",
    "draw",
    "fold",
    "fold_key",
    "kin_of",
    "svg",
]
