"""What can be wrong with a signed statement."""

from __future__ import annotations


class AttestError(Exception):
    """A statement that cannot be relied on; the message is one plain sentence."""


class Unreadable(AttestError):
    """What was given is not what it should be, so nothing could be checked."""


class Refuted(AttestError):
    """It was checked, and does not hold."""
