"""Addresses of the pages that lineage owns."""

from __future__ import annotations

from django.urls import path

from lineage.feeds import NewsFeed
from lineage.views import (
    atlas,
    badge,
    catalog,
    compare,
    disputes,
    families,
    home,
    model,
    registrations,
    statistics,
    tree,
    verification,
)

app_name = "lineage"
urlpatterns = [
    path("", home.home, name="home"),
    path("models/", catalog.models, name="models"),
    path("models/<str:slug>/", model.model, name="model"),
    path("models/<str:slug>/badge.svg", badge.badge, name="badge"),
    path("models/<str:slug>/history/", model.history, name="history"),
    path("models/<str:slug>/revisions/<str:name>/", model.revision, name="revision"),
    path("models/<str:slug>/edit/", registrations.edit, name="registration-edit"),
    path("registrations/new/", registrations.new, name="registration-new"),
    path("registrations/bases/", registrations.bases, name="registration-bases"),
    path("compare/", compare.compare, name="compare"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("feed.atom", NewsFeed(), name="feed"),
    path("families/", families.families, name="families"),
    path("families/<path:name>/", families.family, name="family"),
    path("lineage/", tree.tree, name="tree"),
    path("lineage/atlas/", atlas.atlas, name="atlas"),
    path("lineage/atlas/data.json", atlas.data, name="atlas-data"),
    path("lineage/atlas/<int:pk>/", atlas.card, name="atlas-card"),
    path("verifications/<int:pk>/", verification.verification, name="verification"),
    path(
        "verifications/<int:pk>/answer/",
        verification.answer,
        name="verification-answer",
    ),
    path("disputes/", disputes.disputes, name="disputes"),
    path("disputes/new/", disputes.contest, name="contest"),
    path("disputes/<int:pk>/", disputes.dispute, name="dispute"),
    path("disputes/<int:pk>/speak/", disputes.speak, name="dispute-speak"),
    path("disputes/<int:pk>/withdraw/", disputes.withdraw, name="dispute-withdraw"),
    path("disputes/<int:pk>/decide/", disputes.decide, name="dispute-decide"),
]
