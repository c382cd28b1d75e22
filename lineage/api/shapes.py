"""The shapes of answers, for the OpenAPI schema; documents.py fills them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lineage.models import Dispute, DisputeEvent
from registry.api.shapes import ListShape
from registry.declaration import MAX_BASES, MAX_ID_LENGTH
from registry.description import (
    MAX_ADDRESS,
    MAX_NAME,
    MAX_TEXT,
    MAX_TITLE,
    LinkInvalid,
    check_link,
    is_month,
)
from registry.services.registrations import RELATIONS, WRAPPERS
from registry.vocabulary import Kind


class JobBriefShape(serializers.Serializer[Any]):
    """A job in brief; its address is jobs/{id}/."""

    id = serializers.UUIDField()
    state = serializers.CharField()


class DeclaredShape(serializers.Serializer[Any]):
    """A base that the model card names; slug is null while it is not registered.

    Then suggestions holds at most three ids that may have been meant.
    """

    id = serializers.CharField()
    slug = serializers.CharField(allow_null=True)
    relation = serializers.CharField()
    suggestions = serializers.ListField(child=serializers.CharField())


class VerdictShape(serializers.Serializer[Any]):
    """What the weights say of the declaration."""

    verdict = serializers.CharField()
    reason = serializers.CharField()
    compared_with = serializers.CharField(allow_null=True)
    comparison = serializers.JSONField(allow_null=True)
    limits = serializers.ListField(child=serializers.CharField())
    revision = serializers.CharField()
    engine = serializers.CharField()
    created = serializers.DateTimeField()
    public = serializers.BooleanField()
    disputed = serializers.BooleanField()


class ContestedEdgeShape(serializers.Serializer[Any]):
    """A derivation that somebody contests."""

    child = serializers.CharField()
    parent = serializers.CharField()  # type: ignore[assignment]  # DRF's own word
    relation = serializers.CharField()


class DisputeShape(serializers.Serializer[Any]):
    """A dispute in a list; one of fact, derivation and verification is set."""

    id = serializers.IntegerField()
    about = serializers.ChoiceField(choices=("fact", "edge", "verdict"))
    model = serializers.CharField()
    fact = serializers.CharField(allow_null=True)
    derivation = ContestedEdgeShape(allow_null=True)
    verdict = serializers.CharField(allow_null=True)
    verification = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=Dispute.State.choices)
    opened_by = serializers.CharField()
    opened = serializers.DateTimeField()
    answer_until = serializers.DateTimeField()
    overdue = serializers.BooleanField()


class DisputeEventShape(serializers.Serializer[Any]):
    """What somebody said or did in a dispute."""

    kind = serializers.ChoiceField(choices=DisputeEvent.Kind.values)
    author = serializers.CharField()
    text = serializers.CharField()
    evidence = serializers.ListField(child=serializers.URLField())
    ruling = serializers.DictField(child=serializers.CharField())
    created = serializers.DateTimeField()


class DisputeDetailShape(DisputeShape):
    """A dispute with its history; `answers` are the organisations that answer."""

    answers = serializers.ListField(child=serializers.CharField())
    events = DisputeEventShape(many=True)


class DisputeListShape(ListShape):
    """A page of disputes."""

    results = DisputeShape(many=True)


class DerivationShape(serializers.Serializer[Any]):
    """An edge as the child's page states it."""

    parent = serializers.CharField()  # type: ignore[assignment]  # DRF's own word
    layer = serializers.CharField()
    relation = serializers.CharField()
    state = serializers.CharField()
    note = serializers.CharField()
    sources = serializers.ListField(child=serializers.CharField())


class SourceShape(serializers.Serializer[Any]):
    """Where facts come from."""

    id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.URLField()
    checked = serializers.DateField()
    confidence = serializers.CharField()
    covers = serializers.ListField(child=serializers.CharField())


class FileShape(serializers.Serializer[Any]):
    """A file of the current revision."""

    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class RemovedShape(serializers.Serializer[Any]):
    """That a model was removed: its files are gone, its lineage stays."""

    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField(allow_null=True)


class ModelShape(serializers.Serializer[Any]):
    """An entry in a list."""

    slug = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    name_zh = serializers.CharField()
    organization = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)
    released = serializers.CharField(allow_null=True)
    params = serializers.IntegerField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    family = serializers.CharField(allow_null=True)
    architecture = serializers.CharField(allow_null=True)
    open = serializers.BooleanField(allow_null=True)
    license = serializers.CharField(allow_null=True)
    private = serializers.BooleanField()
    removed = RemovedShape(allow_null=True)
    verdict = serializers.CharField(allow_null=True)


class ModelDetailShape(ModelShape):
    """An entry with everything the register knows of it."""

    aliases = serializers.ListField(child=serializers.CharField())
    hf_repo = serializers.ListField(child=serializers.CharField())
    repo = serializers.CharField(allow_null=True)
    arxiv = serializers.CharField(allow_null=True)
    facts = serializers.JSONField()
    claims = serializers.JSONField()
    sources = SourceShape(many=True)
    derivations = DerivationShape(many=True)
    files = FileShape(many=True)
    revision = serializers.CharField(allow_null=True)
    declared = DeclaredShape(many=True)
    job = JobBriefShape(allow_null=True)
    verdict = VerdictShape(allow_null=True)  # type: ignore[assignment]  # in full here
    verdict_pending_until = serializers.DateTimeField(allow_null=True)
    disputes = DisputeShape(many=True)


