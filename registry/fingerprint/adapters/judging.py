"""Was an adapter trained on a given base? Its outputs point where the base's do.

The gradient of a matrix lives where the signals of its own network live, and so do
an adapter's output directions. An unrelated base has them elsewhere: its labels
are arbitrary (see axes). Energy on these directions is about twice what chance
gives on the true base and 0.9 to 1.1 times on others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from registry.fingerprint.adapters.axes import AdapterModule, Axis, Kind, axes_of
from registry.fingerprint.adapters.exchange import (
    Moments,
    log10_tail,
    permutation_moments,
    sign_moments,
    together,
)
from registry.fingerprint.adapters.subspaces import directions, energies, energy_ratio
from registry.fingerprint.comparing.null import FLOOR_LOG10

RELATED_LOG10_P: Final = -6.0
SUSPECT_LOG10_P: Final = -2.0
MIN_POWER: Final = 0.99
# Models of one random start that were trained apart look alike too, but less. With
# gates their units reach at most .13 of the effect on the width, a base and its
# children at least .15; without gates at most .16 against .18 of what is possible,
# and values .45 of the width's against .49. Values alone: .26 against .40 at the
# median (docs/method.md).
UNITS_TO_WIDTH: Final = 0.14
VALUES_TO_WIDTH: Final = 0.47
GATED_EFFECT: Final = 0.025
PLAIN_EFFECT: Final = 0.15
VALUES_EFFECT: Final = 0.30
# For power: less than an adapter reached on its base or a child of it.
LEAST_EFFECT: Final[Mapping[Kind, float]] = {
    "units": 0.03,
    "values": 0.10,
    "width": 0.15,
}
# Some of the labels are enough, and which ones does not matter.
MAX_LABELS: Final[Mapping[Kind, int]] = {"units": 2048, "width": 2048, "values": 1024}

_DECIDING: Final[tuple[Kind, ...]] = ("units", "values", "width")
_GATED: Final = frozenset({"gate_proj", "up_proj", "gate_up_proj", "w1", "w3"})

Findings = Sequence[tuple[Kind, Moments]]


@dataclass(frozen=True)
class ModuleTest:
    """One matrix: energy on the adapter's directions relative to chance, and z."""

    name: str
    kind: Kind
    energy: float
    z: float | None


@dataclass(frozen=True)
class AdapterTest:
    """Whether the adapter was trained on the base or on a close relative of it.

    `effect` is the share of the largest possible likeness, 0 by chance. `kind`
    says which outputs decide. `why_open` is a stable code when related is None:
    not-comparable, little-power, borderline, common-start, shared-width.
    """

    related: bool | None
    log10_p: float | None
    effect: float | None
    kind: Kind | None
    n_groups: int
    power: float
    modules: tuple[ModuleTest, ...]
    why_open: str | None = None


def judge(modules: Iterable[AdapterModule]) -> AdapterTest:
    """Return what the matrices that the adapter changes say about this base."""
    axes = axes_of([_scaled(module) for module in modules if _is_sound(module)])
    groups: dict[tuple[Kind, str], list[Axis]] = defaultdict(list)
    for axis in axes:
        groups[axis.kind, axis.group].append(axis)
    found: list[tuple[Kind, Moments]] = []
    for (kind, _), group in groups.items():
        moments = _moments(group)
        if moments is not None:
            found.append((kind, moments))
    return _decide(found, tuple(_module_test(axis) for axis in axes))


def _is_sound(module: AdapterModule) -> bool:
    a, b, w = module.a, module.b, module.w
    if not a.ndim == b.ndim == w.ndim == 2 or w.shape != (len(b), a.shape[1]):
        return False
    if b.shape[1] != len(a) or not w.size or not b.size:
        return False
    return all(np.isfinite(part).all() and part.any() for part in (b, w))


def _scaled(module: AdapterModule) -> AdapterModule:
    """Return the module with values of at most one, so that squares are finite."""
    b, w = module.b / np.abs(module.b).max(), module.w / np.abs(module.w).max()
    return replace(module, b=b.astype(np.float64), w=w.astype(np.float64))


