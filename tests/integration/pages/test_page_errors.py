"""Pages for what goes wrong: what happened, what was kept, what to do."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse


def test_a_form_that_is_too_old_says_what_to_do(db: None) -> None:
    browser = Client(enforce_csrf_checks=True)

    response = browser.post(reverse("set_language"), {"language": "en"})

    page = response.content.decode()
    assert response.status_code == 403
    assert "Nothing was changed." in page and "send the form once more" in page


def test_the_page_of_a_fault_needs_nothing_and_speaks_both_languages() -> None:
    page = render_to_string("500.html")

    assert "Something broke on our side" in page and "服务器出错" in page
