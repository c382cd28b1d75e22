"""Webhooks of the organisation that a token administers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry import outbound, tasks
from registry.api import shapes
from registry.api.auth import administrator_of
from registry.api.lists import whole_list
from registry.models import Delivery, Webhook
from registry.models.webhooks import Event
from registry.services import webhooks

MAX_DELIVERIES = 100


class WebhookInput(serializers.Serializer[Any]):
    """What a webhook is made of."""

    url = serializers.CharField(max_length=500)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.choices), allow_empty=False
    )
    is_active = serializers.BooleanField(default=True)


class PageInput(serializers.Serializer[Any]):
    """Which part of a log is asked for."""

    limit = serializers.IntegerField(
        default=MAX_DELIVERIES, min_value=1, max_value=MAX_DELIVERIES
    )
    cursor = serializers.UUIDField(default=None)


class WebhookList(APIView):
    """Webhooks of the token's organisation."""

    @extend_schema(operation_id="webhooks_list", responses=shapes.WebhookListShape)
    def get(self, request: Request) -> Response:
        """Return every webhook, the oldest first; secrets are never shown again."""
        found = administrator_of(request).organization.webhooks.order_by("id")
        results = [_document(webhook) for webhook in found]
        return Response(whole_list(results, total=len(results)))

    @extend_schema(request=WebhookInput, responses={201: shapes.NewWebhookShape})
    def post(self, request: Request) -> Response:
        """Add a webhook and return it with its secret, this once."""
        token = administrator_of(request)
        given = _read(WebhookInput(data=request.data))
        try:
            webhook, secret = webhooks.create_webhook(
                token.organization, by=token.user, **given
            )
        except outbound.Refused as error:
            raise _refusal(error) from error
        except webhooks.TooManyWebhooks as error:
            said = f"an organisation has {webhooks.MAX_WEBHOOKS} webhooks at most"
            raise ValidationError({"webhooks": said}) from error
        return Response(_document(webhook) | {"secret": secret}, status=201)


class WebhookDetail(APIView):
    """One webhook."""

    @extend_schema(responses=shapes.WebhookShape)
    def get(self, request: Request, pk: int) -> Response:
        """Return the webhook."""
        return Response(_document(_webhook(request, pk)))

    @extend_schema(
        request=WebhookInput(partial=True),
        responses=shapes.WebhookShape,
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given; switching on forgets earlier failures."""
        token, webhook = administrator_of(request), _webhook(request, pk)
        given = _read(WebhookInput(data=request.data, partial=True))
        kept = {
            "url": webhook.url,
            "events": webhook.events,
            "is_active": webhook.is_active,
        }
        try:
            webhooks.change_webhook(webhook, by=token.user, **kept | given)
        except outbound.Refused as error:
            raise _refusal(error) from error
        return Response(_document(webhook))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Remove the webhook with its log."""
        token = administrator_of(request)
        webhooks.remove_webhook(_webhook(request, pk), by=token.user)
        return Response(status=204)


class WebhookSecret(APIView):
    """The secret of a webhook."""

    @extend_schema(request=None, responses=shapes.NewWebhookShape)
    def post(self, request: Request, pk: int) -> Response:
        """Make a new secret and return it, this once; the old one signs for a day."""
        token, webhook = administrator_of(request), _webhook(request, pk)
        secret = webhooks.renew_secret(webhook, by=token.user)
        return Response(_document(webhook) | {"secret": secret})


class WebhookTest(APIView):
    """Trying a webhook."""

    @extend_schema(request=None, responses={202: shapes.DeliveryShape})
    def post(self, request: Request, pk: int) -> Response:
        """Send a test event and return its delivery, to be looked at again."""
        sent = webhooks.send_test(_webhook(request, pk))
        tasks.ring_for_delivery(sent)
        return Response(_delivery_document(sent), status=202)


class DeliveryList(APIView):
    """What was sent to a webhook in the last 30 days."""

    @extend_schema(
        operation_id="webhooks_deliveries_list",
        parameters=[PageInput],
        responses=shapes.DeliveryListShape,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return the deliveries, the newest first."""
        limit, cursor = _page_asked_for(request)
        everything = _webhook(request, pk).deliveries.order_by("-created_at", "-id")
        shown = everything
        if cursor is not None:
            after = get_object_or_404(everything, pk=cursor)
            shown = shown.filter(created_at__lte=after.created_at).exclude(
                created_at=after.created_at, id__gte=after.pk
            )
        found = list(shown[: limit + 1])
        has_more, found = len(found) > limit, found[:limit]
        query = f"?limit={limit}&cursor={found[-1].pk}" if has_more else ""
        return Response(
            {
                "total": everything.count(),
                "truncated": False,
                "truncated_reason": None,
                "next": request.build_absolute_uri(query) if has_more else None,
                "results": [_delivery_document(delivery) for delivery in found],
            }
        )


class DeliveryDetail(APIView):
    """One event for one webhook."""

    @extend_schema(responses=shapes.DeliveryShape)
    def get(self, request: Request, pk: int, delivery: UUID) -> Response:
        """Return what was sent and what came back."""
        return Response(_delivery_document(_delivery(request, pk, delivery)))


class DeliveryReplay(APIView):
    """Sending once more."""

    @extend_schema(request=None, responses={202: shapes.DeliveryShape})
    def post(self, request: Request, pk: int, delivery: UUID) -> Response:
        """Send the event again, under its old `webhook-id`, as a new delivery."""
        again = webhooks.replay(_delivery(request, pk, delivery))
        tasks.ring_for_delivery(again)
        return Response(_delivery_document(again), status=202)


def _webhook(request: Request, pk: int) -> Webhook:
    organization = administrator_of(request).organization
    return get_object_or_404(organization.webhooks, pk=pk)


def _delivery(request: Request, pk: int, delivery: UUID) -> Delivery:
    return get_object_or_404(_webhook(request, pk).deliveries, pk=delivery)


def _read(given: serializers.Serializer[Any]) -> dict[str, Any]:
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def _page_asked_for(request: Request) -> tuple[int, UUID | None]:
    asked = _read(PageInput(data=request.query_params))
    return asked["limit"], asked["cursor"]


def _refusal(error: outbound.Refused) -> ValidationError:
    return ValidationError({"url": f"this address is never asked: {error}"})


def _document(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.events,
        "is_active": webhook.is_active,
        "switched_off": webhook.switched_off or None,
        "failing_since": webhook.failing_since,
        "created": webhook.created_at,
    }


def _delivery_document(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.pk),
        "event_id": delivery.event_id,
        "event": delivery.event,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status_code": delivery.status_code,
        "error": delivery.error or None,
        "answer": delivery.answer,
        "next_attempt": delivery.next_attempt_at,
        "created": delivery.created_at,
        "payload": delivery.payload,
    }
