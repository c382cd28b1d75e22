"""The atlas: everything registered in one picture, with a table of the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from lineage import atlases
from lineage.atlases import CATEGORIES, LAYERS, MAX_OPENED, ORIGINS, Sheet
from lineage.models import Derivation
from registry.limits import costly
from registry.models import RegisteredModel
from registry.models.registered import RegisteredModelQuerySet
from registry.permissions import PUBLIC, Sight, sight_of
from registry.templatetags.words import word

PAGE_SIZE: Final = 50
MAX_QUERY_LENGTH: Final = 200
MAX_FAMILIES: Final = 200


@dataclass(frozen=True)
class Choice:
    """A value of a filter, how many entries or lines have it, and whether it is on."""

    value: str
    code: int
    label: str
    count: int
    is_on: bool


@dataclass(frozen=True)
class Asked:
    """What a reader asked for: a name, filters, and what was opened."""

    text: str
    chosen: dict[str, list[str]]
    opened: list[str]
    sight: Sight = PUBLIC

    @classmethod
    def of(cls, request: HttpRequest) -> Asked:
        """Return what stands in an address; unknown words show nothing."""
        query, sight = request.GET, sight_of(request.user)
        names = ("category", "origin", "family", "layer")
        text = query.get("q", "").replace("\x00", "")[:MAX_QUERY_LENGTH].strip()
        chosen = {name: query.getlist(name) for name in names if query.get(name)}
        return cls(text, chosen, query.getlist("open")[:MAX_OPENED], sight)

    @cached_property
    def match(self) -> RegisteredModel | None:
        """Return the entry of that slug, address or name, if there is one."""
        if not self.text:
            return None
        shown = self._shown
        return (
            shown.with_slug(self.text.replace("/", "--", 1)).first()
            or shown.filter(hub_repos__repo_id__lower=self.text.lower()).first()
            or shown.filter(name__iexact=self.text).order_by("id").first()
            or shown.filter(name_zh__iexact=self.text).order_by("id").first()
        )

    @property
    def _shown(self) -> RegisteredModelQuerySet:
        shown = RegisteredModel.objects.listed_or_imported()
        return shown.filter(self.sight.allows())

    def sheet(self) -> Sheet:
        """Return the atlas, with the kin of what was opened or is not shown."""
        slugs = [slug.lower() for slug in self.opened]
        opened = self._shown.filter(slug__lower__in=slugs)
        ids = list(opened.values_list("pk", flat=True)) if slugs else []
        sheet = atlases.sheet(ids, self.sight)
        if self.match and self.match.pk not in sheet.places:
            sheet = atlases.sheet([*ids, self.match.pk], self.sight)
        return sheet

    def address(self, **changes: Any) -> str:
        """Return the query string of this page with some parts changed."""
        parts = {"q": self.text, **self.chosen, "open": self.opened, **changes}
        return urlencode({k: v for k, v in parts.items() if v}, doseq=True)


def atlas(request: HttpRequest) -> HttpResponse:
    """Show the atlas, its filters, and a page of the table."""
    asked = Asked.of(request)
    sheet = asked.sheet()
    rows = _filtered(asked, sheet)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "asked": asked,
        "sheet": sheet,
        "n": len(sheet.entries),
        "n_rows": len(rows),
        "rows": _rows(page, sheet, asked.sight),
        "page": page,
        "before": asked.address(page=page.number - 1),
        "after": asked.address(page=page.number + 1),
        "filters": _filters(asked, sheet),
        "families": _families(asked, sheet),
        "lonely": _lonely(sheet),
        "data": f"{reverse('lineage:atlas-data')}?{asked.address()}",
    }
    return render(request, "lineage/atlas.html", context)


@costly
def data(request: HttpRequest) -> HttpResponse:
    """Return the places, names and derivations of what the atlas shows, compressed."""
    body = Asked.of(request).sheet().body()
    accepts = "gzip" in request.headers.get("Accept-Encoding", "")
    headers = {"ETag": body.etag, "Cache-Control": "no-cache"}
    if accepts:
        headers["Content-Encoding"] = "gzip"
    response = HttpResponse(
        body.gzipped if accepts else body.plain,
        content_type="application/json",
        headers=headers,
    )
    patch_vary_headers(response, ["Accept-Encoding", "Cookie"])
    return response


def card(request: HttpRequest, pk: int) -> HttpResponse:
    """Return what the atlas says of an entry on which somebody clicks."""
    asked = Asked.of(request)
    shown = RegisteredModel.objects.listed_or_imported().filter(asked.sight.allows())
    model = get_object_or_404(shown.select_related("organization"), pk=pk)
    sheet = asked.sheet()
    counts = _counts([pk], asked.sight)
    n_shown = sum(parent == sheet.places.get(pk) for _child, parent in _pairs(sheet))
    opened = [slug for slug in asked.opened if slug != model.slug]
    context = {
        "model": model,
        "n_parents": counts[0].get(pk, 0),
        "n_children": counts[1].get(pk, 0),
        "n_hidden": counts[1].get(pk, 0) - n_shown,
        "more": asked.address(q=model.slug, open=[*opened, model.slug][-MAX_OPENED:]),
    }
    return render(request, "lineage/_atlas_card.html", context)


def _pairs(sheet: Sheet) -> set[tuple[int, int]]:
    return {(child, parent) for child, parent, _layer in sheet.edges}


def _filtered(asked: Asked, sheet: Sheet) -> list[int]:
    """Return the indexes for the table, what most derive from first."""
    chosen = asked.chosen
    categories = _codes(CATEGORIES, chosen.get("category"))
    origins = chosen.get("origin")
    families = set(chosen.get("family", ()))
    discs = {disc for disc in sheet.named if sheet.key_of(disc) in families}
    text = asked.text.casefold()
    return [
        i
        for i in sheet.heaviest
        if (not categories or sheet.entries[i].category in categories)
        and (not origins or sheet.entries[i].origin in origins)
        and (not families or sheet.atlas.disc_of[i] in discs)
        and (not text or asked.match or text in sheet.entries[i].shown_name.casefold())
        and (not asked.match or sheet.entries[i].pk == asked.match.pk)
    ]


def _codes(words: Sequence[str], chosen: list[str] | None) -> set[str]:
    """Return the words chosen, where "none" stands for the empty one."""
    return {"" if value == "none" else value for value in chosen or ()}


def _rows(page: Page[Any], sheet: Sheet, sight: Sight) -> list[dict[str, Any]]:
    ids = [sheet.entries[i].pk for i in page]
    models = RegisteredModel.objects.select_related("organization").in_bulk(ids)
    parents, children = _counts(ids, sight)
    return [
        {
            "model": models[pk],
            "n_parents": parents.get(pk, 0),
            "n_children": children.get(pk, 0),
        }
        for pk in ids
        if pk in models
    ]


def _counts(ids: Sequence[int], sight: Sight) -> tuple[dict[int, int], dict[int, int]]:
    """Return of each entry how many parents and how many children it has."""
    shown = Derivation.objects.shown().visible_to(sight).order_by()
    ups = shown.filter(child__in=ids).values_list("child")
    downs = shown.filter(parent__in=ids).values_list("parent")
    return (
        dict(ups.annotate(n=Count("parent", distinct=True))),
        dict(downs.annotate(n=Count("child", distinct=True))),
    )


def _filters(asked: Asked, sheet: Sheet) -> dict[str, list[Choice]]:
    """Return the values of each filter that occur, with their counts."""
    counted = {
        "category": Counter(entry.category for entry in sheet.entries),
        "origin": Counter(entry.origin for entry in sheet.entries),
        "layer": Counter(str(LAYERS[layer]) for _c, _p, layer in sheet.edges),
    }
    words = {"category": CATEGORIES, "origin": ORIGINS, "layer": LAYERS}
    return {
        name: [
            Choice(
                value=value or "none",
                code=code,
                label=_label(name, value),
                count=counts[value],
                is_on=(value or "none") in asked.chosen.get(name, ()),
            )
            for code, value in enumerate(map(str, words[name]))
            if counts[value]
        ]
        for name, counts in counted.items()
    }


def _label(name: str, value: str) -> str:
    if name == "origin":
        return str(RegisteredModel.Origin(value).label)
    return word(value, name) if value else _("Without a category")


def _lonely(sheet: Sheet) -> str:
    """Return the name of the disc of those without kin, as far as is shown."""
    if len(sheet.entries) < sheet.n_all:
        return _("Kin not shown")
    return _("Sharing ideas at most")


def _families(asked: Asked, sheet: Sheet) -> list[Choice]:
    """Return the largest discs by name, and what was chosen."""
    chosen = asked.chosen.get("family", ())
    return [
        Choice(
            value=sheet.key_of(disc),
            code=disc,
            label=sheet.name_of(disc) or _lonely(sheet),
            count=sheet.atlas.discs[disc].n,
            is_on=sheet.key_of(disc) in chosen,
        )
        for disc in sheet.named[:MAX_FAMILIES]
    ]
