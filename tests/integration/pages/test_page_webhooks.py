"""The pages of webhooks: what an owner sees, and what is said when it is wrong."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import Delivery, Organization, Webhook
from registry.services.webhooks import create_webhook, send_test
from tests import factories

GOOD = {"url": "https://hooks.example.org/a", "events": ["push.committed"]}


@pytest.fixture
def team(db: None) -> Organization:
    return factories.make_organization(slug="acme", owner=factories.make_user())


@pytest.fixture
def owner(team: Organization, client: Client) -> Client:
    client.force_login(team.members.get())
    return client


@pytest.fixture
def webhook(team: Organization) -> Webhook:
    return create_webhook(team, by=team.members.get(), **GOOD)[0]


def test_a_secret_is_shown_once(owner: Client) -> None:
    made = owner.post("/organizations/acme/webhooks/", GOOD)
    webhook = Webhook.objects.get()
    later = owner.get(webhook.get_absolute_url())
    listed = owner.get("/organizations/acme/webhooks/")

    assert b"whsec_" in made.content
    assert "no-store" in made.headers["Cache-Control"]
    assert b"whsec_" not in later.content + listed.content
    assert b"Nothing has been sent yet" in later.content
    assert GOOD["url"] in listed.content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://localhost/"}, "This address is not public."),
        ({"url": "http://2130706433/"}, "This address is not public."),
        ({"url": "https://a:b@example.org/"}, "must not hold a name"),
        ({"url": "gopher://example.org/"}, "must begin with https://"),
        ({"events": []}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    owner: Client, webhook: Webhook, wrong: dict[str, str], said: str
) -> None:
    for address in ("/organizations/acme/webhooks/", webhook.get_absolute_url()):
        answer = owner.post(address, GOOD | wrong)

        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert (GOOD | wrong)["url"] in answer.content.decode()
    assert Webhook.objects.get().url == GOOD["url"]


def test_a_webhook_that_was_switched_off_says_why(
    owner: Client, webhook: Webhook
) -> None:
    Webhook.objects.update(is_active=False, switched_off="failing")

    page = owner.get(webhook.get_absolute_url()).content.decode()

    assert "Nothing could be delivered for three days." in page
    assert "Switch it on below" in page


def test_the_log_has_pages_and_a_delivery_tells_everything(
    owner: Client, webhook: Webhook
) -> None:
    for _ in range(30):
        send_test(webhook)
    Delivery.objects.update(attempts=2, status_code=500, answer="<b>broken</b>")
    now = timezone.now()
    Delivery.objects.update(attempted_at=now, next_attempt_at=now)

    first = owner.get(webhook.get_absolute_url()).content.decode()
    second = owner.get(webhook.get_absolute_url() + "?page=2").content.decode()
    chosen = Delivery.objects.first()
    assert chosen is not None
    address = f"{webhook.get_absolute_url()}deliveries/{chosen.pk}/"
    page = owner.get(address).content.decode()

    assert "Page 1 of 2" in first
    assert second.count("/deliveries/") == 5
    assert "next attempt at" in page and "&lt;b&gt;broken" in page
    assert "&quot;type&quot;: &quot;test&quot;" in page


def test_while_an_attempt_lasts_the_page_asks_again(
    owner: Client, webhook: Webhook
) -> None:
    owner.post(f"{webhook.get_absolute_url()}test/")
    Delivery.objects.update(attempts=1)
    delivery = Delivery.objects.get()

    page = owner.get(f"{webhook.get_absolute_url()}deliveries/{delivery.pk}/")

    assert b"It is on its way." in page.content
    assert b"next attempt at" not in page.content


def test_buttons_send_and_lead_to_the_delivery(owner: Client, webhook: Webhook) -> None:
    sent = owner.post(f"{webhook.get_absolute_url()}test/", follow=True)
    first = Delivery.objects.get()
    again = owner.post(
        f"{webhook.get_absolute_url()}deliveries/{first.pk}/replay/", follow=True
    )

    assert b"It is on its way." in sent.content
    assert first.event_id in again.content.decode()
    assert Delivery.objects.count() == 2


def test_removing_is_asked_first(owner: Client, webhook: Webhook) -> None:
    address = f"{webhook.get_absolute_url()}remove/"

    assert b"Remove this webhook?" in owner.get(address).content
    assert Webhook.objects.exists()
    owner.post(address)
    assert not Webhook.objects.exists()
