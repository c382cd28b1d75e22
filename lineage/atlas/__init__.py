"""Where every model stands in the atlas: numpy and no Django."""

from lineage.atlas.groups import Groups, Kin, group
from lineage.atlas.packing import Circle, enclosing, pack
from lineage.atlas.places import Atlas, Disc, place

__all__ = [
    "Atlas",
    "Circle",
    "Disc",
    "Groups",
    "Kin",
    "enclosing",
    "group",
    "pack",
    "place",
]
