"""Addresses of the API that registry owns, under /api/v1/."""

from __future__ import annotations

from django.urls import path

from registry.api import registrations, token_views, uploads, views, webhook_views
from registry.api import schema as schema  # registers what it describes

urlpatterns = [
    path("jobs/<uuid:job_id>/", views.JobDetail.as_view(), name="api-job"),
    path("registrations/hub/", registrations.HubRegistrations.as_view()),
    path("registrations/sketches/", registrations.SketchRegistrations.as_view()),
    path("organizations/", views.OrganizationList.as_view()),
    path("tokens/", token_views.TokenList.as_view()),
    path("tokens/<int:pk>/", token_views.TokenDetail.as_view()),
    path("webhooks/", webhook_views.WebhookList.as_view()),
    path("webhooks/<int:pk>/", webhook_views.WebhookDetail.as_view()),
    path("webhooks/<int:pk>/secret/", webhook_views.WebhookSecret.as_view()),
    path("webhooks/<int:pk>/test/", webhook_views.WebhookTest.as_view()),
    path("webhooks/<int:pk>/deliveries/", webhook_views.DeliveryList.as_view()),
    path(
        "webhooks/<int:pk>/deliveries/<uuid:delivery>/",
        webhook_views.DeliveryDetail.as_view(),
    ),
    path(
        "webhooks/<int:pk>/deliveries/<uuid:delivery>/replay/",
        webhook_views.DeliveryReplay.as_view(),
    ),
    path("uploads/", uploads.Plan.as_view(), name="api-uploads"),
    path("uploads/models/", uploads.Names.as_view()),
    path("uploads/<str:slug>/commit/", uploads.Commit.as_view()),
    path("uploads/<str:slug>/<str:sha256>/", uploads.Whole.as_view()),
    path("uploads/<str:slug>/<str:sha256>/complete/", uploads.Complete.as_view()),
    path("uploads/<str:slug>/<str:sha256>/parts/<int:number>/", uploads.Part.as_view()),
    path("by-hash/<str:sha256>/", views.ByHash.as_view()),
]
