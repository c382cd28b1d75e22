"""Envelopes of the Dead Simple Signing Envelope, version 1: protocol and JSON form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from registry.attest.encoding import from_base64, parse_object, to_base64
from registry.attest.errors import Refuted, Unreadable
from registry.attest.keys import KeySet, key_id

MEDIA_TYPE: Final = "application/vnd.dsse.envelope.v1+json"


@dataclass(frozen=True)
class Envelope:
    """A payload, its type, and the signatures as (key id, signature)."""

    payload: bytes
    payload_type: str
    signatures: tuple[tuple[str, bytes], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the envelope's JSON form."""
        return {
            "payload": to_base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": kid, "sig": to_base64(sig)} for kid, sig in self.signatures
            ],
        }

    def signer(self, keys: KeySet) -> str:
        """Return the id of a key whose signature holds; raises Refuted.

        Every key is tried: the ids in an envelope are hints that nobody signed.
        """
        signed = pae(self.payload_type, self.payload)
        for _, signature in self.signatures:
            for kid, key in keys.items():
                if _holds(key, signature, signed):
                    return kid
        named = [kid for kid, _ in self.signatures if kid]
        if keys.keys() & named:
            raise Refuted(
                "The signature does not fit the statement: one of the two was changed "
                "after signing."
            )
        raise Refuted(
            f"Signed with another key ({', '.join(named) or 'not named'}) than those "
            f"given ({', '.join(keys)})."
        )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, key: Ed25519PrivateKey) -> Envelope:
    """Return a signed envelope; the same input gives the same envelope."""
    signature = key.sign(pae(payload_type, payload))
    signatures = ((key_id(key.public_key()), signature),)
    return Envelope(payload, payload_type, signatures)


def read_envelope(data: bytes) -> Envelope:
    """Return the envelope in JSON; raises Unreadable for anything else."""
    document = parse_object(data, "The envelope")
    kind, listed = document.get("payloadType"), document.get("signatures")
    if not isinstance(kind, str) or not isinstance(listed, list) or not listed:
        raise Unreadable("This is not a DSSE envelope with a signature.")
    payload = from_base64(document.get("payload"), "The payload")
    return Envelope(payload, kind, tuple(_signature(item) for item in listed))


def _signature(item: Any) -> tuple[str, bytes]:
    if not isinstance(item, dict):
        raise Unreadable("A signature in the envelope is not an object.")
    kid = item.get("keyid") or ""
    return str(kid), from_base64(item.get("sig"), "A signature")


def _holds(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
