"""Envelopes and keys: the specification's vector, and what must not hold."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.attest import (
    Refuted,
    Unreadable,
    key_id,
    pae,
    public_jwk,
    read_envelope,
    read_keys,
    read_seed,
    sign,
)

KIND = "application/vnd.in-toto+json"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def keys(*private: Ed25519PrivateKey) -> Any:
    jwks = [public_jwk(key.public_key()) for key in private]
    return read_keys(json.dumps({"keys": jwks}).encode())


def encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def test_pae_is_that_of_the_specification() -> None:
    """The vector of DSSE's protocol.md."""
    signed = pae("http://example.com/HelloWorld", b"hello world")

    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_pae_counts_bytes_and_not_letters() -> None:
    assert pae("谱", b"") == b"DSSEv1 3 \xe8\xb0\xb1 0 "


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """The key of RFC 8037, appendix A.1, and its thumbprint of appendix A.3."""
    seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

    jwk = public_jwk(read_seed(seed).public_key())

    assert jwk["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert jwk["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_signed_envelope_is_read_back_and_holds() -> None:
    written = sign(b'{"a":1}', KIND, KEY)

    envelope = read_envelope(encoded(written.to_json()))

    assert envelope == written
    assert envelope.signer(keys(OTHER, KEY)) == key_id(KEY.public_key())


def test_the_same_payload_gives_the_same_envelope() -> None:
    assert sign(b"{}", KIND, KEY) == sign(b"{}", KIND, KEY)


def test_both_alphabets_of_base64_are_read() -> None:
    document = sign(b"\xff\xfe\xfd", KIND, KEY).to_json()
    standard = document["signatures"][0]["sig"]
    signature = base64.urlsafe_b64encode(base64.b64decode(standard)).decode()
    document["signatures"][0]["sig"] = signature
    document["payload"] = "__79"

    assert read_envelope(encoded(document)).signer(keys(KEY))


@pytest.mark.parametrize("name", ["payload", "payloadType"])
def test_what_was_changed_after_signing_does_not_hold(name: str) -> None:
    document = sign(b"{}", KIND, KEY).to_json() | {name: "e30K"}

    with pytest.raises(Refuted, match="changed after signing"):
        read_envelope(encoded(document)).signer(keys(KEY))


def test_another_key_is_told_from_a_change() -> None:
    envelope = sign(b"{}", KIND, KEY)

    with pytest.raises(Refuted, match=f"another key .{key_id(KEY.public_key())}"):
        envelope.signer(keys(OTHER))


def test_the_id_in_an_envelope_decides_nothing() -> None:
    document = sign(b"{}", KIND, KEY).to_json()
    document["signatures"][0]["keyid"] = key_id(OTHER.public_key())
    envelope = read_envelope(encoded(document))

    assert envelope.signer(keys(OTHER, KEY)) == key_id(KEY.public_key())
    with pytest.raises(Refuted):
        envelope.signer(keys(OTHER))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"payload": "e30=", "payloadType": "x", "signatures": []}',
        b'{"payload": "e30=", "payloadType": "x", "signatures": [7]}',
        b'{"payload": "e30=", "payloadType": "x", "signatures": [{"sig": "e"}]}',
        b'{"payload": "\xc3\xa9", "payloadType": "x", "signatures": [{"sig": ""}]}',
        b'{"payload": 1, "payloadType": "x", "signatures": [{"sig": "e30="}]}',
    ],
)
def test_what_is_no_envelope_is_said_so(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_envelope(data)


def test_a_key_is_read_from_pem_and_from_a_single_jwk() -> None:
    public = KEY.public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    assert list(read_keys(pem)) == [key_id(public)]
    assert list(read_keys(encoded(public_jwk(public)))) == [key_id(public)]


def test_keys_of_other_kinds_in_a_set_are_passed_over() -> None:
    jwks = [{"kty": "RSA", "n": "AQ"}, public_jwk(KEY.public_key())]

    assert list(read_keys(encoded({"keys": jwks}))) == [key_id(KEY.public_key())]


@pytest.mark.parametrize(
    "data",
    [
        b"ssh-ed25519 AAAA",
        b'{"keys": []}',
        b'{"keys": 7}',
        b'{"crv": "Ed25519", "x": "AAAA"}',
        b'{"crv": "Ed25519"}',
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ],
)
def test_what_is_no_key_is_said_so(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_keys(data)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "A" * 44])
def test_a_signing_key_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="signing key"):
        read_seed(text)
