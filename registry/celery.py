"""The Celery application that web and worker processes share."""

from __future__ import annotations

import os
import warnings

from celery import Celery

# A message holds one id as JSON: it runs no code, whoever the worker is.
warnings.filterwarnings("ignore", message=".* running the worker with superuser")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

app = Celery("baimo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
