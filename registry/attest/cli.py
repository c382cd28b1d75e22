"""The command `python -m registry.attest verify`: no server, no network.

Exit status 0: it holds; 1: it does not; 2: nothing could be checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from registry.attest.dsse import read_envelope
from registry.attest.errors import Refuted, Unreadable
from registry.attest.files import check_files
from registry.attest.keys import read_keys
from registry.attest.statement import PREDICATE_PATH, Statement, read_statement

MAX_BYTES: Final = 16 * 1024**2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, 1 or 2, with one sentence on stderr unless 0."""
    options = _options(arguments)
    try:
        told = _verify(options.envelope, options.key, options.files)
    except Refuted as error:
        sys.stderr.write(f"Not verified. {error}\n")
        return 1
    except Unreadable as error:
        sys.stderr.write(f"Nothing was checked. {error}\n")
        return 2
    sys.stdout.write("\n".join(told) + "\n")
    return 0


def _verify(envelope_file: Path, key_file: Path, folder: Path | None) -> list[str]:
    """Return what holds, in sentences; raises Refuted or Unreadable."""
    envelope = read_envelope(_read(envelope_file))
    signer = envelope.signer(read_keys(_read(key_file)))
    statement = read_statement(envelope)
    lines = [f"The signature holds (key {signer}).", _told(statement)]
    n_files = len(statement.subject)
    files = "1 file" if n_files == 1 else f"{n_files} files"
    if folder is None:
        lines.append(f"It is about {files}, which were not checked (see --files).")
    else:
        check_files(folder, statement.subject)
        lines.append(f"It is about {files}, and those in {folder} are the same.")
    return lines


def _told(statement: Statement) -> str:
    """Return the verdict in a sentence, with its date and where to ask again."""
    said = statement.predicate
    register = statement.predicate_type.removesuffix(PREDICATE_PATH)
    against = _at(said, "compared_with", "slug")
    compared = f", compared with {against}" if against else ""
    newer = _at(said, "superseded_by", "page")
    again = (
        f"Superseded by {newer}."
        if newer
        else f"Whether there is a newer verdict: {_at(said, 'current')}"
    )
    return (
        f"{register} said on {_at(said, 'date')[:10]} of {_at(said, 'model', 'slug')} "
        f"at revision {_at(said, 'model', 'revision')[:12]}: {_at(said, 'verdict')}"
        f"{compared}. {again}"
    )


def _at(said: Any, *way: str) -> str:
    """Return the text that stands so deep in a document, or nothing."""
    for name in way:
        said = said.get(name) if isinstance(said, Mapping) else None
    return said if isinstance(said, str) else ""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{path} is too large for a statement or a key.")
    return data


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m registry.attest",
        description="Check signed statements of a Baimo register, without a network.",
        epilog="Exit status 0: it holds; 1: it does not; 2: nothing could be checked.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="check a statement's signature")
    verify.add_argument("envelope", type=Path, help="the signed statement, a file")
    verify.add_argument(
        "--key",
        type=Path,
        required=True,
        help="the register's public keys: JWK set, JWK or PEM",
    )
    verify.add_argument(
        "--files", type=Path, help="a folder whose weights are to be those signed for"
    )
    return parser.parse_args(arguments)
