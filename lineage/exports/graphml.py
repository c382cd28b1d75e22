"""GraphML, as Gephi, yEd and networkx read it."""

from __future__ import annotations

import networkx as nx

from lineage.exports.extract import Extract


def as_graphml(extract: Extract) -> str:
    """Return a directed multigraph whose edges lead from parent to child."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        focus=extract.focus, total=extract.total
    )
    if extract.truncated_reason:
        graph.graph["truncated_reason"] = extract.truncated_reason
    for entry in extract.entries:
        words = {
            "kind": entry.kind,
            "category": entry.category,
            "released": entry.released,
            "family": entry.family,
            "license": entry.license,
            "removed": "true" if entry.is_removed else "",
        }
        known = {name: word for name, word in words.items() if word}
        graph.add_node(entry.slug, label=entry.name, hops=entry.hops, **known)
    for edge in extract.derivations:
        graph.add_edge(
            edge.parent,
            edge.child,
            key=edge.relation,
            layer=edge.layer,
            relation=edge.relation,
            state=edge.state,
        )
    return '<?xml version="1.0" encoding="utf-8"?>\n' + "\n".join(
        nx.generate_graphml(graph)
    )
