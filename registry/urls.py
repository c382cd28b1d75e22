"""Where every address leads; lineage is named by dotted string only."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import TemplateView
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from registry.api.views import NoSuchAddress
from registry.attest import PREDICATE_PATH
from registry.views.attest import predicate, signing_keys

# What allauth shows to who signs in, up, or resets a password too often.
handler429 = "registry.views.accounts.too_often"

api_v1: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("registry.api.urls")),
    path("", include("lineage.api.urls")),
    # Only with a last slash, so that an address without one is redirected first.
    re_path("^(.*/)?$", NoSuchAddress.as_view()),
]

urlpatterns = [
    path("api/v1/", include(api_v1)),
    path("admin/", admin.site.urls),
    path(
        "robots.txt",
        TemplateView.as_view(template_name="robots.txt", content_type="text/plain"),
    ),
    path(".well-known/baimo-signing-keys.json", signing_keys, name="signing-keys"),
    path(PREDICATE_PATH.removeprefix("/"), predicate, name="predicate"),
    path("", include("lineage.site_urls")),
    *i18n_patterns(
        # Inside, because it resolves the page to return to in that page's language.
        path("i18n/setlang/", set_language, name="set_language"),
        path("accounts/", include("allauth.urls")),
        path("", include("registry.views.urls", namespace="registry")),
        path("", include("lineage.urls", namespace="lineage")),
        prefix_default_language=False,
    ),
    # Last, because its addresses begin with a team's name.
    path("", include("registry.hubapi.urls")),
]
