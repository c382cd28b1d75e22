"""Bring database, static files, catalog and samples up to date."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand

from registry import signing


class Command(BaseCommand):
    help = "Migrate, collect static files, load the catalog and the sample family."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        self._collect_static()
        signing.current_key()
        call_command("catalog", "load")
        call_command("samples")

    def _collect_static(self) -> None:
        """Collect and compress static files, unless they are as they were."""
        stamp = settings.STATIC_ROOT / ".collected"
        state = _state_of_static()
        if stamp.exists() and stamp.read_text() == state:
            return
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(state)


def _state_of_static() -> str:
    """Return a digest over names, sizes and times of the files to collect."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            modified = storage.get_modified_time(name).isoformat()
            digest.update(f"{name} {storage.size(name)} {modified}\n".encode())
    return digest.hexdigest()
