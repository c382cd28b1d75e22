"""A team with a webhook that leads to a receiver of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from registry.models import Organization, Webhook
from registry.models.webhooks import Event
from registry.services.webhooks import create_webhook
from tests import factories
from tests.integration.webhooks.receiver import Receiver, receiving


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving() as listening:
        yield listening


@pytest.fixture
def team(db: None) -> Organization:
    return factories.make_organization(owner=factories.make_user(email="a@b.example"))


@pytest.fixture
def made(team: Organization, receiver: Receiver) -> tuple[Webhook, str]:
    """Return a webhook for every event, and its secret."""
    owner = team.members.get()
    return create_webhook(team, url=receiver.url, events=Event.values, by=owner)


@pytest.fixture
def webhook(made: tuple[Webhook, str]) -> Webhook:
    return made[0]
