"""The catalog from the command line: check, load and export."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lineage.services import catalog as service
from registry.catalog import (
    DATA,
    Catalog,
    CatalogError,
    export,
    load_catalog,
    validate,
)


class Command(BaseCommand):
    help = "Check the catalog's data files, load them, or print them as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["check", "load", "export"])

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        catalog = self._valid_catalog()
        if verb == "export":
            document = json.dumps(export(catalog), ensure_ascii=False, indent=1)
            self.stdout.write(document)
        elif verb == "check":
            self.stdout.write(f"{len(catalog.entries)} entries, every rule holds.")
        else:
            self._load(catalog)

    def _load(self, catalog: Catalog) -> None:
        loaded = service.load(catalog)
        self.stdout.write(f"{loaded.n_entries} catalog entries loaded.")
        for slug in loaded.left_alone:
            self.stderr.write(f"{slug}: registered by its team, left as it is.")

    def _valid_catalog(self) -> Catalog:
        try:
            catalog = load_catalog(DATA)
        except CatalogError as error:
            raise CommandError(str(error)) from error
        problems = validate(catalog, timezone.now().date())
        for problem in problems:
            self.stderr.write(str(problem))
        if problems:
            raise CommandError(f"{len(problems)} problems in the catalog's data files.")
        return catalog
