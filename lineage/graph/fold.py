"""Folding many like siblings into one chip, so that a family stays readable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lineage.graph.elements import Edge, Node

FOLD_FROM = 5


def fold_key(parent: str, relation: str) -> str:
    """Return the name under which a folded group is opened."""
    return f"{parent}:{relation}"


def fold(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    labels: Mapping[str, str],
    kept: Collection[str] = (),
    opened: Collection[str] = (),
) -> tuple[list[Node], list[Edge]]:
    """Return nodes and edges with groups of like leaves folded.

    A group has one parent, one relation and at least FOLD_FROM leaves that nothing
    else connects. `labels` names a relation on the folded chip ("+7 quantized").
    Slugs in `kept` are never folded, groups whose key is in `opened` neither.
    """
    by_slug = {node.slug: node for node in nodes}
    folded_nodes: list[Node] = []
    folded_edges: list[Edge] = []
    gone: set[str] = set()
    for (parent, relation), leaves in _groups(edges, kept).items():
        if len(leaves) < FOLD_FROM or fold_key(parent, relation) in opened:
            continue
        gone.update(edge.child for edge in leaves)
        members = [by_slug[edge.child] for edge in leaves]
        label = f"+{len(leaves)} {labels.get(relation, relation)}"
        node = _folded(members, fold_key(parent, relation), label)
        folded_nodes.append(replace(node, family=by_slug[parent].family))
        folded_edges.append(_common_edge(leaves, node.slug))
    return (
        [node for node in nodes if node.slug not in gone] + folded_nodes,
        [edge for edge in edges if edge.child not in gone] + folded_edges,
    )


def _groups(
    edges: Sequence[Edge], kept: Collection[str]
) -> dict[tuple[str, str], list[Edge]]:
    parents = {edge.parent for edge in edges}
    n_edges = Counter(edge.child for edge in edges)
    groups: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        child = edge.child
        if child not in parents and child not in kept and n_edges[child] == 1:
            groups[edge.parent, edge.relation].append(edge)
    return groups


def _folded(members: Sequence[Node], slug: str, label: str) -> Node:
    dates = sorted(node.released for node in members if node.released)
    return Node(
        slug=slug,
        label=label,
        title=", ".join(node.label for node in members),
        released=dates[0] if dates else "",
        category=members[0].category,
        folded=tuple(node.slug for node in members),
    )


def _common_edge(edges: Sequence[Edge], child: str) -> Edge:
    states = {edge.state for edge in edges}
    return replace(
        edges[0], child=child, state=edges[0].state if len(states) == 1 else ""
    )
