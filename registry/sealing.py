"""Secrets of others that must wait in the database: unreadable without our own."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unsealable(Exception):
    """What was sealed under another secret of the register."""


def seal(text: str) -> bytes:
    """Return the text encrypted and authenticated."""
    return _fernet().encrypt(text.encode())


def unseal(data: bytes) -> str:
    """Return the text again; raises Unsealable."""
    try:
        return _fernet().decrypt(data).decode()
    except InvalidToken as error:
        raise Unsealable from error


def _fernet() -> Fernet:
    key = hashlib.sha256(b"baimo sealed\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
