"""Which family comes from which: the order of bands, and the edge behind each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lineage.graph.elements import Edge, Node
from lineage.graph.place import LAYER_ORDER, weightiest_first

NO_DATE = 10**6


@dataclass(frozen=True)
class Families:
    """Families from top to bottom, each below the one it comes from.

    `edge_above` holds, for a family that comes from another, the edge that says so.
    """

    members: Mapping[str, Sequence[Node]]
    edge_above: Mapping[str, Edge]
    order: Sequence[str]


def with_families(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> dict[str, Node]:
    """Return the nodes; one without a family joins that of its weightiest parent."""
    known = dict(nodes)
    for edge in sorted(edges, key=lambda edge: LAYER_ORDER.index(edge.layer)):
        child, parent = known[edge.child], known[edge.parent]
        if edge.makes_kin and not child.family and parent.family:
            known[child.slug] = replace(child, family=parent.family)
    return known


def families_of(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Families:
    """Return the families of the nodes, of which each has one or "".

    A family comes from where its oldest member with a parent elsewhere comes from.
    What belongs to no family stands last.
    """
    members: dict[str, list[Node]] = defaultdict(list)
    for node in sorted(nodes.values(), key=_oldest_first):
        members[node.family].append(node)
    oldest = sorted(members, key=lambda family: _age(family, members[family]))
    abroad: dict[str, list[Edge]] = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: weightiest_first(edge, nodes)):
        if edge.makes_kin and _joins_families(edge, nodes):
            abroad[edge.child].append(edge)
    above: dict[str, Edge] = {}
    for family in oldest:
        found = (e for node in members[family] for e in abroad.get(node.slug, ()))
        for edge in found:
            if not _leads_to(family, nodes[edge.parent].family, above, nodes):
                above[family] = edge
                break
    return Families(members, above, _from_above(oldest, above, nodes))


def _joins_families(edge: Edge, nodes: Mapping[str, Node]) -> bool:
    child, parent = nodes[edge.child], nodes[edge.parent]
    return (
        bool(child.family)
        and bool(parent.family)
        and child.family != parent.family
        and (parent.month or 0) <= (child.month or 0)
    )


def _leads_to(
    top: str, family: str, above: Mapping[str, Edge], nodes: Mapping[str, Node]
) -> bool:
    while family != top and family in above:
        family = nodes[above[family].parent].family
    return family == top


def _from_above(
    oldest: Sequence[str], above: Mapping[str, Edge], nodes: Mapping[str, Node]
) -> list[str]:
    below: dict[str, list[str]] = defaultdict(list)
    for family in oldest:
        if family in above:
            below[nodes[above[family].parent].family].append(family)
    order: list[str] = []
    stack = [family for family in reversed(oldest) if family not in above]
    while stack:
        family = stack.pop()
        order.append(family)
        stack.extend(reversed(below[family]))
    return order


def _oldest_first(node: Node) -> tuple[int, str]:
    return node.month or 0, node.slug


def _age(family: str, members: Sequence[Node]) -> tuple[bool, int, str]:
    months = [node.month for node in members if node.month is not None]
    return not family, min(months, default=NO_DATE), family
