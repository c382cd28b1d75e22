"""The Celery application that web and worker processes share."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

app = Celery("baimo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
