"""Ring the bells of jobs that nobody works on, for ever or once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from registry import jobs, storage, tasks
from registry.management.children import Supervisor
from registry.services import hubimports, hubreading, webhooks
from registry.services.uploads import remove_uncommitted
from registry.signals import swept

log = structlog.get_logger("baimo.sweeper")


# Looking at every content there is takes minutes in a large store.
LOOK_THROUGH_EVERY = timedelta(hours=6)


class Sweeper:
    """Rings for jobs and deliveries that wait, and removes what is over."""

    def __init__(self) -> None:
        self._look_through_at = timezone.now()

    def __call__(self) -> None:
        """Sweep once; a database that is away is only logged."""
        close_old_connections()
        now = timezone.now()
        before = now - timedelta(days=settings.UPLOADS_KEPT_DAYS)
        storage.remove_abandoned(before=before)
        try:
            self._sweep_rows(now)
            if now >= self._look_through_at:
                self._look_through_at = now + LOOK_THROUGH_EVERY
                if n_removed := remove_uncommitted(before=before):
                    log.info("uncommitted contents removed", n_contents=n_removed)
        except (OperationalError, InterfaceError) as error:
            log.warning("database away", error=str(error))

    def _sweep_rows(self, now: datetime) -> None:
        if parked := jobs.park_exhausted(at=now):
            log.warning("jobs parked", n_jobs=parked)
        hubimports.forget_tokens()
        hubreading.remove_scratch()
        for job in jobs.silent(at=now):
            if not tasks.ring(job):
                break
        webhooks.forget_old(at=now)
        for delivery in webhooks.due(at=now):
            if not tasks.ring_for_delivery(delivery):
                break
        swept.send(sender=None)


class Command(BaseCommand):
    help = "Ring again for jobs that were lost; remove what dead pushes left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, help="seconds; without it, once")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        sweep = Sweeper()
        if every is None:
            sweep()
            return
        with Supervisor() as supervisor:
            supervisor.watch(sweep, every=every)
