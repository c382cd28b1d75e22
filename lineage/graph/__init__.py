"""The family tree as a drawing: entries and edges in, coordinates out. No Django."""

from lineage.graph.draw import draw
from lineage.graph.elements import Chip, Edge, Line, Node, Picture
from lineage.graph.fold import fold, fold_key
from lineage.graph.kin import kin_of

__all__ = [
    "Chip",
    "Edge",
    "Line",
    "Node",
    "Picture",
    "draw",
    "fold",
    "fold_key",
    "kin_of",
]
