"""Ring the bells of jobs that nobody works on, for ever or once."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError
from django.utils import timezone

from registry import jobs, tasks

log = structlog.get_logger("baimo.sweeper")


def sweep() -> int:
    """Park exhausted jobs, ring silent ones and return how many were rung."""
    now = timezone.now()
    if parked := jobs.park_exhausted(at=now):
        log.warning("jobs parked", n_jobs=parked)
    silent = jobs.silent(at=now)
    for job in silent:
        tasks.ring(job)
    return len(silent)


class Command(BaseCommand):
    help = "Ring again for jobs whose message or worker was lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, help="seconds; without it, once")

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        while True:
            try:
                sweep()
            except OperationalError as error:
                log.warning("database away", error=str(error))
            if every is None:
                return
            time.sleep(every)
