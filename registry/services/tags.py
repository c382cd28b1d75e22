"""Names for single revisions of a model."""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from registry.models import Revision, Tag

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# What means a revision already: the one line of revisions, and ids of commits.
_TAKEN = re.compile(r"main|head|[0-9a-f]{40}", re.IGNORECASE)


class TagRefused(Exception):
    """A name that no tag can have."""


class TagExists(Exception):
    """The model has a tag of this name; a tag is never moved."""


def tag_revision(
    revision: Revision, *, name: str, author: User, message: str = ""
) -> Tag:
    """Return a new tag; raises TagRefused for its name, and TagExists."""
    if not _NAME.fullmatch(name) or _TAKEN.fullmatch(name):
        raise TagRefused(
            f"{name!r} cannot be a tag; use up to 100 letters, digits, '.', '_' and "
            "'-', and not 'main' or the id of a commit"
        )
    try:
        with transaction.atomic():
            return Tag.objects.create(
                model=revision.model,
                revision=revision,
                name=name,
                author=author,
                message=message,
            )
    except IntegrityError as error:
        raise TagExists(f"the tag {name!r} exists already") from error
