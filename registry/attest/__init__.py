"""Signed statements: in-toto statements in DSSE envelopes, made and checked.

Pure: the standard library and `cryptography`; no Django, no database, no network.
"""

from __future__ import annotations

from registry.attest.dsse import MEDIA_TYPE, Envelope, pae, read_envelope, sign
from registry.attest.errors import AttestError, Refuted, Unreadable
from registry.attest.keys import KeySet, key_id, public_jwk, read_keys, read_seed
from registry.attest.statement import (
    PAYLOAD_TYPE,
    PREDICATE_PATH,
    Statement,
    predicate_schema,
    read_statement,
    statement_bytes,
)

__all__ = [
    "MEDIA_TYPE",
    "PAYLOAD_TYPE",
    "PREDICATE_PATH",
    "AttestError",
    "Envelope",
    "KeySet",
    "Refuted",
    "Statement",
    "Unreadable",
    "key_id",
    "pae",
    "predicate_schema",
    "public_jwk",
    "read_envelope",
    "read_keys",
    "read_seed",
    "read_statement",
    "sign",
    "statement_bytes",
]
