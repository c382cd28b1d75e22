"""What the weights of a revision look like, in a few kilobytes."""

from __future__ import annotations

from django.db import models

from registry.models.files import Revision


class FingerprintQuerySet(models.QuerySet["Fingerprint"]):
    def newest(self, engine: str) -> FingerprintQuerySet:
        """Return, for each model, the fingerprint of the newest weights known."""
        of_model = Fingerprint.objects.filter(
            engine=engine, revision__model=models.OuterRef("revision__model")
        )
        newest = of_model.order_by("-revision_id").values("pk")[:1]
        return self.filter(pk=models.Subquery(newest))


class Fingerprint(models.Model):
    """The stored sketch of a revision's weights, made by one engine version."""

    revision = models.ForeignKey(
        Revision, on_delete=models.CASCADE, related_name="fingerprints"
    )
    engine = models.CharField(max_length=40)
    # SHA-256 over the names and hashes of the files that the engine read, so that
    # a commit that leaves them alone needs no second reading.
    content = models.CharField(max_length=64, db_index=True)
    sketch = models.BinaryField()
    seconds = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FingerprintQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "engine"], name="fingerprint_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.engine} of {self.revision}"


class SelfAttestationQuerySet(models.QuerySet["SelfAttestation"]):
    def open(self) -> SelfAttestationQuerySet:
        """Return those of which the register has not seen the weights."""
        return self.filter(confirmed_at=None)


class SelfAttestation(models.Model):
    """That a team, and not the register, computed a fingerprint.

    `weights` is a digest of the SHA-256 of the weight files that the sketch names.
    When the register reads such files, their own sketch confirms or contradicts it.
    """

    fingerprint = models.OneToOneField(
        Fingerprint, on_delete=models.CASCADE, related_name="self_attestation"
    )
    weights = models.CharField(max_length=64, db_index=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(
        Revision, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    contradicted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SelfAttestationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.fingerprint}, by its team"
