"""The atlas of this register: what is shown, where it stands, and its data for pages.

A process keeps what it has drawn until the register changes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from django.db.models import Count
from django.utils.translation import get_language
from numpy.typing import NDArray

from lineage import queries
from lineage.atlas import Atlas, Kin, place
from lineage.models import Change, Derivation
from lineage.queries import Scope
from registry.models import RegisteredModel, listed
from registry.permissions import PUBLIC, Sight
from registry.templatetags.words import REMOVED_MARK
from registry.vocabulary import Category, Layer

# A browser draws so many at once.
MOST: Final = 50_000
# Of a larger register so many hubs come first, and so many of each that is opened.
N_HUBS: Final = 5_000
N_OPENED: Final = 10_000
MAX_OPENED: Final = 10
# A disc of fewer has no outline, no name and no place among the filters.
MIN_NAMED: Final = 5
# What makes kin, the nearest first; shared ideas and tokenizers are only drawn.
BINDING: Final = (Layer.WEIGHTS, Layer.COMPONENT, Layer.OUTPUTS, Layer.SERVICE)
CATEGORIES: Final = ("", *Category)
ORIGINS: Final = tuple(RegisteredModel.Origin.values)
LAYERS: Final = tuple(Layer)
# Names the disc of those without kin in addresses; no family is called so.
LONELY: Final = "-"
# Coordinates are whole numbers of so many to the radius of the smallest model.
UNITS: Final = 4
# Names and categories change without a derivation; the atlas follows a little later.
MAX_AGE: Final = 600
_KEPT: Final = 4
_COLUMNS: Final = (
    *("id", "name", "name_zh", "category", "family", "origin"),
    *("organization__slug", "repo_name", "removal"),
)


@dataclass(frozen=True)
class Entry:
    """A model of the atlas, as the database has it."""

    pk: int
    name: str
    name_zh: str
    category: str
    family: str
    origin: str
    team: str | None
    repo_name: str
    removal: int | None = None

    @property
    def shown_name(self) -> str:
        """Return the name under which pages speak of it, as shown_name does."""
        if self.repo_name and self.team:
            stone = REMOVED_MARK if self.removal else ""
            return f"{self.team}/{self.repo_name}{stone}"
        is_chinese = (get_language() or "").startswith("zh")
        return self.name_zh if is_chinese and self.name_zh else self.name


@dataclass(frozen=True)
class Body:
    """The data of a sheet, compressed, with the tag that tells it from others."""

    gzipped: bytes
    etag: str

    @classmethod
    def of(cls, data: Any) -> Body:
        """Return data as JSON; equal data have an equal tag."""
        plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hashlib.sha256(plain).hexdigest()[:32]
        return cls(gzip.compress(plain, compresslevel=9, mtime=0), f'W/"{digest}"')

    @property
    def plain(self) -> bytes:
        """Return the JSON itself."""
        return gzip.decompress(self.gzipped)


@dataclass(frozen=True)
class Sheet:
    """What is drawn of the register, by index: entries, their places, derivations.

    `weights` says how many derive directly from each, in the whole register; an edge
    is child, parent and the number of its layer.
    """

    n_all: int
    entries: list[Entry]
    weights: list[int]
    edges: list[tuple[int, int, int]]
    atlas: Atlas
    _bodies: dict[str, Body] = field(default_factory=dict)

    def body(self) -> Body:
        """Return the data for the page's script, in the reader's language."""
        language = get_language() or ""
        if language not in self._bodies:
            self._bodies[language] = Body.of(self.as_json())
        return self._bodies[language]

    @cached_property
    def places(self) -> dict[int, int]:
        """Return the index of each id."""
        return {entry.pk: place_ for place_, entry in enumerate(self.entries)}

    @cached_property
    def heaviest(self) -> list[int]:
        """Return all indexes, what most derive from first."""
        return sorted(range(len(self.entries)), key=lambda i: (-self.weights[i], i))

    @cached_property
    def named(self) -> list[int]:
        """Return the discs with a name, the largest first."""
        discs = self.atlas.discs
        large = [i for i, disc in enumerate(discs) if disc.n >= MIN_NAMED]
        return sorted(large, key=lambda i: (-discs[i].n, i))

    def name_of(self, disc: int) -> str:
        """Return the family of a disc or the name of its head; empty for the lonely."""
        head = self.atlas.discs[disc].head
        if head < 0:
            return ""
        return self.entries[head].family or self.entries[head].shown_name

    def key_of(self, disc: int) -> str:
        """Return what names a disc in addresses, in every language the same."""
        head = self.atlas.discs[disc].head
        return (
            LONELY if head < 0 else self.entries[head].family or self.entries[head].name
        )

    def as_json(self) -> dict[str, Any]:
        """Return the compact arrays that the page's script reads."""
        atlas = self.atlas
        x, y = _whole(atlas.x), _whole(atlas.y)
        left, low = (min(x, default=0), min(y, default=0))
        ids = [entry.pk for entry in self.entries]
        edges = sorted(self.edges)
        return {
            "n_all": self.n_all,
            "n": len(ids),
            "ids": _steps(ids),
            "x": [value - left for value in x],
            "y": [value - low for value in y],
            "r": _whole(atlas.r),
            "category": [CATEGORIES.index(e.category) for e in self.entries],
            "origin": [ORIGINS.index(e.origin) for e in self.entries],
            "categories": CATEGORIES,
            "layerWords": LAYERS,
            "names": [entry.shown_name for entry in self.entries],
            "discs": [
                {
                    "id": number,
                    "x": round(disc.circle.x * UNITS) - left,
                    "y": round(disc.circle.y * UNITS) - low,
                    "r": round(disc.circle.r * UNITS),
                    "n": disc.n,
                    "head": disc.head,
                    "family": self.entries[disc.head].family if disc.head >= 0 else "",
                }
                for number, disc in ((i, atlas.discs[i]) for i in self.named)
            ],
            "children": _steps([child for child, _, _ in edges]),
            "parents": [parent for _, parent, _ in edges],
            "layers": [layer for _, _, layer in edges],
        }


