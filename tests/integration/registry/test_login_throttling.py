"""Guessing passwords and signing up by the hundred end soon, with the time to wait."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories

LIMITS = {
    "login": "100/m/ip",
    "login_failed": "5/m/ip,3/5m/key",
    "signup": "2/m/ip",
    "reset_password": "9/m/ip,2/10m/key",
}


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = LIMITS
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"


@pytest.fixture
def user() -> User:
    return factories.make_user(username="ann", email="ann@example.org")


def login(client: Client, name: str, password: str, **further: Any) -> Any:
    return client.post(
        "/accounts/login/", {"login": name, "password": password}, **further
    )


def test_after_some_failures_an_account_waits_even_with_the_right_password(
    client: Client, user: User
) -> None:
    for n in range(3):
        wrong = login(client, "ann", "wrong", REMOTE_ADDR=f"10.0.0.{n}")
        assert "Too many attempts" not in wrong.content.decode()

    refused = login(client, "ann", "password", REMOTE_ADDR="10.0.0.9")

    assert refused.status_code == 200
    assert "Try again in 5 minutes" in refused.content.decode()
    assert 'value="ann"' in refused.content.decode()
    assert "_auth_user_id" not in client.session


def test_other_people_sign_in_meanwhile(client: Client, user: User) -> None:
    other = factories.make_user()
    for _ in range(4):
        login(client, "ann", "wrong")

    assert login(client, other.username, "password").status_code == 302


def test_an_address_that_tries_many_accounts_waits(client: Client, user: User) -> None:
    for n in range(5):
        login(client, f"guess{n}", "wrong")

    assert "Too many attempts" in login(client, "ann", "password").content.decode()
    elsewhere = login(Client(), "ann", "password", REMOTE_ADDR="10.9.9.9")
    assert elsewhere.status_code == 302


def test_behind_a_proxy_the_client_is_counted_and_not_the_proxy(
    client: Client, user: User, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = 1
    for n in range(6):
        login(client, f"guess{n}", "wrong", HTTP_X_FORWARDED_FOR=f"{n}.1.1.1, 1.2.3.4")

    same = login(client, "ann", "password", HTTP_X_FORWARDED_FOR="1.2.3.4")
    other = login(client, "ann", "password", HTTP_X_FORWARDED_FOR="1.2.3.5")

    assert "Too many attempts" in same.content.decode()
    assert other.status_code == 302


def test_whoever_signs_in_rightly_is_never_counted(client: Client, user: User) -> None:
    for _ in range(8):
        assert login(client, "ann", "password").status_code == 302
        client.logout()


@pytest.mark.parametrize(
    ("prefix", "sentence"), [("", "Try again in 60 seconds"), ("/zh-hans", "60 秒")]
)
def test_signing_up_by_the_dozen_ends(
    client: Client, prefix: str, sentence: str
) -> None:
    def sign_up(name: str) -> Any:
        password = "a long enough phrase"
        form = {"username": name, "password1": password, "password2": password}
        return Client().post(f"{prefix}/accounts/signup/", form)

    answers = [sign_up(f"person{n}") for n in range(3)]

    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert sentence in answers[2].content.decode()
    assert answers[2].headers["Retry-After"] == "60"
    assert User.objects.filter(username__startswith="person").count() == 2


def test_nobodys_mailbox_is_filled(client: Client, user: User, mailoutbox: Any) -> None:
    form = {"email": user.email}

    answers = [
        client.post("/accounts/password/reset/", form, REMOTE_ADDR=f"10.0.0.{n}")
        for n in range(3)
    ]

    assert [answer.status_code for answer in answers][:2] == [302, 302]
    assert len(mailoutbox) == 2
    assert "10 minutes" in answers[2].content.decode()
