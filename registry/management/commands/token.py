"""Make a token for scripts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.models import ApiToken
from registry.services import organizations


class Command(BaseCommand):
    help = (
        "Print a new token of a user for an organisation. Both are made when they "
        "are missing; nothing but the token goes to standard output."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--organization", required=True)
        parser.add_argument(
            "--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.PUSH
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, key = organizations.token_for(
                options["user"], options["organization"], options["scope"]
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(key)
