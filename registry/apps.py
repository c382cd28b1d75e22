"""The registry app: facts about models, their files and their weights."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "Registry"

    def ready(self) -> None:
        """Load the Celery app, so that a web process queues where workers listen."""
        from registry import celery  # noqa: F401  # needs configured settings

        if not settings.REDIS_URL:
            for folder in ("messages", "control"):
                (settings.QUEUE_DIR / folder).mkdir(parents=True, exist_ok=True)
