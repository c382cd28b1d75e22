"""From rows to drawings: what every page with a piece of the family tree needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from lineage.graph import Edge, Node, Picture, draw, fold, kin_of
from lineage.models import Derivation, DerivationQuerySet
from registry.models import RegisteredModel
from registry.templatetags.words import shown_name, word
from registry.vocabulary import RELATION_CATEGORY, Relation, StatementKind

MAX_EDGES_PER_HOP = 200


@dataclass(frozen=True)
class Drawing:
    """A picture, what is lit in it, and the derivations it shows (its table twin)."""

    picture: Picture
    derivations: Sequence[Derivation]
    focus: str = ""
    lit: frozenset[str] = frozenset()

    @property
    def listed(self) -> list[Derivation]:
        """Return the derivations for the table: those that are lit, or all."""
        return [
            derivation
            for derivation in self.derivations
            if not self.lit
            or {derivation.child.slug, derivation.parent.slug} <= self.lit
        ]


@dataclass(frozen=True)
class Options:
    """What a reader chose to see: a focus, and which folded groups are open.

    `query` are the parameters to keep in the links of folded groups; the kin of
    those in `lights` is lit.
    """

    focus: str = ""
    opened: Collection[str] = ()
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lights: Collection[str] = ()
    width: float = 1230.0


def draw_derivations(
    derivations: Sequence[Derivation],
    *,
    alone: Iterable[RegisteredModel] = (),
    options: Options | None = None,
) -> Drawing:
    """Return the drawing of derivations, and of entries without any in `alone`."""
    options = options or Options()
    entries = {model.slug: model for model in alone}
    for derivation in derivations:
        entries.setdefault(derivation.child.slug, derivation.child)
        entries.setdefault(derivation.parent.slug, derivation.parent)
    edges = [_edge(derivation) for derivation in derivations]
    lit = frozenset[str]().union(*(kin_of(slug, edges) for slug in options.lights))
    nodes, edges = fold(
        [_node(model) for model in entries.values()],
        edges,
        labels=_fold_labels(edges),
        kept={options.focus, *options.lights},
        opened=options.opened,
    )
    nodes = [_with_href(node, options) for node in nodes]
    lit |= {node.slug for node in nodes if lit.intersection(node.folded)}
    picture = draw(nodes, edges, width=options.width)
    return Drawing(picture, derivations, options.focus, lit)


def drawn() -> DerivationQuerySet:
    """Return what pictures show: all but what was withdrawn.

    A contradicted derivation stays visible, with its mark; lists leave it out.
    """
    return Derivation.objects.exclude(state=StatementKind.WITHDRAWN)


def derivations_near(model: RegisteredModel, *, up: int, down: int) -> list[Derivation]:
    """Return the drawn derivations so many hops above and below, without cousins."""
    near: dict[int, Derivation] = {}
    for start, end, hops in (("child", "parent", up), ("parent", "child", down)):
        frontier = {model.pk}
        for _ in range(hops):
            step = drawn().with_ends()
            rows = step.filter(**{f"{start}__in": frontier}).order_by("id")
            seen = list(rows[:MAX_EDGES_PER_HOP])
            near.update((row.pk, row) for row in seen)
            frontier = {getattr(row, f"{end}_id") for row in seen}
    return sorted(near.values(), key=lambda row: row.pk)


def _node(model: RegisteredModel) -> Node:
    kind = word(model.category, "category") or word(model.kind, "kind")
    date = model.released or gettext("date unknown")
    return Node(
        slug=model.slug,
        label=shown_name(model),
        title=f"{shown_name(model)} · {kind} · {date}",
        href=model.get_absolute_url(),
        released=model.released,
        family=model.family,
        category=model.category,
        kind=model.kind,
    )


def _edge(derivation: Derivation) -> Edge:
    return Edge(
        child=derivation.child.slug,
        parent=derivation.parent.slug,
        layer=derivation.layer,
        relation=derivation.relation,
        state=derivation.state,
    )


def _fold_labels(edges: Iterable[Edge]) -> dict[str, str]:
    return {edge.relation: _fold_label(edge.relation) for edge in edges}


def _fold_label(relation: str) -> str:
    category = RELATION_CATEGORY.get(Relation(relation))
    return word(category, "category") if category else word(relation, "relation")


def _with_href(node: Node, options: Options) -> Node:
    """Return a folded chip with the link that opens it; others as they are."""
    if not node.folded:
        return node
    query = {**options.query, "open": [*options.opened, node.slug]}
    href = f"{reverse('lineage:tree')}?{urlencode(query, doseq=True)}"
    return replace(node, href=href, kind="folded")
