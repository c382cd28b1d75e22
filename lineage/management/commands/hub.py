"""Models of a public hub from the command line."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lineage.services.imports import ImportElsewhere, import_dump
from registry import tasks
from registry.hub import HubUnreadable, write_dump
from registry.hubdump import DumpUnreadable, open_dump
from registry.hubfiles import HubRefused
from registry.management.progress import Progress
from registry.models import Organization
from registry.services import hubimports
from registry.services.hubimports import Inspected
from registry.services.imports import Report
from registry.services.revisions import CommitRefused, NameTaken
from registry.services.uploads import QuotaExceeded
from registry.storage import StorageError

PUBLIC_HUB: Final = "https://huggingface.co"
# Exit statuses; the second is the shell's own for what Ctrl-C ended.
UNREADABLE: Final = 2
STOPPED: Final = 130


class Command(BaseCommand):
    # They load every page of the site, which takes as long as thousands of models.
    requires_system_checks = []
    help = (
        "Import a hub's models and the bases they declare: from JSON lines, from "
        "Parquet, or from the hub itself. Repeating it brings the register up to date; "
        "what was interrupted goes on where it stopped. Or register one model of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["import", "register"])
        parser.add_argument(
            "source",
            help="import: a file, or the address of a hub; register: team/model there",
        )
        parser.add_argument(
            "--format",
            choices=["jsonl", "parquet", "hub"],
            help="without it, the source's name tells",
        )
        parser.add_argument(
            "--hub",
            default=PUBLIC_HUB,
            help="where the models of a file have their pages (default: %(default)s)",
        )
        one = parser.add_argument_group("register")
        one.add_argument("--revision", default="main", help="branch, tag or commit")
        one.add_argument("--organization", help="who registers it here")
        one.add_argument("--name", help="its name here; without it, as on the hub")
        one.add_argument("--gated", action="store_true", help="ask for a hub's token")
        one.add_argument("--keep-copy", action="store_true", help="keep the weights")
        one.add_argument("--only-look", action="store_true", help="register nothing")

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        if options["verb"] == "register":
            self._register(source, options)
            return
        # Django's own wrapper of it ends every text with a new line.
        self._progress = Progress(sys.stderr)
        form = options["format"] or _form_of(source)
        try:
            if form == "hub":
                report = self._import_hub(source.rstrip("/"))
            else:
                report = self._import(Path(source), form, options["hub"].rstrip("/"))
        except (DumpUnreadable, HubUnreadable, ImportElsewhere) as error:
            raise CommandError(str(error), returncode=UNREADABLE) from error
        except KeyboardInterrupt:
            text = "Stopped; the same command goes on from here."
            raise CommandError(text, returncode=STOPPED) from None
        finally:
            self._progress.clear()
        self._print(report)

    def _register(self, repo_id: str, options: dict[str, Any]) -> None:
        token = getpass("Token of the hub: ") if options["gated"] else ""
        hub = options["hub"].rstrip("/")
        try:
            found = hubimports.inspect(hub, repo_id, options["revision"], token)
            self.stdout.write(
                f"{found.snapshot.repo_id} at {found.snapshot.commit_id}: "
                f"{found.params:,} parameters ({', '.join(found.dtypes)}), "
                f"{found.size_bytes:,} bytes in {len(found.weights)} files"
            )
            if not options["only_look"]:
                self._register_found(found, options)
        except (HubRefused, CommitRefused, NameTaken, QuotaExceeded) as error:
            raise CommandError(str(error), returncode=UNREADABLE) from error
        except (ValidationError, StorageError) as error:
            text = " ".join(getattr(error, "messages", [str(error)]))
            raise CommandError(text, returncode=UNREADABLE) from error

    def _register_found(self, found: Inspected, options: dict[str, Any]) -> None:
        team = Organization.objects.named(options["organization"] or "").first()
        if team is None:
            raise CommandError("--organization must name one that is here")
        revision = hubimports.register(
            found,
            organization=team,
            name=options["name"] or found.snapshot.repo_id.split("/")[1],
            user=None,
            keeps_copy=options["keep_copy"],
        )
        job = revision.jobs.latest("created_at")
        tasks.ring(job)
        self.stdout.write(f"{settings.PUBLIC_URL}{job.get_absolute_url()}")

    def _import_hub(self, endpoint: str) -> Report:
        """List a hub into a file and import that; one that is there waits for it."""
        folder = settings.DATA_DIR / "imports"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{sha256(endpoint.encode()).hexdigest()[:16]}.jsonl"
        with _alone(path.with_suffix(".lock")):
            if not path.exists():
                write_dump(
                    endpoint,
                    path,
                    tell=lambda n_models: self._progress.show("listing", n_models),
                )
            report = self._import(path, "jsonl", endpoint)
            path.unlink()
        return report

    def _import(self, path: Path, form: str, hub: str) -> Report:
        dump = open_dump(path, form=form)
        return import_dump(
            dump,
            hub=hub,
            tell=lambda step: self._progress.show(
                step.phase, step.n_rows, step.position, dump.size
            ),
        )

    def _print(self, report: Report) -> None:
        self.stdout.write(
            f"{report.n_rows:,} rows: {report.n_new:,} models new, "
            f"{report.n_updated:,} updated, {report.n_unchanged:,} unchanged, "
            f"{report.n_left_alone:,} left to the catalog or their teams.\n"
            f"{report.n_edges_new:,} edges new, {report.n_edges_withdrawn:,} withdrawn."
        )
        for fault, n_found in report.faults.items():
            examples = "; ".join(report.examples[fault])
            self.stdout.write(f"{n_found:,} {fault}: {examples}")


def _form_of(source: str) -> str:
    if source.startswith(("http://", "https://")):
        return "hub"
    return "parquet" if source.endswith(".parquet") else "jsonl"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock file; raises HubUnreadable while another process does."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HubUnreadable("another import from this hub is running") from None
        yield