class NodeShape(serializers.Serializer[Any]):
    """A model in a lineage; hops is the length of the shortest path to it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    category = serializers.CharField(allow_null=True)
    released = serializers.CharField(allow_null=True)
    hops = serializers.IntegerField()
    removed = serializers.BooleanField(
        required=False, help_text="true where the model was removed, else absent"
    )


class EdgeShape(serializers.Serializer[Any]):
    """A derivation between two nodes."""

    child = serializers.CharField()
    parent = serializers.CharField()  # type: ignore[assignment]  # DRF's own word
    layer = serializers.CharField()
    relation = serializers.CharField()
    state = serializers.CharField()


class ModelListShape(ListShape):
    """A page of models."""

    results = ModelShape(many=True)


class LineageShape(ListShape):
    """A page of a lineage with the derivations among its nodes."""

    results = NodeShape(many=True)
    nodes = NodeShape(many=True)
    edges = EdgeShape(many=True)


class PathShape(serializers.Serializer[Any]):
    """The shortest paths between two models; `hops` counts from the first one."""

    truncated = serializers.BooleanField()
    truncated_reason = serializers.CharField(allow_null=True)
    paths = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField())
    )
    nodes = NodeShape(many=True)
    edges = EdgeShape(many=True)


class SubtreeShape(serializers.Serializer[Any]):
    """How many models descend from one, each counted once, and of which category.

    What has no category is counted under its kind.
    """

    total = serializers.IntegerField()
    by_category = serializers.DictField(child=serializers.IntegerField())


class CommonShape(NodeShape):
    """A lowest common ancestor; `hops` is the sum of those from each model."""

    hops_from = serializers.DictField(child=serializers.IntegerField())


class CommonListShape(ListShape):
    """The lowest common ancestors, nearest first, and the models asked about."""

    results = CommonShape(many=True)
    nodes = NodeShape(many=True)
    edges = EdgeShape(many=True)


class GraphShape(serializers.Serializer[Any]):
    """What is near a model; `total` counts what would be shown without a budget."""

    focus = serializers.CharField()
    total = serializers.IntegerField()
    truncated = serializers.BooleanField()
    truncated_reason = serializers.CharField(allow_null=True)
    nodes = NodeShape(many=True)
    edges = EdgeShape(many=True)


class SignatureShape(serializers.Serializer[Any]):
    """A signature over the payload and its type, in base64."""

    keyid = serializers.CharField()
    sig = serializers.CharField()


class EnvelopeShape(serializers.Serializer[Any]):
    """A DSSE envelope; the payload is an in-toto statement in base64."""

    payload = serializers.CharField()
    payloadType = serializers.CharField()
    signatures = SignatureShape(many=True)


def _check_link(address: str) -> None:
    try:
        check_link(address)
    except LinkInvalid as error:
        raise serializers.ValidationError(str(error)) from error


def _check_month(month: str) -> None:
    if month and not is_month(month):
        raise serializers.ValidationError("a month is written as 2026-11")


class EvidenceShape(serializers.Serializer[Any]):
    """A page that speaks for a declared parent."""

    url = serializers.CharField(max_length=MAX_ADDRESS, validators=[_check_link])
    title = serializers.CharField(max_length=MAX_TITLE)


class ParentShape(serializers.Serializer[Any]):
    """A model that an entry without weights stands on."""

    id = serializers.CharField(max_length=MAX_ID_LENGTH)
    relation = serializers.ChoiceField(
        choices=sorted({word for words in RELATIONS.values() for word in words}),
        required=False,
    )
    evidence = EvidenceShape(many=True, required=False)


class RegistrationShape(serializers.Serializer[Any]):
    """An entry without weights as its makers describe it."""

    name = serializers.CharField(max_length=MAX_NAME)
    name_zh = serializers.CharField(
        max_length=MAX_NAME, required=False, allow_blank=True
    )
    kind = serializers.ChoiceField(choices=list(Kind), default=Kind.MODEL)
    category = serializers.ChoiceField(
        choices=list(WRAPPERS), required=False, allow_null=True
    )
    parents = serializers.ListField(
        child=ParentShape(), max_length=MAX_BASES, default=list
    )
    contribution = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True
    )
    homepage = serializers.CharField(
        max_length=MAX_ADDRESS, required=False, validators=[_check_link]
    )
    released = serializers.CharField(
        max_length=7, required=False, validators=[_check_month]
    )
    revision = serializers.CharField(max_length=40, required=False)


class NewRegistrationShape(RegistrationShape):
    """The same with where it shall stand; `address` is made from the name."""

    revision = None  # type: ignore[assignment]  # there is none yet
    organization = serializers.CharField(max_length=96, required=False)
    address = serializers.CharField(max_length=96, required=False)
    private = serializers.BooleanField(default=False)
