"""Families: models that bear one name, and how they come from each other."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.db.models import Count, Max, Min, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from lineage.drawings import draw_derivations
from lineage.tree import drawn
from registry.models import RegisteredModel
from registry.permissions import sight_of

PAGE_SIZE: Final = 50
# More lines than this are no picture that anybody can read.
MOST_DRAWN: Final = 300


def families(request: HttpRequest) -> HttpResponse:
    """List the families, the largest first."""
    found = (
        RegisteredModel.objects.listed()
        .filter(sight_of(request.user).allows())
        .exclude(family="")
        .values("family")
        .annotate(n=Count("id"), first=Min("released", filter=~Q(released="")))
        .annotate(last=Max("released"))
        .order_by("-n", "family")
    )
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "lineage/families.html", {"page": page})


def family(request: HttpRequest, name: str) -> HttpResponse:
    """Show the models of a family, oldest first, and the derivations among them."""
    sight = sight_of(request.user)
    seen = RegisteredModel.objects.listed().filter(sight.allows())
    members = seen.filter(family__iexact=name)
    first = members.first()
    if first is None:
        raise Http404
    if first.family != name:
        return redirect(reverse("lineage:family", args=[first.family]))
    within = drawn(sight).filter(child__in=members, parent__in=members).to_draw()
    derivations = list(within.order_by("child__released", "id")[:MOST_DRAWN])
    listed = members.select_related("organization").order_by("released", "name", "id")
    context = {
        "name": first.family,
        "page": Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page")),
        "drawing": draw_derivations(derivations),
    }
    return render(request, "lineage/family.html", context)
