"""Where a revision came from that was read on a hub, and not pushed."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from registry.models.files import Revision


class HubImport(models.Model):
    """The repository and commit behind a revision.

    `read_at` is when every byte of the weights had been read and hashed: until then
    their SHA-256 are what the hub states. `secret` is the encrypted token that opens
    a gated repository; it is there only as long as a job may need it.
    """

    revision = models.OneToOneField(
        Revision, on_delete=models.CASCADE, related_name="hub_import"
    )
    hub = models.CharField(max_length=200)
    repo_id = models.CharField(max_length=200)
    commit_id = models.CharField(max_length=40)
    is_gated = models.BooleanField(default=False)
    keeps_copy = models.BooleanField(default=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True
    )
    secret = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.hub}/{self.repo_id} at {self.commit_id[:8]}"

    @property
    def summary(self) -> str:
        """Return what is imported and as what, in one line."""
        here = self.revision.model.repo_id
        return f"{self.repo_id}@{self.commit_id[:12]} → {here}"

    @property
    def address(self) -> str:
        """Return the page of this commit on its hub."""
        return f"{self.hub}/{self.repo_id}/tree/{self.commit_id}"

    @property
    def card_address(self) -> str:
        """Return where the model card of this commit is found."""
        return f"{self.hub}/{self.repo_id}/resolve/{self.commit_id}/README.md"
