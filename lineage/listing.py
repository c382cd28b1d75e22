"""What a reader of the catalog asked for: words, chosen values, order, all in a query.

The page, its counts and its files are made from the same listing, so they agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Case, CharField, Count, F, Value, When
from django.db.models.functions import Substr
from django.http import QueryDict
from django.utils.translation import gettext as _

from lineage.models import with_verdict
from registry.models import Organization, RegisteredModel
from registry.permissions import PUBLIC, Sight
from registry.templatetags.words import country, large, shown_team, word
from registry.vocabulary import Architecture, Category, Kind, Verdict

MAX_VALUES: Final = 30
MAX_QUERY_LENGTH: Final = 200
NEWEST: Final = "-released"
CLOSEST: Final = "closest"
ORDERS: Final = ("name", "organization", "released", "params", "license")

BILLION: Final = 10**9
# Smallest and first larger number of parameters of each class.
SIZES: Final[Mapping[str, tuple[int, int | None]]] = {
    "under-1b": (0, BILLION),
    "1b-10b": (BILLION, 10 * BILLION),
    "10b-100b": (10 * BILLION, 100 * BILLION),
    "over-100b": (100 * BILLION, None),
}
PUBLISHED: Final[Mapping[str, bool]] = {"yes": True, "no": False}

Chosen = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Filter:
    """A filter of the list; without words, its values are shown as they are.

    The values stand in `column`, an annotation where `Listing` makes one.
    """

    name: str
    column: str
    words: tuple[str, ...] = ()


FILTERS: Final = (
    Filter("kind", "kind", tuple(Kind)),
    Filter("category", "category", tuple(Category)),
    Filter("verdict", "verdict", tuple(Verdict)),
    Filter("open", "published", tuple(PUBLISHED)),
    Filter("size", "size", tuple(SIZES)),
    Filter("architecture", "architecture", tuple(Architecture)),
    Filter("organization", "organization__slug"),
    Filter("family", "family"),
    Filter("country", "organization__country"),
    Filter("year", "year"),
    Filter("license", "license"),
)
# Values that have an order of their own; others stand by their counts.
_IN_ORDER: Final = frozenset({"year"})


@dataclass(frozen=True)
class Choice:
    """A value of a filter, how many entries it would show, and whether it is on."""

    value: str
    label: str
    count: int
    is_on: bool


@dataclass(frozen=True)
class Listing:
    """What a reader asked for; `order` is empty where nothing was asked."""

    text: str
    chosen: Chosen
    asked_order: str = ""
    sight: Sight = PUBLIC

    @property
    def order(self) -> str:
        """Return the order in force: the closest name first after a search."""
        return self.asked_order or (CLOSEST if self.text else NEWEST)

    @cached_property
    def _searched(self) -> Any:
        seen = RegisteredModel.objects.listed().filter(self.sight.allows())
        return _annotated(seen.searched(self.text))

    def models(self, *, without: str = "") -> Any:
        """Return what every filter lets through, except the one named."""
        found = self._searched
        for part in FILTERS:
            values = self.chosen.get(part.name)
            if values and part.name != without:
                found = found.filter(**{f"{part.column}__in": values})
        return found

    def ordered(self) -> Any:
        """Return the entries in the reader's order, unknown values last."""
        models = self.models().select_related("organization")
        if self.order == CLOSEST:
            newest = F("released").desc(nulls_last=True)
            return models.by_name(self.text).order_by("closeness", newest, "name", "id")
        name = self.order.removeprefix("-")
        column = F("organization__slug" if name == "organization" else name)
        descending = self.order.startswith("-")
        ordering = column.desc if descending else column.asc
        if self.order == NEWEST:
            return models.order_by(ordering(nulls_last=True), "name", "id")
        return models.order_by(ordering(nulls_last=True), "id")

    def choices(self, part: Filter) -> list[Choice]:
        """Return the values of a filter with their counts under the other filters."""
        rows = self.models(without=part.name).order_by().values_list(part.column)
        counts = {value: n for value, n in rows.annotate(n=Count("id")) if value}
        on = self.chosen.get(part.name, ())
        values: Sequence[str] = part.words or sorted(
            set(counts) | set(on), key=lambda value: _rank(part, value, counts)
        )
        kept = [v for i, v in enumerate(values) if part.words or i < MAX_VALUES]
        kept += [value for value in on if value not in kept]
        labels = labels_of(part, kept)
        return [
            Choice(value, labels.get(value, value), counts.get(value, 0), value in on)
            for value in kept
            if counts.get(value, 0) or value in on
        ]

    def address(self, **changes: Any) -> str:
        """Return the query string of this listing with some parts changed."""
        parts = {"q": self.text, **self.chosen, "order": self.asked_order}
        kept = {k: v for k, v in {**parts, **changes}.items() if v}
        return "?" + urlencode(kept, doseq=True)

    def removable(self) -> list[tuple[str, str]]:
        """Return each chosen value's label and the address without it."""
        removable = []
        if self.text:
            removable.append((f"“{self.text}”", self.address(q="")))
        for part in FILTERS:
            values = self.chosen.get(part.name, ())
            labels = labels_of(part, values) if values else {}
            for value in values:
                others = [other for other in values if other != value]
                address = self.address(**{part.name: others})
                removable.append((labels.get(value, value), address))
        return removable


def read_listing(query: QueryDict, sight: Sight) -> Listing:
    """Return the listing of a query string; unknown words are left out."""
    chosen = {}
    for part in FILTERS:
        values = query.getlist(part.name)[:MAX_VALUES]
        known = [v for v in values if v and (not part.words or v in part.words)]
        if known:
            chosen[part.name] = known
    order = query.get("order", "")
    if order.removeprefix("-") not in ORDERS:
        order = ""
    text = query.get("q", "").replace("\x00", "")[:MAX_QUERY_LENGTH].strip()
    return Listing(text=text, chosen=chosen, asked_order=order, sight=sight)


def labels_of(part: Filter, values: Sequence[str]) -> Mapping[str, str]:
    """Return what readers call these values of a filter, if not by themselves."""
    if part.name == "organization":
        teams = Organization.objects.filter(slug__in=values)
        return {team.slug: shown_team(team) for team in teams}
    if part.name == "country":
        return {code: country(code) for code in values}
    if part.name == "size":
        return {name: _size_label(*bounds) for name, bounds in SIZES.items()}
    if part.name == "open":
        return {"yes": _("published"), "no": _("not published")}
    return {value: word(value, part.name) for value in part.words}


def _rank(part: Filter, value: str, counts: Mapping[str, int]) -> tuple[Any, ...]:
    if part.name in _IN_ORDER:
        return (-int(value) if value.isdecimal() else 0, value)
    return (-counts.get(value, 0), value)


def _annotated(models: Any) -> Any:
    """Return models with their verdict, year, class of size and whether published."""
    sizes = [
        When(params__gte=low, then=Value(name))
        for name, (low, _high) in reversed(list(SIZES.items()))
    ]
    published = [
        When(open=value, then=Value(name)) for name, value in PUBLISHED.items()
    ]
    text = CharField()
    return with_verdict(models).annotate(
        year=Substr("released", 1, 4),
        size=Case(*sizes, default=None, output_field=text),
        published=Case(*published, default=None, output_field=text),
    )


def _size_label(low: int, high: int | None) -> str:
    if not low:
        return _("under %(size)s") % {"size": large(high)}
    if high is None:
        return _("%(size)s and more") % {"size": large(low)}
    return _("%(low)s to %(high)s") % {"low": large(low), "high": large(high)}
