"""The keys that this register signs with: one in use, and all that ever were."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from registry import attest
from registry.attest.encoding import to_base64
from registry.attest.keys import SEED_BYTES

PRIVATE_NAME: Final = "private"


class KeyGiven(Exception):
    """The key comes from the environment, where it must be changed."""


def current_key() -> Ed25519PrivateKey:
    """Return the key that signs, made and kept on first need.

    Its public half is listed from then on. Raises attest.Unreadable for a key that
    is none.
    """
    key = attest.read_seed(settings.SIGNING_KEY or _kept_seed())
    _list(key)
    return key


def rotate() -> Ed25519PrivateKey:
    """Return a new key that signs from now on; the old one's public half stays.

    Raises KeyGiven where the environment gives the key.
    """
    if settings.SIGNING_KEY:
        raise KeyGiven
    current_key()
    fresh = _write_fresh_seed()
    fresh.replace(_private_file())
    return current_key()


def public_keys() -> dict[str, Any]:
    """Return the JWK set of all keys that ever signed, the newest first."""
    current_key()
    files = settings.SIGNING_DIR.glob("*.json")
    keys = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    keys.sort(key=lambda jwk: (jwk["created"], jwk["kid"]), reverse=True)
    return {"keys": keys}


def _private_file() -> Path:
    return Path(settings.SIGNING_DIR) / PRIVATE_NAME


def _kept_seed() -> str:
    if not _private_file().exists():
        fresh = _write_fresh_seed()
        _link(fresh, _private_file())
    return _private_file().read_text(encoding="utf-8")


def _write_fresh_seed() -> Path:
    return _write(to_base64(secrets.token_bytes(SEED_BYTES)))


def _list(key: Ed25519PrivateKey) -> None:
    """Keep the public half with the moment when it was first used."""
    jwk = attest.public_jwk(key.public_key())
    file = Path(settings.SIGNING_DIR) / f"{jwk['kid']}.json"
    if not file.exists():
        created = datetime.now(UTC).isoformat(timespec="microseconds")
        _link(_write(json.dumps(jwk | {"created": created})), file)


def _write(text: str) -> Path:
    """Return a new file with the text that only this user may read (mode 0600)."""
    folder = Path(settings.SIGNING_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    return Path(name)


def _link(fresh: Path, name: Path) -> None:
    """Give a whole file its name, unless another process was first."""
    try:
        os.link(fresh, name)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
