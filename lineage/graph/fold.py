"""Folding many like siblings into one badge, so that a family stays readable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from lineage.graph.elements import Edge, Fold, Node
from lineage.graph.place import weightiest_first

FOLD_FROM: Final = 5
# In a large picture all that is built on an entry folds together.
FOLD_FROM_OF_LARGE: Final = 2
LARGE_FROM: Final = 60
# Who began anew is never folded into the parent of an idea.
NEVER_FOLDED: Final = frozenset({"base", "retrained"})


def fold_key(parent: str, relation: str = "") -> str:
    """Return the name under which a folded group is opened."""
    return f"{parent}:{relation}"


def fold(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    labels: Mapping[str, str],
    kept: Collection[str] = (),
    opened: Collection[str] = (),
) -> tuple[list[Node], list[Edge], list[Fold]]:
    """Return nodes and edges without what is folded, and the folded groups.

    A group has one parent, the weightiest, and one relation, and at least FOLD_FROM
    leaves, from which nothing descends. Among more than LARGE_FROM nodes, two leaves
    of any relation are enough. `labels` names a relation on the group ("+7
    quantized"). Slugs in `kept` are never folded, groups whose key is in `opened`
    neither.
    """
    by_slug = {node.slug: node for node in nodes}
    main = _main_edges(by_slug, edges, kept)
    folds: list[Fold] = []
    if len(nodes) > LARGE_FROM:
        of_parent = _grouped(main, lambda edge: fold_key(edge.parent))
        for key, group in of_parent.items():
            if len(group) >= FOLD_FROM_OF_LARGE and key not in opened:
                folds.append(_fold(by_slug, group, key, labels))
                for edge in group:
                    del main[edge.child]
    alike = _grouped(main, lambda edge: fold_key(edge.parent, edge.relation))
    for key, group in alike.items():
        if len(group) >= FOLD_FROM and key not in opened:
            folds.append(_fold(by_slug, group, key, labels))
    gone = {slug for fold in folds for slug in fold.members}
    return (
        [node for node in nodes if node.slug not in gone],
        [edge for edge in edges if edge.child not in gone],
        folds,
    )


def _main_edges(
    nodes: Mapping[str, Node], edges: Sequence[Edge], kept: Collection[str]
) -> dict[str, Edge]:
    """Return the weightiest edge above each leaf that may be folded."""
    parents = {edge.parent for edge in edges}
    main: dict[str, Edge] = {}
    for edge in sorted(edges, key=lambda edge: weightiest_first(edge, nodes)):
        child = nodes[edge.child]
        if (
            edge.makes_kin
            and child.slug not in parents
            and child.slug not in kept
            and child.category not in NEVER_FOLDED
        ):
            main.setdefault(child.slug, edge)
    return main


def _grouped(
    main: Mapping[str, Edge], key_of: Callable[[Edge], str]
) -> dict[str, list[Edge]]:
    groups: dict[str, list[Edge]] = defaultdict(list)
    for edge in main.values():
        groups[key_of(edge)].append(edge)
    return groups


def _fold(
    nodes: Mapping[str, Node],
    edges: Sequence[Edge],
    key: str,
    labels: Mapping[str, str],
) -> Fold:
    relations = {edge.relation for edge in edges}
    # Many relations have no word in common.
    relation = relations.pop() if len(relations) == 1 else ""
    label = labels.get(relation, relation)
    members = tuple(edge.child for edge in edges)
    return Fold(
        key=key,
        parent=edges[0].parent,
        label=f"+{len(members)} {label}".rstrip(),
        title=", ".join(nodes[slug].label for slug in members),
        members=members,
    )
