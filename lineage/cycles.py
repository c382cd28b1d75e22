"""Which of many new edges would close a cycle. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Edge = tuple[int, int]


def closing(new: Sequence[Edge], known: Iterable[Edge]) -> set[int]:
    """Return the positions of the new edges that would close a cycle.

    Edges are (child, parent), the known ones free of cycles. The new ones are taken in
    their order: each that closes a cycle with those before it is refused. As nearly
    all lie on no cycle, only what two sweeps leave of the graph is walked edge by edge.
    """
    known = list(known)
    core = _on_cycles([*known, *new])
    parents: dict[int, list[int]] = {node: [] for node in core}
    for child, parent in known:
        if child in core and parent in core:
            parents[child].append(parent)
    refused = set()
    for position, (child, parent) in enumerate(new):
        if child not in core or parent not in core:
            continue
        if _reaches(parent, child, parents):
            refused.add(position)
        else:
            parents[child].append(parent)
    return refused


def _on_cycles(edges: Sequence[Edge]) -> set[int]:
    """Return the nodes that are left when all without a way in or out are taken away.

    They lie on cycles, or on ways from one cycle to another.
    """
    reversed_ = [(parent, child) for child, parent in edges]
    left = _without_leaves(edges)
    return left & _without_leaves(reversed_)


def _without_leaves(edges: Sequence[Edge]) -> set[int]:
    """Return the nodes from which one can walk for ever (Kahn's algorithm)."""
    n_out: dict[int, int] = {}
    into: dict[int, list[int]] = {}
    for start, end in edges:
        n_out[start] = n_out.get(start, 0) + 1
        n_out.setdefault(end, 0)
        into.setdefault(end, []).append(start)
    leaves = [node for node, n in n_out.items() if n == 0]
    while leaves:
        leaf = leaves.pop()
        del n_out[leaf]
        for node in into.get(leaf, ()):
            n_out[node] -= 1
            if n_out[node] == 0:
                leaves.append(node)
    return set(n_out)


def _reaches(start: int, end: int, steps: dict[int, list[int]]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == end:
            return True
        ahead = [other for other in steps[node] if other not in seen]
        seen.update(ahead)
        waiting += ahead
    return False
