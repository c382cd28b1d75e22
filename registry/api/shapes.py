"""The shapes of answers, for the OpenAPI schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from registry.models import Job


class JobShape(serializers.Serializer[Any]):
    """A job; `result` is the address of the model once the verdict is there."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Job.Kind.values)
    state = serializers.ChoiceField(choices=Job.State.values)
    progress = serializers.FloatField(min_value=0, max_value=1)
    error = serializers.CharField(allow_null=True)
    result = serializers.URLField(allow_null=True)


class OrganizationShape(serializers.Serializer[Any]):
    """An organisation in a list."""

    slug = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    name_zh = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)
    n_models = serializers.IntegerField()


class ListShape(serializers.Serializer[Any]):
    """What every list has beside its results."""

    total = serializers.IntegerField()
    truncated = serializers.BooleanField()
    truncated_reason = serializers.CharField(allow_null=True)
    next = serializers.URLField(allow_null=True)


class OrganizationListShape(ListShape):
    """Every organisation."""

    results = OrganizationShape(many=True)


class SeenShape(serializers.Serializer[Any]):
    """A place of a file."""

    slug = serializers.CharField()
    path = serializers.CharField()


class SeenListShape(ListShape):
    """Every place of a file."""

    results = SeenShape(many=True)
