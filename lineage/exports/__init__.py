"""A piece of the lineage in the formats of others. Pure: an extract in, text out."""

from collections.abc import Mapping
from typing import Final

from lineage.exports.cyclonedx import as_cyclonedx
from lineage.exports.dot import as_dot
from lineage.exports.extract import Entry, Extract
from lineage.exports.graphml import as_graphml

# What a piece of the lineage is written as, and what readers call it.
FORMS: Final[Mapping[str, str]] = {
    "json": "JSON",
    "graphml": "GraphML",
    "dot": "DOT",
    "svg": "SVG",
    "cyclonedx": "CycloneDX",
}

__all__ = ["FORMS", "Entry", "Extract", "as_cyclonedx", "as_dot", "as_graphml"]
