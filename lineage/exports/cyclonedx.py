"""CycloneDX 1.6: the focus as a component whose pedigree is its lineage."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lineage.exports.extract import Entry, Extract
from lineage.graph import Edge

Json = dict[str, Any]

_TYPES: Mapping[str, str] = {"model": "machine-learning-model"}


def as_cyclonedx(extract: Extract) -> str:
    """Return a bill of materials: ancestors and descendants, the nearest first.

    Every component names the derivations it has to its parents as properties
    `baimo:derivation:<layer>:<relation>:<state>`, of which the value is the parent.
    """
    of_child: dict[str, list[Edge]] = defaultdict(list)
    for edge in extract.derivations:
        of_child[edge.child].append(edge)
    focus, *others = extract.entries
    component = _component(focus, of_child[focus.slug])
    sides: dict[str, list[Json]] = {"ancestors": [], "descendants": []}
    for entry in others:
        side = "ancestors" if entry.slug in extract.above else "descendants"
        sides[side].append(_component(entry, of_child[entry.slug]))
    pedigree: Json = {side: found for side, found in sides.items() if found}
    if extract.truncated_reason:
        pedigree["notes"] = f"Truncated: {extract.truncated_reason}."
    if pedigree:
        component["pedigree"] = pedigree
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component},
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _component(entry: Entry, derivations: Iterable[Edge]) -> Json:
    component: Json = {
        "type": _TYPES.get(entry.kind, "application"),
        "bom-ref": entry.slug,
        "name": entry.name,
        "properties": _properties(entry, derivations),
    }
    if entry.license:
        component["licenses"] = [{"license": {"name": entry.license}}]
    return component


def _properties(entry: Entry, derivations: Iterable[Edge]) -> Sequence[Json]:
    found = {
        "baimo:slug": entry.slug,
        "baimo:category": entry.category,
        "baimo:released": entry.released,
        "baimo:hops": str(entry.hops),
        "baimo:removed": "true" if entry.is_removed else "",
    }
    pairs = [(name, value) for name, value in found.items() if value]
    pairs += [
        (f"baimo:derivation:{edge.layer}:{edge.relation}:{edge.state}", edge.parent)
        for edge in derivations
    ]
    return [{"name": name, "value": value} for name, value in pairs]
