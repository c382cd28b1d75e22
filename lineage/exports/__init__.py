"""A piece of the lineage in the formats of others. Pure: an extract in, text out."""

from lineage.exports.cyclonedx import as_cyclonedx
from lineage.exports.dot import as_dot
from lineage.exports.extract import Entry, Extract
from lineage.exports.graphml import as_graphml

__all__ = ["Entry", "Extract", "as_cyclonedx", "as_dot", "as_graphml"]
