"""Show, make or change the key that verdicts are signed with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry import attest, signing


class Command(BaseCommand):
    help = (
        "Print the id of the key that verdicts are signed with; it is made when there "
        "is none. Public keys: /.well-known/baimo-signing-keys.json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="sign with a new key from now on; the old public key stays listed",
        )

    def handle(self, *args: Any, rotate: bool, **options: Any) -> None:
        try:
            key = signing.rotate() if rotate else signing.current_key()
        except signing.KeyGiven as error:
            raise CommandError(
                "The key comes from SIGNING_KEY: put a new one there (32 random bytes "
                "in base64) and start again. The old public key stays listed in "
                f"{settings.SIGNING_DIR}."
            ) from error
        except attest.Unreadable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(attest.key_id(key.public_key()))
