"""Addresses of the hub protocol; they live at the root, as clients expect."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
