"""Addresses of the API that registry owns, under /api/v1/."""

from __future__ import annotations

from django.urls import path

from registry.api import schema as schema  # registers what it describes
from registry.api import views

urlpatterns = [
    path("jobs/<uuid:job_id>/", views.JobDetail.as_view(), name="api-job"),
    path("organizations/", views.OrganizationList.as_view()),
    path("by-hash/<str:sha256>/", views.ByHash.as_view()),
]
