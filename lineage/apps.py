"""The lineage app: claims about who descends from whom, and their evidence."""

from __future__ import annotations

from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "lineage"
    verbose_name = "Lineage"

    def ready(self) -> None:
        """Listen to the signals of registry, and show moderators what is contested."""
        from lineage import moderating, receivers
        from registry import moderation

        receivers.connect()
        disputes = moderation.Section("lineage/_disputes_queue.html", moderating.queue)
        moderation.add(disputes)
