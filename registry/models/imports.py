"""Imports of dumps that have not come to their end."""

from __future__ import annotations

from django.db import models


class UnfinishedImport(models.Model):
    """How far the import of a dump has come; the row goes when the import is done.

    Written with the rows it speaks of, so it is right whenever the import dies.
    """

    dump = models.CharField(max_length=500, unique=True)
    # A dump that has changed since is read from its beginning.
    stamp = models.CharField(max_length=80)
    phase = models.CharField(max_length=8)
    position = models.BigIntegerField()
    report = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.dump}: {self.phase} from {self.position}"
