"""Addresses that speak of the whole site, outside its languages."""

from __future__ import annotations

from django.contrib.sitemaps import views
from django.urls import path

from lineage.feeds import SITEMAPS

urlpatterns = [
    path("sitemap.xml", views.index, {"sitemaps": SITEMAPS}, name="sitemap-index"),
    path(
        "sitemap-<section>.xml",
        views.sitemap,
        {"sitemaps": SITEMAPS},
        name="django.contrib.sitemaps.views.sitemap",
    ),
]
