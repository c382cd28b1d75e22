"""The in-toto statement of a verdict: which files, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from registry.attest.dsse import Envelope
from registry.attest.encoding import canonical, parse_object
from registry.attest.errors import Unreadable

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
# Behind the address of the register that speaks.
PREDICATE_PATH: Final = "/predicates/lineage-verdict/v1"
_SCHEMA: Final = Path(__file__).with_name("predicate.schema.json")


@dataclass(frozen=True)
class Statement:
    """What is said of files: `subject` is their SHA-256 by name."""

    subject: Mapping[str, str]
    predicate_type: str
    predicate: Mapping[str, Any]


def predicate_schema() -> bytes:
    """Return the JSON schema of a verdict's predicate, which also explains it."""
    return _SCHEMA.read_bytes()


def statement_bytes(statement: Statement) -> bytes:
    """Return the payload of a statement, the same bytes every time."""
    subject = [
        {"name": name, "digest": {"sha256": sha256}}
        for name, sha256 in sorted(statement.subject.items())
    ]
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": subject,
            "predicateType": statement.predicate_type,
            "predicate": dict(statement.predicate),
        }
    )


def read_statement(envelope: Envelope) -> Statement:
    """Return the statement on a verdict in an envelope; raises Unreadable.

    Says nothing about who signed it.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Unreadable(f"The payload is {envelope.payload_type!r}, not a statement.")
    document = parse_object(envelope.payload, "The payload")
    if document.get("_type") != STATEMENT_TYPE:
        raise Unreadable("The payload is not an in-toto statement of version 1.")
    kind, predicate = document.get("predicateType"), document.get("predicate")
    if not isinstance(kind, str) or not kind.endswith(PREDICATE_PATH):
        raise Unreadable(f"The statement is of an unknown kind: {kind!r}.")
    if not isinstance(predicate, dict):
        raise Unreadable("The statement says nothing.")
    return Statement(_subject(document.get("subject")), kind, predicate)


def _subject(listed: Any) -> dict[str, str]:
    if not isinstance(listed, list) or not listed:
        raise Unreadable("The statement names no file.")
    try:
        subject = {item["name"]: item["digest"]["sha256"] for item in listed}
    except (KeyError, TypeError) as error:
        raise Unreadable("The statement names a file without its SHA-256.") from error
    if not all(isinstance(text, str) for pair in subject.items() for text in pair):
        raise Unreadable("The statement names a file without its SHA-256.")
    if len(subject) != len(listed):
        raise Unreadable("The statement names a file twice.")
    return subject
