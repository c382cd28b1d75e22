"""Addresses of the API that lineage owns, under /api/v1/."""

from __future__ import annotations

from django.urls import path

from lineage.api import (
    dispute_views,
    graph_views,
    registration_views,
    statement_views,
    views,
    walk_views,
)

urlpatterns = [
    path("models/", views.ModelList.as_view(), name="api-models"),
    path("models/facets/", views.ModelFacets.as_view()),
    path("models/<str:slug>/", views.ModelDetail.as_view(), name="api-model"),
    path("models/<str:slug>/compare/<str:other>/", views.ModelCompare.as_view()),
    path("models/<str:slug>/parents/", walk_views.Parents.as_view()),
    path("models/<str:slug>/children/", walk_views.Children.as_view()),
    path("models/<str:slug>/ancestors/", walk_views.Ancestors.as_view()),
    path("models/<str:slug>/descendants/", walk_views.Descendants.as_view()),
    path("models/<str:slug>/roots/", walk_views.Roots.as_view()),
    path("models/<str:slug>/subtree/", walk_views.Subtree.as_view()),
    path(
        "models/<str:slug>/statement/",
        statement_views.ModelStatement.as_view(),
        name="api-model-statement",
    ),
    path(
        "verifications/<int:pk>/statement/",
        statement_views.VerificationStatement.as_view(),
        name="api-statement",
    ),
    path("registrations/", registration_views.Registrations.as_view()),
    path("registrations/<str:slug>/", registration_views.RegistrationDetail.as_view()),
    path("disputes/", dispute_views.DisputeList.as_view(), name="api-disputes"),
    path(
        "disputes/<int:pk>/", dispute_views.DisputeDetail.as_view(), name="api-dispute"
    ),
    path("disputes/<int:pk>/answer/", dispute_views.DisputeAnswer.as_view()),
    path("disputes/<int:pk>/decision/", dispute_views.DisputeDecision.as_view()),
    path("disputes/<int:pk>/withdrawal/", dispute_views.DisputeWithdrawal.as_view()),
    path("lineage/path/", walk_views.Path.as_view(), name="api-path"),
    path("lineage/common-ancestors/", walk_views.CommonAncestors.as_view()),
    path("lineage/graph/", graph_views.Graph.as_view(), name="api-graph"),
]
