"""From rows to drawings: what every page with a piece of the family tree needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from lineage.graph import AXIS_HEIGHT, Fold, Node, Picture, draw, fold, kin_of, svg
from lineage.models import Derivation
from lineage.tree import TreeQuery, edge_of
from registry.models import RegisteredModel
from registry.templatetags.words import shown_name, word
from registry.vocabulary import RELATION_CATEGORY, Relation


@dataclass(frozen=True)
class Drawing:
    """A picture, what is lit in it, and the derivations it shows (its table twin)."""

    picture: Picture
    derivations: Sequence[Derivation]
    focus: str = ""
    lit: frozenset[str] = frozenset()

    axis_height = AXIS_HEIGHT

    @property
    def axis(self) -> SafeString:
        """Return the dates above the picture, as SVG."""
        # The writer escapes every name.
        return mark_safe(svg.axis(self.picture, unknown=gettext("date unknown")))

    @property
    def body(self) -> SafeString:
        """Return what stands below the dates, as SVG."""
        return mark_safe(svg.body(self.picture, lit=self.lit, focus=self.focus))

    @property
    def body_height(self) -> float:
        return self.picture.height - AXIS_HEIGHT


@dataclass(frozen=True)
class Options:
    """What a reader chose to see: a focus, and which folded groups are open.

    The kin of those in `lights` is lit. Folded groups open at `page` with the
    query; chips lead to their model's page, or to their kin where `is_browsing`.
    `site` makes links whole that will leave the site.
    """

    focus: str = ""
    query: TreeQuery = field(default_factory=TreeQuery)
    lights: Collection[str] = ()
    page: str = ""
    is_browsing: bool = False
    site: str = ""
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
    edges = [edge_of(derivation, _title(derivation)) for derivation in derivations]
    lit = frozenset[str]().union(*(kin_of(slug, edges) for slug in options.lights))
    nodes, edges, folds = fold(
        [_node(model, options) for model in entries.values()],
        edges,
        labels={edge.relation: _fold_label(edge.relation) for edge in edges},
        kept={options.focus, *options.lights},
        opened=options.query.opened,
    )
    folds = [replace(group, href=_opening(group, options)) for group in folds]
    picture = draw(nodes, edges, folds=folds, width=options.width)
    return Drawing(picture, derivations, options.focus, lit)


def _node(model: RegisteredModel, options: Options) -> Node:
    name = shown_name(model)
    kind = word(model.category, "category") or word(model.kind, "kind")
    date = model.released or gettext("date unknown")
    stone = f" · {gettext('removed from the register')}" if model.removal_id else ""
    href = model.get_absolute_url()
    if options.is_browsing:
        href = TreeQuery(chosen=options.query.chosen).address(focus=model.slug)
    return Node(
        slug=model.slug,
        label=name,
        title=f"{name} · {kind} · {date}{stone}",
        href=options.site + href,
        released=model.released,
        family=model.family,
        category=model.category,
        kind=model.kind,
    )


def _title(derivation: Derivation) -> str:
    """Return what a line says: the child, the relation, the parent and the state."""
    child, parent = shown_name(derivation.child), shown_name(derivation.parent)
    relation, state = (
        word(derivation.relation, "relation"),
        word(derivation.state, "state"),
    )
    return f"{child}: {relation} {parent} ({state})"


def _fold_label(relation: str) -> str:
    category = RELATION_CATEGORY.get(Relation(relation))
    return word(category, "category") if category else word(relation, "relation")


def _opening(group: Fold, options: Options) -> str:
    """Return the address at which a folded group is open."""
    opened = [*options.query.opened, group.key]
    return options.site + options.page + options.query.address(open=opened)
