"""The family tree as a page, a table and a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from lineage.drawings import Drawing, Options, draw_derivations
from lineage.exports import FORMS
from lineage.models import Derivation
from lineage.tree import (
    BRANCHES,
    MAX_HOPS,
    PARTS,
    TreeQuery,
    derivations_around,
    derivations_between,
    derivations_described,
    matches,
    read_tree_query,
)
from registry.limits import costly
from registry.models import RegisteredModel
from registry.permissions import sight_of
from registry.templatetags.words import word

TABLE_ROWS: Final = 100
# The file brings its colours along, and no script.
FILE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Choice:
    """A word of the legend and the address that shows or hides it."""

    word: str
    label: str
    is_on: bool
    href: str


@dataclass(frozen=True)
class Found:
    """What answers a query: derivations, of how many, and entries to draw anyway.

    Near a focus nobody counts what is left out; `cut_at` says of how many drawn.
    `start` and `end` are single where a connection was asked for and both were found.
    """

    derivations: Sequence[Derivation]
    n_all: int
    cut_at: int | None = None
    matches: Sequence[RegisteredModel] = ()
    start: Sequence[RegisteredModel] = ()
    end: Sequence[RegisteredModel] = ()

    @property
    def focus(self) -> RegisteredModel | None:
        return self.matches[0] if len(self.matches) == 1 else None

    @property
    def ends(self) -> tuple[RegisteredModel, RegisteredModel] | None:
        """Return the two whose connection is drawn, if each is one entry."""
        if len(self.start) == len(self.end) == 1:
            return self.start[0], self.end[0]
        return None

    @property
    def alone(self) -> list[RegisteredModel]:
        """Return what is drawn even where no derivation leads to it."""
        return [*(self.ends or ()), *self.matches]


@costly
def tree(request: HttpRequest) -> HttpResponse:
    """Draw what is described here; or the kin of a focus; or how two are connected."""
    query = read_tree_query(request.GET, sight_of(request.user))
    found = _find(query)
    form = request.GET.get("as", "")
    if form == "svg":
        return _file(request, query, found)
    context = {
        "query": query,
        "found": found,
        "choices": {part: _choices(query, part) for part in PARTS},
        "branches": _branches(query),
        "further": _further(query, found),
        "form": form,
        "exports": FORMS,
        "cut_at": found.cut_at,
        "picture_address": query.address(),
        "table_address": query.address(**{"as": "table"}),
        "file_address": query.address(**{"as": "svg"}),
    }
    if form == "table":
        rows = Paginator(found.derivations, TABLE_ROWS)
        context["page"] = rows.get_page(request.GET.get("page"))
    else:
        context["drawing"] = _draw(query, found)
    return render(request, "lineage/tree.html", context)


def _find(query: TreeQuery) -> Found:
    if query.start or query.end:
        start, end = (matches(text, query.sight) for text in (query.start, query.end))
        found = Found([], 0, start=start, end=end)
        if not found.ends:
            return found
        between = derivations_between(*found.ends, query)
        return Found(between, len(between), start=found.start, end=found.end)
    focus = matches(query.focus, query.sight)
    if focus:
        near = derivations_around(focus, query)
        n_all = len(near.derivations)
        return Found(near.derivations, n_all, near.cut_at, matches=focus)
    described, n_all = derivations_described(query)
    return Found(described, n_all)


def _draw(query: TreeQuery, found: Found, *, site: str = "") -> Drawing:
    options = Options(
        focus=found.focus.slug if found.focus else "",
        query=query,
        lights=[model.slug for model in found.matches] if not found.focus else (),
        page=reverse("lineage:tree"),
        is_browsing=not site,
        site=site,
    )
    return draw_derivations(found.derivations, alone=found.alone, options=options)


def _file(request: HttpRequest, query: TreeQuery, found: Found) -> HttpResponse:
    site = request.build_absolute_uri("/").removesuffix("/")
    name = found.focus.slug if found.focus else "family-tree"
    context = {"drawing": _draw(query, found, site=site), "title": name}
    return HttpResponse(
        render_to_string("lineage/graph.svg", context),
        content_type="image/svg+xml; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.svg"',
            "Content-Security-Policy": FILE_POLICY,
        },
    )


def _choices(query: TreeQuery, part: str) -> list[Choice]:
    shown = query.words(part)
    return [
        Choice(each, word(each, part), each in shown, query.toggled(part, each))
        for each in PARTS[part]
    ]


def _branches(query: TreeQuery) -> list[Choice]:
    """Return the whole tree and its branches, as tabs."""
    whole = Choice(
        "", gettext("Whole tree"), not query.branch, query.address(branch="")
    )
    return [
        whole,
        *(
            Choice(
                branch,
                word(branch, "architecture"),
                branch == query.branch,
                query.address(branch=branch),
            )
            for branch in BRANCHES
        ),
    ]


def _further(query: TreeQuery, found: Found) -> str:
    """Return the address of one generation more, where there may be one."""
    if not found.matches or query.down >= MAX_HOPS:
        return ""
    return query.address(down=query.down + 1)
