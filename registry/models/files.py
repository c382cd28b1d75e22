"""Revisions of a registered model and the content-addressed files in them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.organizations import Organization
from registry.models.registered import RegisteredModel

WEIGHT_SUFFIX = ".safetensors"
# What a team computed of weights that it does not send.
SKETCH_SUFFIX = ".sketch"


class BlobQuerySet(models.QuerySet["Blob"]):
    def kept_by(self, organization: Organization) -> BlobQuerySet:
        """Return the contents of all revisions of an organisation's models, once.

        Without weights that stayed on a hub, and without what a removal took.
        """
        files = RevisionFile.objects.standing().filter(
            revision__model__organization=organization
        )
        files = files.exclude(
            revision__hub_import__keeps_copy=False, path__endswith=WEIGHT_SUFFIX
        )
        return self.filter(sha256__in=files.values("blob_id"))


class Blob(models.Model):
    """The bytes of a file, stored once under their SHA-256."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BlobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(size_bytes__gte=0), name="blob_size_not_negative"
            )
        ]

    def __str__(self) -> str:
        return self.sha256


class Revision(models.Model):
    """One commit: the full list of a model's files at a moment. Never changed.

    A removal takes the contents away and says when; showing a private model says when
    it became public.
    """

    model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="revisions"
    )
    commit_id = models.CharField(max_length=40)
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="children"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True
    )
    summary = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    card = models.JSONField(_("model card metadata"), default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # When its contents went with a removal; the list of its files stays.
    # When everybody could see it first; hiding the model again leaves it.
    public_since = models.DateTimeField(null=True, editable=False)
    emptied_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "commit_id"], name="revision_commit_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} at {self.commit_id[:8]}"

    def weight_files(self) -> models.QuerySet[RevisionFile]:
        """Return the files that hold weights, by path."""
        return self.files.filter(path__endswith=WEIGHT_SUFFIX).order_by("path")

    def sketch_file(self) -> RevisionFile | None:
        """Return the sketch that stands for weights which are not here, if one does."""
        if self.weight_files().exists():
            return None
        return self.files.filter(path__endswith=SKETCH_SUFFIX).order_by("path").first()


class RevisionFileQuerySet(models.QuerySet["RevisionFile"]):
    def in_heads(self) -> RevisionFileQuerySet:
        """Return the files of the revisions that models now stand at."""
        return self.filter(revision__model__head=models.F("revision"))

    def standing(self) -> RevisionFileQuerySet:
        """Return the files whose contents are kept: no removal took them."""
        return self.filter(revision__emptied_at=None)


class RevisionFile(models.Model):
    """A path in a revision and the blob behind it."""

    revision = models.ForeignKey(
        Revision, on_delete=models.CASCADE, related_name="files"
    )
    path = models.CharField(max_length=400)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="files")
    # What git would call it: clients compare this before they send a file again.
    oid = models.CharField(max_length=40)
    is_lfs = models.BooleanField(default=False)

    objects = RevisionFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "path"], name="revision_path_unique"
            )
        ]

    def __str__(self) -> str:
        return self.path


class Tag(models.Model):
    """A name that a team gives to one of a model's revisions."""

    model = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="tags"
    )
    name = models.CharField(max_length=100)
    revision = models.ForeignKey(
        Revision, on_delete=models.CASCADE, related_name="tags"
    )
    message = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="tag_name_unique")
        ]

    def __str__(self) -> str:
        return self.name
