"""An Atom feed of what is new, and the map of pages for search engines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.contrib.sitemaps import Sitemap
from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lineage import veils
from lineage.models import Verification
from registry.models import RegisteredModel
from registry.permissions import PUBLIC
from registry.templatetags.words import shown_name, told, word

MOST: Final = 50

News = RegisteredModel | Verification


class NewsFeed(Feed):  # type: ignore[type-arg]  # no subscript at run time
    """Models entered and verdicts given, the newest first."""

    feed_type = Atom1Feed
    title = gettext_lazy("New in the register")
    subtitle = gettext_lazy("Models entered and verdicts given, the newest first.")

    def link(self) -> str:
        """Return the home page."""
        return reverse("lineage:home")

    def items(self) -> list[News]:
        """Return the newest entries and verdicts together."""
        listed = RegisteredModel.objects.listed().filter(PUBLIC.allows())
        models = listed.select_related("organization")
        verdicts = Verification.objects.public().visible_to(PUBLIC).with_models()
        news: list[News] = [*models.order_by("-created_at", "-id")[:MOST]]
        latest = verdicts.order_by("-created_at", "-id")[:MOST]
        news += veils.veiled_all(latest, PUBLIC)
        return sorted(news, key=_moment, reverse=True)[:MOST]

    def item_title(self, item: Any) -> str:
        """Return the model's name, with the verdict if the item is one."""
        if isinstance(item, Verification):
            name = shown_name(item.revision.model)
            return f"{name}: {word(item.verdict, 'verdict')}"
        return shown_name(item)

    def item_description(self, item: Any) -> str:
        """Return what the entry is, or what the verdict was compared with."""
        if isinstance(item, Verification):
            other = item.compared_with
            return f"{_('compared with')} {shown_name(other)}" if other else ""
        return told(item.facts, "description")

    def item_link(self, item: Any) -> str:
        """Return the page of the entry or the verdict."""
        return str(item.get_absolute_url())

    def item_pubdate(self, item: Any) -> datetime:
        """Return when it came into the register."""
        return _moment(item)

    def item_updateddate(self, item: Any) -> datetime:
        """Return when it came into the register: news are not told twice."""
        return _moment(item)


class PageMap(Sitemap):  # type: ignore[type-arg]
    """The pages that stand on their own, in both languages."""

    i18n = True
    alternates = True

    def items(self) -> list[str]:
        """Return the names of the pages."""
        return [
            *("lineage:home", "lineage:models", "lineage:tree", "lineage:statistics"),
            *("lineage:atlas", "lineage:compare"),
            *("registry:glossary", "registry:method"),
        ]

    def location(self, item: Any) -> str:
        """Return the address of a page."""
        return reverse(item[0] if isinstance(item, tuple) else item)


class ModelMap(Sitemap):  # type: ignore[type-arg]
    """The pages of all entries, in both languages."""

    i18n = True
    alternates = True
    limit = 10_000

    def items(self) -> Iterable[RegisteredModel]:
        """Return all entries in a stable order."""
        listed = RegisteredModel.objects.listed().filter(PUBLIC.allows())
        return listed.order_by("id")

    def lastmod(self, item: Any) -> datetime:
        """Return when the entry last changed."""
        return item.updated_at  # type: ignore[no-any-return]


SITEMAPS: Final = {"pages": PageMap, "models": ModelMap}


def _moment(item: News) -> datetime:
    return item.published_at if isinstance(item, Verification) else item.created_at
