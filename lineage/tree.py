"""What a reader of the family tree asked for, and the derivations that answer it.

The picture, its table and its file are made from the same query, so they agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Case, Value, When
from django.http import QueryDict

from lineage import queries, walks
from lineage.graph import Edge, branch_edges
from lineage.models import Derivation, DerivationQuerySet
from lineage.queries import Scope
from registry.models import RegisteredModel
from registry.permissions import PUBLIC, Sight
from registry.vocabulary import Architecture, Category, Layer, StatementKind

# More lines than this are no picture that anybody can read.
MAX_EDGES: Final = 600
MAX_EDGES_PER_HOP: Final = 200
HOPS_UP: Final = 8
HOPS_DOWN: Final = 2
MAX_HOPS: Final = 8
MAX_MATCHES: Final = 12
MAX_QUERY_LENGTH: Final = 200
MAX_OPENED: Final = 50
MAX_PATHS: Final = 20
SHOWN_STATES: Final = tuple(s for s in StatementKind if s != StatementKind.WITHDRAWN)

# What can be left out of a picture, word by word.
PARTS: Final[Mapping[str, Sequence[str]]] = {
    "layer": tuple(Layer),
    "state": SHOWN_STATES,
    "category": tuple(Category),
}
BRANCHES: Final[Mapping[str, Sequence[str]]] = {
    Architecture.ENCODER: (Architecture.ENCODER,),
    Architecture.ENCODER_DECODER: (Architecture.ENCODER_DECODER,),
    Architecture.DECODER: (Architecture.DECODER, Architecture.DECODER_MOE),
}


@dataclass(frozen=True)
class TreeQuery:
    """What a reader asked for; a part that is not in `chosen` is shown whole.

    `focus` is the text of the search; `start` and `end` ask how two are connected.
    """

    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    branch: str = ""
    focus: str = ""
    start: str = ""
    end: str = ""
    down: int = HOPS_DOWN
    opened: Sequence[str] = ()
    sight: Sight = PUBLIC

    def words(self, part: str) -> Sequence[str]:
        """Return the words of a part that are shown."""
        return self.chosen.get(part, PARTS[part])

    def address(self, **changes: Any) -> str:
        """Return the query string of this picture with some parts changed."""
        parts = {
            **{part: ",".join(words) for part, words in self.chosen.items()},
            "branch": self.branch,
            "focus": self.focus,
            "from": self.start,
            "to": self.end,
            "down": self.down if self.down != HOPS_DOWN else "",
            "open": self.opened,
        }
        kept = {name: value for name, value in {**parts, **changes}.items() if value}
        return "?" + urlencode(kept, doseq=True)

    def toggled(self, part: str, word: str) -> str:
        """Return the address that shows or hides a word; hiding the last shows all."""
        shown = self.words(part)
        words = [w for w in PARTS[part] if (w in shown) != (w == word)]
        is_all = len(words) in (0, len(PARTS[part]))
        return self.address(**{part: "" if is_all else ",".join(words)})


def read_tree_query(query: QueryDict, sight: Sight) -> TreeQuery:
    """Return the query of an address; unknown words are left out."""
    chosen = {}
    for part, words in PARTS.items():
        asked = {word for value in query.getlist(part) for word in value.split(",")}
        known = [word for word in words if word in asked]
        if known and len(known) < len(words):
            chosen[part] = known
    branch, down = query.get("branch", ""), query.get("down", "")
    return TreeQuery(
        chosen=chosen,
        branch=branch if branch in BRANCHES else "",
        focus=_text(query, "focus"),
        start=_text(query, "from"),
        end=_text(query, "to"),
        down=min(max(int(down), 1), MAX_HOPS) if _is_number(down) else HOPS_DOWN,
        opened=query.getlist("open")[:MAX_OPENED],
        sight=sight,
    )


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "")[:MAX_QUERY_LENGTH].strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 3


def matches(text: str, sight: Sight) -> list[RegisteredModel]:
    """Return the entry of that slug or address, else what the search finds."""
    if not text:
        return []
    seen = RegisteredModel.objects.filter(sight.allows())
    models = seen.select_related("organization")
    exact = (
        models.with_slug(text.replace("/", "--", 1)).first()
        or models.filter(hub_repos__repo_id__lower=text.lower()).first()
    )
    described = models.filter(origin__in=RegisteredModel.DESCRIBED)
    found = described.searched(text).order_by("released", "id")
    return [exact] if exact else list(found[:MAX_MATCHES])


def drawn(sight: Sight) -> DerivationQuerySet:
    """Return what pictures show: all that is seen but what was withdrawn.

    A contradicted derivation stays visible, with its mark; lists leave it out.
    """
    standing = Derivation.objects.exclude(state=StatementKind.WITHDRAWN)
    return standing.visible_to(sight)


@dataclass(frozen=True)
class Near:
    """Derivations near a model; `cut_at` counts them where a generation has more."""

    derivations: Sequence[Derivation]
    cut_at: int | None = None


def derivations_near(
    model: RegisteredModel,
    *,
    up: int,
    down: int,
    shown: DerivationQuerySet,
) -> Near:
    """Return the derivations so many hops above and below, without cousins."""
    near: dict[int, Derivation] = {}
    cut_at = None
    for start, end, hops in (("child", "parent", up), ("parent", "child", down)):
        frontier = {model.pk}
        for _ in range(hops):
            rows = shown.to_draw().filter(**{f"{start}__in": frontier}).order_by("id")
            found = list(rows[: MAX_EDGES_PER_HOP + 1])
            if len(found) > MAX_EDGES_PER_HOP:
                cut_at = MAX_EDGES_PER_HOP
            seen = found[:MAX_EDGES_PER_HOP]
            near.update((row.pk, row) for row in seen)
            frontier = {getattr(row, f"{end}_id") for row in seen}
            if not frontier:
                break
    return Near(sorted(near.values(), key=lambda row: row.pk), cut_at)


def derivations_around(models: Sequence[RegisteredModel], query: TreeQuery) -> Near:
    """Return the derivations near any of the models, as the query allows."""
    around = [
        derivations_near(model, up=HOPS_UP, down=query.down, shown=_allowed(query))
        for model in models
    ]
    rows = {row.pk: row for near in around for row in near.derivations}
    cuts = [near.cut_at for near in around if near.cut_at]
    if len(rows) > MAX_EDGES:
        cuts.append(MAX_EDGES)
    return Near(list(rows.values())[:MAX_EDGES], min(cuts, default=None))


def derivations_described(query: TreeQuery) -> tuple[list[Derivation], int]:
    """Return what is drawn of the whole tree, and how many derivations there are.

    Where they are too many, the catalog comes first.
    """
    allowed = _allowed(query).of_described()
    in_catalog = When(child__origin=RegisteredModel.Origin.CATALOG, then=Value(0))
    rows = allowed.to_draw().order_by(
        Case(in_catalog, default=Value(1)), "child__released", "id"
    )
    if query.branch:
        found = _of_branch(list(rows), BRANCHES[query.branch])
        return found[:MAX_EDGES], len(found)
    found = list(rows[: MAX_EDGES + 1])
    return found[:MAX_EDGES], len(found) if len(found) <= MAX_EDGES else rows.count()


def derivations_between(
    start: RegisteredModel, end: RegisteredModel, query: TreeQuery
) -> list[Derivation]:
    """Return the derivations on the shortest ways from one up and down to the other."""
    scope = Scope(
        layers=frozenset(Layer(word) for word in query.words("layer")),
        states=queries.SHOWN_STATES
        & frozenset(StatementKind(word) for word in query.words("state")),
        sight=query.sight,
    )
    upwards = walks.steps(queries.pairs_above([start.pk, end.pk], scope))
    ways = walks.connections(start.pk, end.pk, upwards, at_most=MAX_PATHS)
    steps = {frozenset(pair) for way in ways for pair in itertools.pairwise(way)}
    on_way = {pk for step in steps for pk in step}
    rows = _allowed(query).filter(child__in=on_way, parent__in=on_way).to_draw()
    return [
        row
        for row in rows.order_by("id")
        if frozenset((row.child_id, row.parent_id)) in steps
        and row.state in scope.states
    ]


def _allowed(query: TreeQuery) -> DerivationQuerySet:
    allowed = drawn(query.sight).filter(
        layer__in=query.words("layer"), state__in=query.words("state")
    )
    if "category" in query.chosen:
        hidden = [word for word in Category if word not in query.words("category")]
        allowed = allowed.exclude(child__category__in=hidden)
        allowed = allowed.exclude(parent__category__in=hidden)
    return allowed


def _of_branch(
    derivations: Sequence[Derivation], branch: Sequence[str]
) -> list[Derivation]:
    by_edge = {edge_of(derivation): derivation for derivation in derivations}
    ends = [end for row in derivations for end in (row.child, row.parent)]
    architecture = {model.slug: model.architecture for model in ends}
    kept = branch_edges(list(by_edge), architecture, branch)
    return [by_edge[edge] for edge in kept]


def edge_of(derivation: Derivation, title: str = "") -> Edge:
    """Return a derivation as a line of a picture."""
    return Edge(
        child=derivation.child.slug,
        parent=derivation.parent.slug,
        layer=derivation.layer,
        relation=derivation.relation,
        state=derivation.state,
        title=title,
    )
