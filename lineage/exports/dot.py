"""DOT, as Graphviz draws it. By hand: networkx needs a package more to write it."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.exports.extract import Extract


def as_dot(extract: Extract) -> str:
    """Return a digraph from left to right, whose edges lead from parent to child."""
    return "\n".join(["digraph lineage {", *_lines(extract), "}", ""])


def _lines(extract: Extract) -> Iterator[str]:
    yield "  rankdir=LR"
    yield f"  focus={_quoted(extract.focus)}"
    if extract.truncated_reason:
        yield f"  truncated_reason={_quoted(extract.truncated_reason)}"
    for entry in extract.entries:
        words = {
            "label": entry.name,
            "kind": entry.kind,
            "category": entry.category,
            "released": entry.released,
            "hops": str(entry.hops),
            "removed": "true" if entry.is_removed else "",
        }
        yield f"  {_quoted(entry.slug)} [{_attributes(words)}]"
    for edge in extract.derivations:
        words = {"layer": edge.layer, "relation": edge.relation, "state": edge.state}
        ends = f"{_quoted(edge.parent)} -> {_quoted(edge.child)}"
        yield f"  {ends} [{_attributes(words)}]"


def _attributes(words: dict[str, str]) -> str:
    return ", ".join(f"{name}={_quoted(word)}" for name, word in words.items() if word)


def _quoted(text: str) -> str:
    # A backslash begins an escape of labels; a name means itself.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
