"""The lineage app: claims about who descends from whom, and their evidence."""

from __future__ import annotations

from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "lineage"
    verbose_name = "Lineage"

    def ready(self) -> None:
        """Listen to the two signals of registry."""
        from lineage import receivers

        receivers.connect()
