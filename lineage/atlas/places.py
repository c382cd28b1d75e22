"""Discs within discs: models around hubs, hubs in families, families in components."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineage.atlas.groups import NONE, Groups, Kin, group
from lineage.atlas.packing import Circle, enclosing, pack

Floats = NDArray[np.float64]

# A model of which so many derive directly has a disc of its own.
MIN_CHILDREN: Final = 8
# A window is wider than high.
STRETCH: Final = 1.6
# Radii: of a model from which nobody derives 1, of others by this power.
_POWER: Final = 0.32
_GAP: Final = 0.4
# The margin around a disc: a share of its radius within limits.
_SHARE: Final = 0.04
_MARGINS: Final = (0.3, 3.0)


@dataclass(frozen=True)
class Disc:
    """The disc of a group: its circle, its members, and the model at its head.

    The head is NONE for the disc of all that have no kin.
    """

    circle: Circle
    n: int
    head: int


@dataclass(frozen=True)
class Atlas:
    """Where every model stands, how large it is, and in which disc."""

    x: Floats
    y: Floats
    r: Floats
    disc_of: list[int]
    discs: list[Disc]


def place(kin: Kin) -> Atlas:
    """Return the places of all models; the same for the same register.

    No two models and no two discs overlap, and every model lies within its disc.
    """
    radii = (1 + np.asarray(kin.weights, dtype=float)) ** _POWER
    groups = group(kin)
    at, reaches = _within_groups(groups, radii)
    members = _by(groups.group_of)
    alone = sorted(_alone(groups, members), key=lambda model: -radii[model])
    reach = _rounded(alone, radii, at)
    circles = _side_by_side(groups, reaches, alone, reach)
    disc_of = np.full(kin.n, NONE)
    discs: list[Disc] = []
    for number, circle in circles.items():
        here = alone if number == NONE else members[number]
        at[here] += (circle.x, circle.y)
        disc_of[here] = len(discs)
        head = NONE if number == NONE else groups.heads[number]
        discs.append(Disc(circle, len(here), head))
    return Atlas(at[:, 0], at[:, 1], radii, disc_of.tolist(), discs)


def rings(core: float, radii: Floats, around: Floats) -> tuple[Floats, float]:
    """Return places in rings around a core at the origin, and how far they reach.

    Radii must not rise. `around` says, as a share of the whole circle, where each one
    would like to be; within its ring it comes near.
    """
    at = np.zeros((len(radii), 2))
    done, reach = 0, core
    if core == 0 and len(radii):
        done, reach = 1, float(radii[0])
    while done < len(radii):
        slot = float(radii[done]) + _GAP / 2
        way = reach + _GAP / 2 + slot
        room = int(math.pi / math.asin(slot / way) + 1e-9)
        ring = np.arange(done, min(done + room, len(radii)))
        ring = ring[np.argsort(around[ring], kind="stable")]
        even = np.arange(len(ring)) / len(ring)
        away = np.exp(2j * np.pi * (around[ring] - even)).sum()
        angle = 2 * np.pi * even + np.angle(away)
        at[ring] = way * np.array([np.cos(angle), np.sin(angle)]).T
        done += len(ring)
        reach = way + slot - _GAP / 2
    return at, reach


def _with_margin(radius: float) -> float:
    least, most = _MARGINS
    return radius + min(max(radius * _SHARE, least), most)


def _by(keys: Sequence[int]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for number, key in enumerate(keys):
        found[key].append(number)
    return dict(found)


def _alone(groups: Groups, members: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the models that share their component with nobody."""
    components = _by(groups.component_of).values()
    return [
        members[numbers[0]][0]
        for numbers in components
        if len(numbers) == 1 and len(members[numbers[0]]) == 1
    ]


def _rounded(alone: Sequence[int], radii: Floats, at: Floats) -> float:
    """Put what has no kin around the origin and return how far it reaches."""
    around = np.arange(len(alone)) / max(len(alone), 1)
    at[alone], reach = rings(0.0, radii[alone], around)
    return reach


