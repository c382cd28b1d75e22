"""The claims: declarations, derivations, what was said of them, and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from registry.models import Job, RegisteredModel, Revision, SelfAttestation, Source
from registry.permissions import Sight
from registry.vocabulary import (
    LAYER_LABELS,
    RELATION_LABELS,
    RELATION_LAYER,
    STATEMENT_LABELS,
    VERDICT_LABELS,
    Layer,
    StatementKind,
    agreeing_relations,
)


class DeclarationQuerySet(models.QuerySet["Declaration"]):
    def with_parents(self) -> DeclarationQuerySet:
        """Return declarations in order, with the entries they were resolved to."""
        return self.select_related("parent").order_by("position")


class Declaration(models.Model):
    """A base that a model card names, as written, and what it was resolved to.

    Stays when nothing of that name is registered, and is resolved later if it comes.
    """

    revision = models.ForeignKey(
        Revision, on_delete=models.CASCADE, related_name="declarations"
    )
    position = models.PositiveSmallIntegerField()
    declared_id = models.CharField(max_length=200)
    relation = models.CharField(max_length=32)
    parent = models.ForeignKey(
        RegisteredModel,
        on_delete=models.SET_NULL,
        null=True,
        related_name="declared_by",
    )

    objects = DeclarationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "position"], name="declaration_position_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.revision} declares {self.declared_id}"

    @property
    def layer(self) -> Layer:
        return RELATION_LAYER[agreeing_relations(self.relation)[0]]


class DerivationQuerySet(models.QuerySet["Derivation"]):
    def shown(self) -> DerivationQuerySet:
        """Return what lists and graphs show when nobody asks for a state."""
        return self.exclude(
            state__in=[StatementKind.WITHDRAWN, StatementKind.CONTRADICTED]
        )

    def visible_to(self, sight: Sight) -> DerivationQuerySet:
        """Return the derivations of which both ends are seen."""
        return self.filter(sight.allows("child"), sight.allows("parent"))

    def of_any(self, ids: Sequence[int]) -> DerivationQuerySet:
        """Return the derivations with one of few models at either end."""
        return self.filter(Q(child__in=ids) | Q(parent__in=ids))

    def of_described(self) -> DerivationQuerySet:
        """Return the derivations of what was not merely imported."""
        return self.filter(child__origin__in=RegisteredModel.DESCRIBED)

    def with_ends(self) -> DerivationQuerySet:
        """Return derivations with child and parent in the same query."""
        return self.select_related("child__organization", "parent__organization")

    def to_draw(self) -> DerivationQuerySet:
        """Return derivations with what a picture shows of their ends."""
        long = ("aliases", "facts", "claims", "search_text")
        ends = ("child", "parent")
        return self.with_ends().defer(*(f"{e}__{name}" for e in ends for name in long))


class Derivation(models.Model):
    """The claim "child comes from parent" in one relation.

    `layer` follows from the relation and `state` from the statements; both are kept
    here so that a graph is one query. Only lineage.services writes them.
    """

    child = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="derivations"
    )
    parent = models.ForeignKey(
        RegisteredModel, on_delete=models.CASCADE, related_name="derivatives"
    )
    relation = models.CharField(
        max_length=24,
        choices=[(r.value, label) for r, label in RELATION_LABELS.items()],
    )
    layer = models.CharField(
        max_length=12, choices=[(la.value, label) for la, label in LAYER_LABELS.items()]
    )
    note = models.TextField(blank=True)
    note_zh = models.TextField(blank=True)
    state = models.CharField(
        max_length=12,
        choices=[(kind.value, label) for kind, label in STATEMENT_LABELS.items()],
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DerivationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["child", "parent", "relation"], name="derivation_unique"
            ),
            models.CheckConstraint(
                condition=~Q(child=F("parent")), name="derivation_no_self_loop"
            ),
        ]
        # The unique index serves the walk up, this one the walk down.
        indexes = [models.Index(fields=["parent", "child"], name="derivation_down")]

    def __str__(self) -> str:
        return f"{self.child} {self.relation} {self.parent}"

    @property
    def notes(self) -> dict[str, str]:
        """Return the remark in both languages."""
        return {"note": self.note, "note_zh": self.note_zh}


class Change(models.Model):
    """An entry of the log of derivations: this one is new, or has another state.

    Append-only; the database itself writes it (migration 0003). Writers hold the
    lock of the register, so the log's order is that of their commits.
    """

    derivation = models.ForeignKey(
        Derivation, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pk}: {self.derivation}"


class VerificationQuerySet(models.QuerySet["Verification"]):
    def current(self) -> VerificationQuerySet:
        """Return the newest verdict on the head of each model."""
        newest = Verification.objects.filter(revision=OuterRef("revision"))
        return self.filter(
            revision__model__head=F("revision"),
            pk=Subquery(newest.order_by("-id").values("pk")[:1]),
        )

    def public(self) -> VerificationQuerySet:
        """Return the verdicts that everybody may read: all that wait for no answer."""
        return self.filter(Q(hearing=None) | Q(hearing__end=Hearing.End.PUBLISHED))

    def decided(self) -> VerificationQuerySet:
        """Return the verdicts that moderators gave when they decided a dispute."""
        return self.filter(dispute__isnull=False)

    def visible_to(self, sight: Sight) -> VerificationQuerySet:
        """Return verdicts on models that are seen; `veils` says how they are read."""
        return self.filter(sight.allows("revision__model"))

    def with_models(self) -> VerificationQuerySet:
        """Return verdicts with the models they are about in the same query."""
        return self.select_related(
            "revision__model__organization", "compared_with__organization", "hearing"
        )


def with_verdict(models_: models.QuerySet[RegisteredModel]) -> models.QuerySet[Any]:
    """Return registered models annotated with their current `verdict`, or None.

    None also while the newest one waits for its team's answer.
    """
    newest = Verification.objects.filter(revision=OuterRef("head")).order_by("-id")
    is_public = Q(hearing=None) | Q(hearing__end=Hearing.End.PUBLISHED)
    shown = newest.annotate(shown=Case(When(is_public, then=F("verdict"))))
    return models_.annotate(verdict=Subquery(shown.values("shown")[:1]))


class Verification(models.Model):
    """A verdict on a revision. Append-only: a newer one supersedes it.

    The database refuses updates and deletions (migration 0002).
    """

    revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, related_name="verifications"
    )
    # One job ends in one verdict, however often it was run.
    job = models.OneToOneField(
        Job, on_delete=models.PROTECT, null=True, related_name="verification"
    )
    verdict = models.CharField(
        max_length=28,
        choices=[(v.value, label) for v, label in VERDICT_LABELS.items()],
    )
    compared_with = models.ForeignKey(
        RegisteredModel, on_delete=models.PROTECT, null=True, related_name="+"
    )
    # The weights of that model that were compared, where there were any.
    compared_revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, related_name="+"
    )
    comparison = models.JSONField(null=True)
    # Every relative that the weights show, explained by the declaration or not.
    relatives = models.JSONField(default=list)
    reason = models.CharField(max_length=40)
    limits = models.JSONField(default=list)
    n_compared = models.PositiveIntegerField(default=0)
    engine = models.CharField(max_length=40)
    # The dispute that a moderator decided by this verdict, instead of the engine.
    dispute = models.ForeignKey(
        "lineage.Dispute", on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VerificationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.revision}: {self.verdict}"

    def get_absolute_url(self) -> str:
        return reverse("lineage:verification", args=[self.pk])

    def kin(self) -> set[str]:
        """Return the slugs of all models that the weights were found to be kin of."""
        slugs = {str(relative["slug"]) for relative in self.relatives}
        if self.compared_with and (self.comparison or {}).get("related"):
            slugs.add(self.compared_with.slug)
        return slugs

    @property
    def is_self_attested(self) -> bool:
        """Return whether the register had not seen the weights when it judged."""
        by_team = SelfAttestation.objects.filter(fingerprint__revision=self.revision)
        return by_team.exclude(confirmed_at__lte=self.created_at).exists()

    @property
    def is_sketch_contradicted(self) -> bool:
        """Return whether weights of these hashes gave another sketch here."""
        return SelfAttestation.objects.filter(
            fingerprint__revision=self.revision, contradicted_at__isnull=False
        ).exists()

    @property
    def heard(self) -> Hearing | None:
        """Return the hearing of the team before publication, where there was one."""
        return getattr(self, "hearing", None)

    @property
    def is_public(self) -> bool:
        """Return whether everybody may read it."""
        return self.heard is None or self.heard.end == Hearing.End.PUBLISHED

    @property
    def published_at(self) -> datetime:
        """Return when everybody could read it first."""
        ended_at = self.heard.ended_at if self.heard else None
        return ended_at or self.created_at

    def superseding(self) -> Verification | None:
        """Return the newest public verdict on the same model, if this is not it."""
        newer = Verification.objects.public().filter(
            revision__model=self.revision.model_id, pk__gt=self.pk
        )
        return newer.order_by("-pk").first()


class HearingQuerySet(models.QuerySet["Hearing"]):
    def open(self) -> HearingQuerySet:
        """Return the hearings that have not ended."""
        return self.filter(end="")


class Hearing(models.Model):
    """The time a team has to answer a verdict before everybody can read it."""

    class End(models.TextChoices):
        PUBLISHED = "published", _("published")
        CLEARED = "cleared", _("cleared by a correction")
        REPLACED = "replaced", _("replaced by a newer verdict")

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, related_name="hearing"
    )
    # What publication says of derivations: [parent's id, relation, kind] each.
    findings = models.JSONField(default=list)
    until = models.DateTimeField()
    end = models.CharField(max_length=10, choices=End.choices, blank=True)
    ended_at = models.DateTimeField(null=True)
    # The verdict that ended it, unless time did.
    ended_by = models.ForeignKey(
        Verification, on_delete=models.PROTECT, null=True, related_name="ended"
    )
    answer = models.TextField(_("answer"), max_length=4000, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)

    objects = HearingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["end", "until"], name="hearing_due")]

    def __str__(self) -> str:
        return f"{self.verification}, until {self.until:%Y-%m-%d %H:%M}"


class Statement(models.Model):
    """One thing said about a derivation, by whom and on what evidence. Append-only."""

    derivation = models.ForeignKey(
        Derivation, on_delete=models.PROTECT, related_name="statements"
    )
    kind = models.CharField(
        max_length=12,
        choices=[(kind.value, label) for kind, label in STATEMENT_LABELS.items()],
    )
    # The person who spoke; empty when the register itself did.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, null=True, related_name="statements"
    )
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, null=True)
    # The dispute that contests the derivation, or that a moderator decided so.
    dispute = models.ForeignKey(
        "lineage.Dispute",
        on_delete=models.PROTECT,
        null=True,
        related_name="statements",
    )
    sources = models.ManyToManyField(Source, related_name="statements")
    text = models.TextField(_("text"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["derivation", "verification"],
                name="one_statement_of_a_verification",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.derivation}"
