"""Register the sample family of small models."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from registry import tasks
from registry.services.samples import load_samples


class Command(BaseCommand):
    help = "Register the sample family of small models; again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = load_samples()
        for job in jobs:
            tasks.ring(job)
        self.stdout.write(f"Sample family registered, {len(jobs)} jobs to do.")
