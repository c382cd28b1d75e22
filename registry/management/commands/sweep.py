"""Ring the bells of jobs that nobody works on, for ever or once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from registry import jobs, storage, tasks
from registry.management.children import Supervisor
from registry.services import hubimports, webhooks
from registry.signals import swept

log = structlog.get_logger("baimo.sweeper")


# Longer than any push takes, and time to go on with one after a weekend.
ABANDONED_AFTER = timedelta(days=7)


def sweep() -> None:
    """Ring for jobs and deliveries that wait, remove what is over, and tell.

    A database that is away is only logged.
    """
    close_old_connections()
    now = timezone.now()
    storage.remove_abandoned(before=now - ABANDONED_AFTER)
    try:
        if parked := jobs.park_exhausted(at=now):
            log.warning("jobs parked", n_jobs=parked)
        hubimports.forget_tokens()
        for job in jobs.silent(at=now):
            if not tasks.ring(job):
                break
        webhooks.forget_old(at=now)
        for delivery in webhooks.due(at=now):
            if not tasks.ring_for_delivery(delivery):
                break
        swept.send(sender=None)
    except (OperationalError, InterfaceError) as error:
        log.warning("database away", error=str(error))


class Command(BaseCommand):
    help = "Ring again for jobs that were lost; remove what dead pushes left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, help="seconds; without it, once")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        if every is None:
            sweep()
            return
        with Supervisor() as supervisor:
            supervisor.watch(sweep, every=every)
