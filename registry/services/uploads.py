"""Contents on their way into a model: who sends them, and whether they have to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum

from registry import storage
from registry.locks import lock_register
from registry.models import Blob, Organization, RegisteredModel, RevisionFile
from registry.parts import PartedUpload
from registry.permissions import can_read_content

# More addresses than this make an answer that nobody wants to read.
MAX_PARTS = 10_000
# So many contents are looked up and removed under one hold of the register's lock.
REMOVED_AT_ONCE = 200


class QuotaExceeded(Exception):
    """More than an organisation may keep here."""


@dataclass(frozen=True)
class Delivery:
    """A content that one person sends to one model, and nobody else continues."""

    user: User
    model: RegisteredModel
    sha256: str
    size_bytes: int

    @property
    def is_here(self) -> bool:
        """Whether the content is stored and its sender may use it."""
        return may_use(self.user, self.model, self.sha256)

    @property
    def is_whole(self) -> bool:
        """Whether the content is here and has the size that was announced."""
        return (
            self.is_here
            and storage.path_of(self.sha256).stat().st_size == self.size_bytes
        )

    def receive(self, chunks: Iterable[bytes]) -> None:
        """Store the content in one piece; raises ContentMismatch and DiskFull."""
        storage.store(chunks, sha256=self.sha256, size_bytes=self.size_bytes)
        storage.note_arrival(_key(self.user, self.model, self.sha256))

    def in_parts(self, part_bytes: int) -> PartedUpload:
        """Return the upload whose parts have this size; it is the same every time."""
        key = _key(self.user, self.model, self.sha256, self.size_bytes, part_bytes)
        return PartedUpload(key, self.sha256, self.size_bytes, part_bytes)

    def complete(self, parts: PartedUpload, etags: Mapping[int, str]) -> None:
        """Store the content from its parts; once it is here, repeating is harmless.

        Raises PartRefused, PartsBusy, ContentMismatch and DiskFull.
        """
        with parts.alone():
            if not self.is_here:
                parts.check(etags)
                parts.put_together()
                storage.note_arrival(_key(self.user, self.model, self.sha256))
            parts.forget()


def may_use(user: User, model: RegisteredModel, sha256: str) -> bool:
    """Return whether a content is stored and someone may put it into a model.

    What is neither open to the model nor was brought by its sender has to be sent,
    although it is here: a hash alone must not open what others keep to themselves.
    Whoever may use it keeps it here for another while. Raises ContentMissing for what
    is no SHA-256.
    """
    storage.path_of(sha256)
    # Asked before the store, or the time would tell what others keep to themselves.
    is_open = storage.has_arrived(_key(user, model, sha256)) or can_read_content(
        model, sha256
    )
    return is_open and storage.renew(sha256)


def _key(user: User, model: RegisteredModel, *further: str | int) -> str:
    identity = " ".join(map(str, (user.pk, model.pk, *further)))
    return hashlib.sha256(identity.encode()).hexdigest()


def part_bytes_for(size_bytes: int) -> int:
    """Return the size of the parts of a content, the same for the same content."""
    part_bytes: int = settings.PART_BYTES
    while size_bytes > part_bytes * MAX_PARTS:
        part_bytes *= 2
    return part_bytes


def check_quota(organization: Organization, sizes: Mapping[str, int]) -> None:
    """Raise QuotaExceeded when these contents, by SHA-256, are too many bytes more."""
    if not settings.ORGANIZATION_MAX_BYTES:
        return
    kept = Blob.objects.kept_by(organization)
    known = set(kept.filter(sha256__in=sizes).values_list("sha256", flat=True))
    used = kept.aggregate(total=Sum("size_bytes"))["total"] or 0
    more = sum(size for sha256, size in sizes.items() if sha256 not in known)
    if used + more > settings.ORGANIZATION_MAX_BYTES:
        raise QuotaExceeded(
            f"{organization.slug} may keep {settings.ORGANIZATION_MAX_BYTES} bytes "
            f"here and keeps {used}; this push would add {more}"
        )


def remove_uncommitted(*, before: datetime) -> int:
    """Remove contents of no revision that nobody has asked for since a time.

    Return how many there were. Safe beside commits: they look for their contents under
    the same lock, and what a revision names stays.
    """
    n_removed, names = 0, storage.stored_before(before)
    while some := list(islice(names, REMOVED_AT_ONCE)):
        with transaction.atomic():
            lock_register()
            files = RevisionFile.objects.standing().filter(blob_id__in=some)
            committed = set(files.values_list("blob_id", flat=True))
            n_removed += sum(
                storage.remove_unless_renewed(sha256, before=before)
                for sha256 in some
                if sha256 not in committed
            )
    return n_removed
