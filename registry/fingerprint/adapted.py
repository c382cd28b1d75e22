"""An adapter alone beside a model: is it the one that the adapter was trained on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from registry.fingerprint.adapters import (
    AdapterModule,
    AdapterTest,
    halves,
    judge,
    oriented,
    place,
    read_config,
    why_not_comparable,
)
from registry.fingerprint.adapters.config import CONFIG
from registry.fingerprint.anatomy.parts import read_vectors
from registry.fingerprint.anatomy.structure import Part
from registry.fingerprint.comparison import Comparison, Evidence
from registry.fingerprint.reading.folder import CONFIG_LIMIT_BYTES, ModelFiles
from registry.fingerprint.reading.rounding import FLOATS
from registry.fingerprint.reading.strictjson import read_object
from registry.fingerprint.reading.weights import TensorInfo

TEST: Final = "energy of the model's outputs on the adapter's directions"
NULL: Final = (
    "trained on another model: which of its units and coordinates are which has "
    "nothing to do with the adapter's"
)
LIMITS: Final = (
    "Children of the true base are not told from it: an adapter fits them as well.",
    "Measured on low-rank adapters of small models; larger ones have not been "
    "measured.",
)
WHY_OPEN: Final[Mapping[str, str]] = {
    "little-power": "Too few outputs could be compared to see a base if it were one.",
    "borderline": "The adapter's directions are neither clear of chance nor within it.",
    "common-start": "A model with the same random start would fit the adapter as well.",
    "shared-width": "Embeddings that both bases share would fit the adapter as well.",
}
_MOST_VALUES: Final = 1 << 25

Tensors = dict[str, TensorInfo]


def is_adapter(model: ModelFiles) -> bool:
    """Return whether the model holds LoRA matrices and nothing that they adapt."""
    pairs = halves({tensor.name: tensor.shape for tensor in model.tensors})
    return 2 * len(pairs) == len(model.tensors) > 0


def compare_adapter(
    adapter: ModelFiles, base: ModelFiles, found: Comparison, *, is_b: bool
) -> Comparison:
    """Return the comparison of an adapter with a model, in place of `found`.

    `is_b` says that the adapter is the second of the two. Raises FingerprintError
    for weights that cannot be read.
    """
    modules, refusal = _modules(adapter, base)
    test = judge(modules)
    word = {True: "adapter", False: "unrelated", None: "inconclusive"}[test.related]
    direction = None if test.related is not True else "a->b" if is_b else "b->a"
    known = test.related is not None
    return replace(
        found,
        related=test.related,
        relation=word,
        relation_set=(word,),
        direction=direction,
        p_value=10**test.log10_p if known and test.log10_p is not None else None,
        log10_p=test.log10_p if known else None,
        effect=test.effect if known else None,
        test=TEST,
        null=NULL,
        renamed={},
        evidence=tuple(_evidence(test, len(modules), refusal)),
        limits=LIMITS,
    )


def _evidence(test: AdapterTest, n: int, refusal: str | None) -> Iterator[Evidence]:
    if test.related is None:
        code = test.why_open or "not-comparable"
        yield Evidence("open-question", code, refusal or WHY_OPEN.get(code, code))
    energies = [module.energy for module in test.modules]
    if energies:
        energy = round(float(np.mean(energies)), 3)
        text = (
            f"On the directions of {n} adapted matrices this model has {energy:.2f} "
            f"times the energy that chance gives."
        )
        yield Evidence("adapter-fit", energy, text, {"n_modules": n})
    if test.related is False:
        power = round(test.power, 6)
        text = (
            f"On its true base the adapter would have been seen with probability "
            f"{power:.3f}."
        )
        yield Evidence("adapter-power", power, text)


def _modules(
    adapter: ModelFiles, base: ModelFiles
) -> tuple[list[AdapterModule], str | None]:
    """Return the adapter's modules with the base's matrices, or why there are none."""
    mine = {tensor.name: tensor for tensor in adapter.tensors}
    pairs = halves({name: tensor.shape for name, tensor in mine.items()})
    shapes: dict[str, tuple[int, ...]] = {
        module: (mine[b].shape[0], mine[a].shape[1]) for module, (a, b) in pairs.items()
    }
    theirs = {t.name: t for t in base.tensors if len(t.shape) == 2}
    forms: dict[str, tuple[int, ...]] = {n: t.shape for n, t in theirs.items()}
    placed = place(shapes, forms)
    refusal = why_not_comparable(shapes, forms, placed)
    if refusal:
        return [], refusal
    transposed = read_config(_config(adapter)).transposed
    modules = []
    for module in _within_budget(placed, theirs):
        a, b = (_values(mine[name]) for name in pairs[module])
        w = oriented(_values(theirs[placed[module]]), shapes[module], transposed)
        modules.append(AdapterModule(module, a, b, w))
    return modules, None


def _within_budget(placed: Mapping[str, str], theirs: Tensors) -> list[str]:
    """Return modules spread over the model, as many as memory has room for."""
    names = [name for name in sorted(placed) if theirs[placed[name]].dtype in FLOATS]
    total = sum(theirs[placed[name]].n_elements for name in names)
    return names[:: max(1, -(-total // _MOST_VALUES))]


def _values(tensor: TensorInfo) -> np.ndarray[Any, np.dtype[np.float64]]:
    return read_vectors(Part(tensor, 0, tensor.shape[0])).astype(np.float64)


def _config(adapter: ModelFiles) -> dict[str, Any]:
    path = adapter.path / CONFIG
    if not path.is_file():
        return {}
    return read_object(path, limit_bytes=CONFIG_LIMIT_BYTES)
