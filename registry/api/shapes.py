"""The shapes of answers, for the OpenAPI schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from registry.models import ApiToken, Delivery, Job


class ReadingShape(serializers.Serializer[Any]):
    """How far the reading of weights on a hub has come, and in which file."""

    path = serializers.CharField()
    number = serializers.IntegerField()
    n_files = serializers.IntegerField()
    n_bytes = serializers.IntegerField()
    total_bytes = serializers.IntegerField()


class JobShape(serializers.Serializer[Any]):
    """A job; `result` is the address of the model once the verdict is there.

    `reading` is there while weights of a hub are read.
    """

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Job.Kind.values)
    state = serializers.ChoiceField(choices=Job.State.values)
    progress = serializers.FloatField(min_value=0, max_value=1)
    error = serializers.CharField(allow_null=True)
    reading = ReadingShape(allow_null=True)
    result = serializers.URLField(allow_null=True)


class HubRegistrationRequest(serializers.Serializer[Any]):
    """A repository of a hub that is to be registered."""

    organization = serializers.CharField(max_length=96)
    name = serializers.CharField(
        max_length=96, required=False, help_text="Without it, as on the hub."
    )
    hub = serializers.URLField(default="https://huggingface.co")
    id = serializers.CharField(max_length=200, help_text="team/model on the hub")
    revision = serializers.CharField(
        max_length=200, default="main", help_text="Branch, tag or commit."
    )
    token = serializers.CharField(
        max_length=500,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="Of the hub, for a gated repository; removed when it was read.",
    )
    keep_copy = serializers.BooleanField(
        default=False, help_text="Keep the weights here; they count as pushed ones."
    )
    private = serializers.BooleanField(
        allow_null=True,
        default=None,
        help_text="Only the organisation sees it. Without it, if the repository is "
        "gated.",
    )
    only_look = serializers.BooleanField(
        default=False, help_text="Say what would be read, and register nothing."
    )


class HubRegistrationShape(serializers.Serializer[Any]):
    """What was found on the hub, and the job that reads it."""

    hub = serializers.URLField()
    id = serializers.CharField()
    commit = serializers.CharField()
    params = serializers.IntegerField()
    dtypes = serializers.ListField(child=serializers.CharField())
    size_bytes = serializers.IntegerField()
    n_weight_files = serializers.IntegerField()
    slug = serializers.CharField(allow_null=True)
    job = JobShape(allow_null=True)


class SketchRequest(serializers.Serializer[Any]):
    """A sketch that a team computed, and the card of its model."""

    organization = serializers.CharField(max_length=96)
    name = serializers.CharField(max_length=96)
    card = serializers.CharField(
        max_length=1 << 20, trim_whitespace=False, help_text="README.md, as text."
    )
    sketch = serializers.CharField(
        max_length=400_000,
        help_text="The file that `sketch --hashes` wrote, in base64.",
    )
    private = serializers.BooleanField(
        default=False, help_text="Only the organisation sees it."
    )


class SketchRegistrationShape(serializers.Serializer[Any]):
    """The model, and the job that judges its sketch."""

    slug = serializers.CharField()
    job = JobShape()


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


class TokenShape(serializers.Serializer[Any]):
    """A token without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scope = serializers.ChoiceField(choices=ApiToken.Scope.choices)
    organization = serializers.CharField()
    created = serializers.DateTimeField()
    expires = serializers.DateTimeField(allow_null=True)
    last_used = serializers.DateTimeField(allow_null=True)


class NewTokenShape(TokenShape):
    """A token with its secret, shown once."""

    secret = serializers.CharField()


class TokenListShape(ListShape):
    """One's own tokens."""

    results = TokenShape(many=True)


class WebhookShape(serializers.Serializer[Any]):
    """A webhook without its secret."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    switched_off = serializers.CharField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    created = serializers.DateTimeField()


class NewWebhookShape(WebhookShape):
    """A webhook with its secret, shown once."""

    secret = serializers.CharField()


class WebhookListShape(ListShape):
    """Every webhook of an organisation."""

    results = WebhookShape(many=True)


class DeliveryShape(serializers.Serializer[Any]):
    """One event for one webhook; `payload` is the body as it is sent."""

    id = serializers.UUIDField()
    event_id = serializers.CharField()
    event = serializers.CharField()
    state = serializers.ChoiceField(choices=Delivery.State.values)
    attempts = serializers.IntegerField()
    status_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    answer = serializers.CharField()
    next_attempt = serializers.DateTimeField(allow_null=True)
    created = serializers.DateTimeField()
    payload = serializers.CharField()


class DeliveryListShape(ListShape):
    """Deliveries of a webhook, the newest first."""

    results = DeliveryShape(many=True)
