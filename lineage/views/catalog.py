"""The list of everything registered: a page, cards, and files of what it shows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render

from lineage.documents import model_row
from lineage.listing import FILTERS, ORDERS, Listing, read_listing
from registry.models import RegisteredModel
from registry.permissions import sight_of

PAGE_SIZE: Final = 50
COLUMNS: Final = (
    *("slug", "kind", "name", "name_zh", "organization", "country", "released"),
    *("params", "category", "family", "architecture", "open", "license", "verdict"),
)
# A spreadsheet would run a cell that begins so.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def models(request: HttpRequest) -> HttpResponseBase:
    """List entries with counts for every filter, or give them all as a file."""
    listing = read_listing(request.GET, sight_of(request.user))
    if request.GET.get("as") == "csv":
        return _csv(listing, request)
    if request.GET.get("as") == "json":
        return _json(listing)
    return _page(listing, request)


def _page(listing: Listing, request: HttpRequest) -> HttpResponse:
    page = Paginator(listing.ordered(), PAGE_SIZE).get_page(request.GET.get("page"))
    view = "cards" if request.GET.get("view") == "cards" else ""
    context = {
        "listing": listing,
        "page": page,
        "view": view,
        "other_view": listing.address(view="" if view else "cards"),
        "filters": [(part, listing.choices(part)) for part in FILTERS],
        "chosen": listing.removable(),
        "heads": _heads(listing),
        "pages": _neighbours(listing, page, view),
        "files": {name: listing.address(**{"as": name}) for name in ("csv", "json")},
        "n_all": RegisteredModel.objects.listed()
        .filter(listing.sight.allows())
        .count(),
    }
    return render(request, "lineage/models.html", context)


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


def _neighbours(listing: Listing, page: Page[Any], view: str) -> dict[str, str]:
    found = {}
    if page.has_previous():
        number = page.previous_page_number()
        found["previous"] = listing.address(page=number, view=view)
    if page.has_next():
        found["next"] = listing.address(page=page.next_page_number(), view=view)
    return found


def _json(listing: Listing) -> HttpResponse:
    """Return every entry of the listing in its order, as the API writes them."""
    found = [model_row(model) for model in listing.ordered()]
    return JsonResponse({"total": len(found), "results": found}, headers=_named("json"))


def _csv(listing: Listing, request: HttpRequest) -> StreamingHttpResponse:
    """Return every entry of the listing in its order, one line each."""
    site = request.build_absolute_uri("/")
    lines = _csv_lines(listing, site.rstrip("/"))
    return StreamingHttpResponse(
        lines, content_type="text/csv; charset=utf-8", headers=_named("csv")
    )


def _csv_lines(listing: Listing, site: str) -> Iterator[str]:
    yield "\ufeff"  # by which spreadsheets know that Chinese follows
    yield _csv_line([*COLUMNS, "url"])
    for model in listing.ordered().iterator(chunk_size=500):
        row = model_row(model)
        cells = [_cell(row[name]) for name in COLUMNS]
        yield _csv_line([*cells, site + model.get_absolute_url()])


def _csv_line(cells: list[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _named(ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="baimo-models.{ending}"'}