def _moments(group: Sequence[Axis]) -> Moments | None:
    """Return the statistic of axes that share their labels."""
    kind = group[0].kind
    n = min(len(axis.b) for axis in group)
    rows = np.unique(np.linspace(0, n - 1, min(n, MAX_LABELS[kind])).astype(np.intp))
    bs, ws = [axis.b[rows] for axis in group], [axis.w[rows] for axis in group]
    if kind != "values":
        bs, ws = [b - b.mean(axis=0) for b in bs], [w - w.mean(axis=0) for w in ws]
    x = np.hstack([directions(b) for b in bs])
    y = np.hstack([energies(w) for w in ws])
    return (sign_moments if kind == "values" else permutation_moments)(x, y)


def _module_test(axis: Axis) -> ModuleTest:
    moments = _moments([axis])
    z = None if moments is None else round(moments.z, 3)
    energy = round(energy_ratio(axis.b, axis.w), 4)
    return ModuleTest(axis.name, axis.kind, energy, z)


def _decide(found: Findings, modules: tuple[ModuleTest, ...]) -> AdapterTest:
    inner = [(kind, moments) for kind, moments in found if kind != "width"]
    total = together([moments for _, moments in inner or found])
    if total is None:
        return AdapterTest(None, None, None, None, 0, 0.0, modules, "not-comparable")
    effects = {kind: _effect([m for k, m in found if k == kind]) for kind, _ in found}
    log10_p = log10_tail(total, FLOOR_LOG10)
    related, why = _refusal(found)
    power = _power(found)
    if inner and log10_p <= SUSPECT_LOG10_P:
        plain = not any(_is_gated(module.name) for module in modules)
        related, why = _recognition(log10_p, _is_common_start(effects, plain))
    kind = next(kind for kind in _DECIDING if kind in effects)
    return AdapterTest(
        related=related,
        log10_p=round(log10_p, 4),
        effect=round(effects[kind], 4),
        kind=kind,
        n_groups=len(inner or found),
        power=round(power, 6),
        modules=modules,
        why_open=why,
    )


def _recognition(
    log10_p: float, is_common_start: bool
) -> tuple[bool | None, str | None]:
    if log10_p > RELATED_LOG10_P:
        return None, "borderline"
    return (None, "common-start") if is_common_start else (True, None)


def _refusal(found: Findings) -> tuple[bool | None, str | None]:
    """Return False when a base would have been seen, by any of its outputs."""
    total = together([moments for _, moments in found])
    assert total is not None
    inner = [(kind, moments) for kind, moments in found if kind != "width"]
    log10_p = log10_tail(total, FLOOR_LOG10)
    if log10_p <= SUSPECT_LOG10_P:
        # Embeddings taken over from the base line up the width and nothing else.
        why = "borderline" if log10_p > RELATED_LOG10_P else "shared-width"
        return (False, None) if _power(inner) >= MIN_POWER else (None, why)
    return (False, None) if _power(found) >= MIN_POWER else (None, "little-power")


def _is_common_start(effects: Mapping[Kind, float], plain: bool) -> bool:
    """Tell whether the likeness is no more than one random start leaves."""
    units, width = effects.get("units"), effects.get("width", 0.0)
    if units is None:
        return effects.get("values", 1.0) < VALUES_EFFECT
    if plain:
        values = effects.get("values", math.inf)
        return units < PLAIN_EFFECT or values < VALUES_TO_WIDTH * width
    return units < max(GATED_EFFECT, UNITS_TO_WIDTH * width)


def _is_gated(name: str) -> bool:
    return name.lower().rpartition(".")[2] in _GATED


def _effect(found: Sequence[Moments]) -> float:
    """Return the share of the largest possible excess over the mean."""
    possible = sum(moments.most - moments.mean for moments in found)
    excess = sum(moments.observed - moments.mean for moments in found)
    return excess / possible if possible > 0 else 0.0


def _power(found: Findings) -> float:
    """Return P(p <= 1e-6) for an adapter that reaches the least effect."""
    total = together([moments for _, moments in found])
    if total is None:
        return 0.0
    expected = sum(LEAST_EFFECT[kind] * moments.reach for kind, moments in found)
    z = (expected - _needed(total)) / math.sqrt(total.variance)
    return math.erfc(-z / math.sqrt(2)) / 2


def _needed(total: Moments) -> float:
    """Return the least sum whose tail is RELATED_LOG10_P, by halving."""
    low, high = 0.0, 100 * math.sqrt(total.variance)
    for _ in range(40):
        middle = (low + high) / 2
        tried = Moments(middle, 0.0, total.variance, total.third, total.most)
        if log10_tail(tried, FLOOR_LOG10) <= RELATED_LOG10_P:
            high = middle
        else:
            low = middle
    return high
