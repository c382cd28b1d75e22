"""What differs between two models in names, shapes, config and tokenizer.

Reads headers and small JSON files, no weights; says nothing about descent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from registry.fingerprint.comparing.naming import MAX_RENAMED, rename_by_place
from registry.fingerprint.reading.folder import ModelFiles
from registry.fingerprint.reading.places import name_pattern
from registry.fingerprint.reading.tokenizer import extends, id_agreement, read_tokens

MISSING: Final = None


def diff_models(a: ModelFiles, b: ModelFiles) -> dict[str, Any]:
    """Return what differs, as one JSON object.

    `names.renamed` maps patterns of a to those of b; `shapes` lists name patterns
    whose shapes differ; `config` maps a key to both values, null where
    missing; `tokenizer.extends` is "a" or "b", the one that holds the other's
    tokens with the same ids and more, or null. Raises BrokenJson.
    """
    shapes_a = {tensor.name: tensor.shape for tensor in a.tensors}
    shapes_b = {tensor.name: tensor.shape for tensor in b.tensors}
    return {
        "a": a.name,
        "b": b.name,
        "names": _names(shapes_a, shapes_b),
        "shapes": _shapes(shapes_a, shapes_b),
        "config": _config(a.config, b.config),
        "tokenizer": _tokenizers(a.tokenizer, b.tokenizer),
    }


def _names(
    a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    only_a = {name_pattern(name) for name in a.keys() - b.keys()}
    only_b = {name_pattern(name) for name in b.keys() - a.keys()}
    # So many are never all paired, and trying takes hours on hostile headers.
    is_few = max(len(only_a), len(only_b)) <= MAX_RENAMED
    renamed = rename_by_place(a, b) if is_few else {}
    return {
        "renamed": renamed,
        "only_a": sorted(only_a - renamed.keys()),
        "only_b": sorted(only_b - set(renamed.values())),
    }


def _shapes(
    a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]]
) -> list[dict[str, Any]]:
    differing = {
        (name_pattern(name), a[name], b[name])
        for name in a.keys() & b.keys()
        if a[name] != b[name]
    }
    return [{"name": name, "a": x, "b": y} for name, x, y in sorted(differing)]


def _config(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[Any]]:
    keys = sorted(a.keys() | b.keys())
    pairs = {key: [a.get(key, MISSING), b.get(key, MISSING)] for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _tokenizers(a: Path | None, b: Path | None) -> dict[str, Any]:
    if a is None or b is None:
        return {"id_agreement": None, "extends": None}
    tokens_a, tokens_b = read_tokens(a), read_tokens(b)
    return {
        "id_agreement": id_agreement(tokens_a, tokens_b),
        "extends": extends(tokens_a, tokens_b),
    }