_lock = threading.Lock()
_sheets: OrderedDict[tuple[Any, ...], Sheet] = OrderedDict()


def sheet(opened: Collection[int] = (), sight: Sight = PUBLIC) -> Sheet:
    """Return what the atlas shows, with the kin of what a reader has opened."""
    n_models = RegisteredModel.objects.count()
    # Where all is shown anyhow, nothing needs opening.
    wanted = tuple(sorted(opened)) if n_models > MOST else ()
    # Readers who see the same share a sheet, and nobody gets another's.
    private = RegisteredModel.objects.filter(private=True).order_by("pk")
    kept = list(private.only("private", "organization"))
    seen = tuple(model.pk for model in kept if sight.sees(model))
    hidden = tuple(model.pk for model in kept if not sight.sees(model))
    state = (*_state(), n_models, seen, hidden, wanted)
    with _lock:
        if state not in _sheets:
            _sheets[state] = _draw(wanted, sight if seen else PUBLIC)
            while len(_sheets) > _KEPT:
                _sheets.popitem(last=False)
        _sheets.move_to_end(state)
        return _sheets[state]


def forget() -> None:
    """Let go of what this process has drawn, as if it had just begun."""
    _sheets.clear()


def _state() -> tuple[Any, ...]:
    """Return what differs when the register has changed, or MAX_AGE has passed."""
    newest = RegisteredModel.objects.order_by("-pk").values_list("pk", "updated_at")
    changes = Change.objects.order_by("-pk").values_list("pk", "at")
    age = int(time.time() // MAX_AGE)
    return newest.first(), changes.first(), age


def _draw(opened: Collection[int], sight: Sight) -> Sheet:
    shown = RegisteredModel.objects.listed_or_imported().filter(sight.allows())
    n_all = shown.count()
    if n_all > MOST:
        shown = shown.among(_chosen(opened, sight))
    rows = shown.order_by("id").values_list(*_COLUMNS)
    entries = [Entry(*row) for row in rows.iterator(chunk_size=5_000)]
    ids = [entry.pk for entry in entries]
    places = {pk: place_ for place_, pk in enumerate(ids)}
    edges = [
        (places[child], places[parent], LAYERS.index(Layer(layer)))
        for child, parent, layer in _derivations(ids, is_all=n_all <= MOST)
        if parent in places and child in places
    ]
    children = _n_children(ids, sight, is_all=n_all <= MOST)
    weights = [children.get(pk, 0) for pk in ids]
    kin = Kin(weights, _families(entries), _bonds(edges))
    return Sheet(n_all, entries, weights, edges, place(kin))


def _chosen(opened: Collection[int], sight: Sight) -> set[int]:
    """Return what a register that is too large shows first, at most MOST.

    The hubs, the families that somebody described, and the kin of what was opened,
    nearest first.
    """
    hubs = (
        Derivation.objects.shown()
        .order_by()
        .values("parent")
        .annotate(n=Count("child"))
        .order_by("-n", "parent")
        .values_list("parent", flat=True)
    )
    in_families = RegisteredModel.objects.listed().exclude(family="").order_by("id")
    chosen = set(hubs[:N_HUBS]) | set(in_families.values_list("pk", flat=True)[:N_HUBS])
    for pk in opened:
        scope = Scope(sight=sight)
        near = [pk, *queries.ancestors(pk, scope)]
        near += queries.below(pk, scope).ids[:N_OPENED].tolist()
        new = [other for other in near if other not in chosen]
        chosen.update(new[: max(0, MOST - len(chosen))])
    return chosen


def _derivations(ids: Sequence[int], *, is_all: bool) -> Iterable[tuple[int, int, str]]:
    """Return child, parent and layer of what is drawn, each only once."""
    rows = Derivation.objects.shown()
    if not is_all:
        rows = rows.filter(child__id__any_of=listed(ids))
    return set(rows.order_by().values_list("child_id", "parent_id", "layer"))


def _n_children(ids: Sequence[int], sight: Sight, *, is_all: bool) -> dict[int, int]:
    """Return how many derive directly from each, where any does."""
    rows = Derivation.objects.shown().filter(sight.allows("child"))
    if not is_all:
        rows = rows.filter(parent__id__any_of=listed(ids))
    counted = rows.order_by().values("parent").annotate(n=Count("child", distinct=True))
    return dict(counted.values_list("parent", "n"))


def _families(entries: Iterable[Entry]) -> list[int]:
    """Return a number for each declared family, -1 where there is none."""
    numbers: dict[str, int] = {"": -1}
    return [numbers.setdefault(e.family, len(numbers)) for e in entries]


def _bonds(edges: Sequence[tuple[int, int, int]]) -> NDArray[np.int64]:
    ranks = {LAYERS.index(layer): rank for rank, layer in enumerate(BINDING)}
    rows = [(c, p, ranks[layer]) for c, p, layer in edges if layer in ranks]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _whole(lengths: NDArray[np.float64]) -> list[int]:
    whole: list[int] = np.rint(lengths * UNITS).astype(int).tolist()
    return whole


def _steps(rising: Sequence[int]) -> list[int]:
    """Return the first number and the steps to each next one, which compress well."""
    steps: list[int] = np.diff(rising, prepend=0).astype(int).tolist()
    return steps