def _within_groups(groups: Groups, radii: Floats) -> tuple[Floats, list[float]]:
    """Return the places around the middle of each group, and the groups' radii."""
    at = np.zeros((len(radii), 2))
    before = _preorder(groups)
    hubs = _hubs(groups)
    circles = {}
    for hub, members in hubs.items():
        members.sort(key=lambda member: (-radii[member], before[member]))
        circles[hub] = _flower(hub, members, radii, before, at)
    reaches = []
    for head, here in zip(groups.heads, _by_group(hubs, groups), strict=True):
        here.sort(key=lambda hub: (hub != head, -circles[hub].r))
        packed = pack([_with_margin(circles[hub].r) for hub in here])
        middle = enclosing(packed)
        for hub, circle in zip(here, packed, strict=True):
            own = circles[hub]
            at[[hub, *hubs[hub]]] += (
                circle.x - own.x - middle.x,
                circle.y - own.y - middle.y,
            )
        reaches.append(middle.r)
    return at, reaches


def _flower(
    hub: int, members: list[int], radii: Floats, before: Sequence[int], at: Floats
) -> Circle:
    """Put members around a hub at the origin and return the circle of them all."""
    if not members:
        return Circle(0.0, 0.0, radii[hub] + _GAP / 2)
    if len(members) < MIN_CHILDREN:
        few = pack([radii[model] + _GAP / 2 for model in (hub, *members)])
        at[[hub, *members]] = [(circle.x, circle.y) for circle in few]
        return enclosing(few)
    around = np.argsort(np.argsort([before[member] for member in members]))
    at[members], reach = rings(radii[hub], radii[members], around / len(members))
    return Circle(0.0, 0.0, reach)


def _hubs(groups: Groups) -> dict[int, list[int]]:
    """Return for each hub what belongs to it: all up to the next hubs below.

    Hubs are the heads of groups, and what has at least MIN_CHILDREN right below.
    """
    n_below = np.bincount(
        [upper for upper in groups.above if upper != NONE], minlength=len(groups.above)
    )
    hub_of = list(range(len(groups.above)))
    members: dict[int, list[int]] = {}
    for model in groups.order:
        upper = groups.above[model]
        if upper == NONE or n_below[model] >= MIN_CHILDREN:
            members[model] = []
        else:
            hub_of[model] = hub_of[upper]
            members[hub_of[model]].append(model)
    return members


def _by_group(hubs: Iterable[int], groups: Groups) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in groups.heads]
    for hub in hubs:
        found[groups.group_of[hub]].append(hub)
    return found


def _preorder(groups: Groups) -> list[int]:
    """Return each model's rank when whoever stands under it follows it at once."""
    sizes = [1] * len(groups.above)
    for model in reversed(groups.order):
        if groups.above[model] != NONE:
            sizes[groups.above[model]] += sizes[model]
    ranks, free = [0] * len(groups.above), [0] * (len(groups.above) + 1)
    for model in groups.order:
        upper = groups.above[model]
        ranks[model] = free[upper]
        free[upper] += sizes[model]
        free[model] = ranks[model] + 1
    return ranks


def _side_by_side(
    groups: Groups, reaches: Sequence[float], alone: Collection[int], reach: float
) -> dict[int, Circle]:
    """Return the circles of groups, those of a component together.

    NONE stands for the disc of those without kin, where there is any.
    """
    single = {groups.group_of[model] for model in alone}
    inner: dict[int, dict[int, Circle]] = {}
    outer: dict[int, Circle] = {}
    for component, numbers in _by(groups.component_of).items():
        if numbers[0] in single:
            continue
        largest = sorted(numbers, key=lambda number: -reaches[number])
        packed = pack([_with_margin(reaches[number]) for number in largest])
        inner[component] = dict(zip(largest, packed, strict=True))
        outer[component] = enclosing(packed)
    if alone:
        inner[NONE] = {NONE: Circle(0, 0, reach)}
        outer[NONE] = Circle(0, 0, reach)
    order = sorted(outer, key=lambda component: -outer[component].r)
    packed = pack(
        [_with_margin(outer[component].r) for component in order],
        stretch=STRETCH,
    )
    return {
        number: Circle(
            circle.x - outer[component].x + place_.x,
            circle.y - outer[component].y + place_.y,
            reaches[number] if number != NONE else reach,
        )
        for component, place_ in zip(order, packed, strict=True)
        for number, circle in inner[component].items()
    }
