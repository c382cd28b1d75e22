"""Strict readers of environment variables; only settings.py calls them."""

from __future__ import annotations

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str) -> str:
    """Return the variable, else the content of the file that NAME_FILE names.

    Raises ImproperlyConfigured when NAME_FILE points to no readable file.
    """
    if name in os.environ:
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        return default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}") from error


def flag(name: str, *, default: bool) -> bool:
    """Return a yes/no variable; raises ImproperlyConfigured on other words."""
    value = text(name, "yes" if default else "no").lower()
    if value in {"1", "yes", "true", "on"}:
        return True
    if value in {"0", "no", "false", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name}: say yes or no, not {value!r}")


def number(name: str, default: int) -> int:
    """Return a whole number >= 0; raises ImproperlyConfigured on anything else."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name}: expected a whole number, got {value!r}")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """Return a comma-separated list without its empty parts."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def networks(
    name: str,
) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return a comma-separated list of networks, empty unless it is set.

    Raises ImproperlyConfigured for what is no network.
    """
    try:
        return [ipaddress.ip_network(word) for word in words(name, "")]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's dictionary for a database URL.

    Raises ImproperlyConfigured for an address that is no database URL.
    """
    value = text(name, "") or default
    scheme = value.partition("://")[0]
    if scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name}: use sqlite:/// or postgres://…")
    parsed: dict[str, Any] = environ.Env.db_url_config(value)
    return parsed


def secret(name: str, *, kept_in: Path) -> str:
    """Return a secret from the environment, else one made once and kept in a file.

    The file suits one machine; several machines share the variable instead.
    """
    if value := text(name, ""):
        return value
    try:
        kept_in.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(kept_in, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return kept_in.read_text(encoding="utf-8")
