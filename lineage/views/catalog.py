"""The list of everything registered, with filters that live in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from lineage.models import with_verdict
from registry.models import Organization, RegisteredModel
from registry.templatetags.words import shown_team, word
from registry.vocabulary import Category, Kind, Verdict

PAGE_SIZE: Final = 50
MAX_VALUES: Final = 30
MAX_QUERY_LENGTH: Final = 200
DEFAULT_ORDER: Final = "-released"
ORDERS: Final = ("name", "organization", "released", "params", "license")

Chosen = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Filter:
    """A filter of the list; without words, its values are shown as they are."""

    name: str
    column: str
    words: tuple[str, ...] = ()


FILTERS: Final = (
    Filter("kind", "kind", tuple(Kind)),
    Filter("category", "category", tuple(Category)),
    Filter("verdict", "verdict", tuple(Verdict)),
    Filter("organization", "organization__slug"),
    Filter("license", "license"),
)


@dataclass(frozen=True)
class Choice:
    """A value of a filter, how many entries it would show, and whether it is on."""

    value: str
    label: str
    count: int
    is_on: bool


@dataclass(frozen=True)
class Listing:
    """What a reader asked for: words, chosen values, order."""

    text: str
    chosen: Chosen
    order: str

    def models(self, *, without: str = "") -> QuerySet[Any]:
        """Return what every filter lets through, except the one named."""
        found = with_verdict(RegisteredModel.objects.listed().searched(self.text))
        for part in FILTERS:
            values = self.chosen.get(part.name)
            if values and part.name != without:
                found = found.filter(**{f"{part.column}__in": values})
        return found

    def ordered(self) -> QuerySet[Any]:
        """Return the entries in the reader's order, unknown values last."""
        name = self.order.removeprefix("-")
        column = F("organization__slug" if name == "organization" else name)
        descending = self.order.startswith("-")
        ordering = column.desc if descending else column.asc
        models = self.models().select_related("organization")
        if name == "released" and descending:
            return models.order_by(ordering(nulls_last=True), "name", "id")
        return models.order_by(ordering(nulls_last=True), "id")

    def address(self, **changes: Any) -> str:
        """Return the query string of this listing with some parts changed."""
        parts: dict[str, Any] = {"q": self.text, **self.chosen}
        if self.order != DEFAULT_ORDER:
            parts["order"] = self.order
        kept = {k: v for k, v in {**parts, **changes}.items() if v}
        return "?" + urlencode(kept, doseq=True)


def models(request: HttpRequest) -> HttpResponse:
    """List entries with counts for every filter."""
    listing = read_listing(request.GET)
    page = Paginator(listing.ordered(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "listing": listing,
        "page": page,
        "filters": [(part, _choices(listing, part)) for part in FILTERS],
        "chosen": _removable(listing),
        "heads": _heads(listing),
        "pages": _neighbours(listing, page),
        "n_all": RegisteredModel.objects.listed().count(),
    }
    return render(request, "lineage/models.html", context)


def read_listing(query: QueryDict) -> Listing:
    """Return the listing of a query string; unknown words are left out."""
    chosen = {}
    for part in FILTERS:
        values = query.getlist(part.name)[:MAX_VALUES]
        known = [v for v in values if v and (not part.words or v in part.words)]
        if known:
            chosen[part.name] = known
    order = query.get("order", DEFAULT_ORDER)
    if order.removeprefix("-") not in ORDERS:
        order = DEFAULT_ORDER
    text = query.get("q", "").replace("\x00", "")[:MAX_QUERY_LENGTH].strip()
    return Listing(text=text, chosen=chosen, order=order)


def _choices(listing: Listing, part: Filter) -> list[Choice]:
    """Return the values of a filter with their counts under the other filters."""
    rows = listing.models(without=part.name).order_by().values_list(part.column)
    counts = {value: n for value, n in rows.annotate(n=Count("id")) if value}
    labels = _labels(part)
    on = listing.chosen.get(part.name, ())
    values: Sequence[str] = part.words or sorted(
        set(counts) | set(on), key=lambda value: (-counts.get(value, 0), value)
    )
    shown = [v for i, v in enumerate(values) if part.words or i < MAX_VALUES or v in on]
    return [
        Choice(value, labels.get(value, value), counts.get(value, 0), value in on)
        for value in shown
        if counts.get(value, 0) or value in on
    ]


def _labels(part: Filter) -> Mapping[str, str]:
    """Return what readers call the values of a filter; others stand for themselves."""
    if part.name == "organization":
        return {team.slug: shown_team(team) for team in Organization.objects.all()}
    return {value: word(value, part.name) for value in part.words}


def _removable(listing: Listing) -> list[tuple[str, str]]:
    """Return each chosen value's label and the address without it."""
    removable = []
    if listing.text:
        removable.append((f"“{listing.text}”", listing.address(q="")))
    for part in FILTERS:
        values = listing.chosen.get(part.name, ())
        labels = _labels(part) if values else {}
        for value in values:
            others = [other for other in values if other != value]
            address = listing.address(**{part.name: others})
            removable.append((labels.get(value, value), address))
    return removable


def _heads(listing: Listing) -> dict[str, dict[str, str]]:
    """Return, for each sortable column, its address and its aria-sort word."""
    heads = {}
    for name in ORDERS:
        is_up, is_down = listing.order == name, listing.order == f"-{name}"
        other = name if is_down else f"-{name}"
        first = f"-{name}" if name in {"released", "params"} else name
        order = other if is_up or is_down else first
        sort = "ascending" if is_up else "descending" if is_down else ""
        heads[name] = {"address": listing.address(order=order), "sort": sort}
    return heads


def _neighbours(listing: Listing, page: Page[Any]) -> dict[str, str]:
    found = {}
    if page.has_previous():
        found["previous"] = listing.address(page=page.previous_page_number())
    if page.has_next():
        found["next"] = listing.address(page=page.next_page_number())
    return found
