"""Ed25519 keys: the private one as its 32 bytes, public ones as a JWK set.

Formats: RFC 8032 (a private key is any 32 random bytes), RFC 8037 (the JWK of an
Ed25519 key), RFC 7638 (its thumbprint, which is the key id here), RFC 7517 (sets).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from registry.attest.encoding import (
    canonical,
    from_base64,
    parse_object,
    to_base64url,
)
from registry.attest.errors import Unreadable

SEED_BYTES: Final = 32

KeySet = Mapping[str, Ed25519PublicKey]  # by key id


def read_seed(text: str) -> Ed25519PrivateKey:
    """Return the private key of 32 bytes in base64; raises Unreadable."""
    seed = from_base64(text.strip(), "The signing key")
    if len(seed) != SEED_BYTES:
        raise Unreadable(f"The signing key is not {SEED_BYTES} bytes in base64.")
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as a JWK with its id."""
    return _essentials(key) | {"kid": key_id(key), "use": "sig"}


def key_id(key: Ed25519PublicKey) -> str:
    """Return the JWK thumbprint of a public key."""
    return to_base64url(hashlib.sha256(canonical(_essentials(key))).digest())


def read_keys(data: bytes) -> KeySet:
    """Return the public keys in a JWK set, a single JWK or PEM; raises Unreadable.

    Keys of other kinds in a set are passed over, as RFC 7517 asks.
    """
    if data.lstrip().startswith(b"-----BEGIN"):
        return _by_id([_from_pem(data)])
    document = parse_object(data, "The key file")
    listed = document.get("keys", [document])
    if not isinstance(listed, list):
        raise Unreadable("The key file holds no list of keys.")
    keys = [_from_jwk(jwk) for jwk in listed if _is_ed25519(jwk)]
    if not keys:
        raise Unreadable("The key file holds no Ed25519 key.")
    return _by_id(keys)


def _essentials(key: Ed25519PublicKey) -> dict[str, str]:
    x = to_base64url(key.public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def _by_id(keys: list[Ed25519PublicKey]) -> KeySet:
    return {key_id(key): key for key in keys}


def _is_ed25519(jwk: Any) -> bool:
    return isinstance(jwk, dict) and jwk.get("crv") == "Ed25519"


def _from_jwk(jwk: dict[str, Any]) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(from_base64(jwk.get("x"), "A key"))
    except ValueError as error:
        raise Unreadable("A key in the key file is not 32 bytes.") from error


def _from_pem(data: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unreadable("The key file holds no public key.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Unreadable("The key file holds no Ed25519 key.")
    return key
