"""Registering without weights: the form, what it refuses, what the page then says."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lineage.models import Derivation
from registry.models import RegisteredModel
from tests import factories
from tests.integration.pages.conftest import read

NEW = "/registrations/new/"


@pytest.fixture
def ada(client: Client) -> User:
    """Return somebody who is signed in and owns acme, beside GPT-4 of the catalog."""
    user = factories.make_user(username="ada")
    factories.make_organization(owner=user, slug="acme")
    factories.make_catalog_model(slug="gpt-4", name="GPT-4")
    client.force_login(user)
    return user


def filled(client: Client, *parents: dict[str, str], **changes: str) -> dict[str, Any]:
    """Return what a browser sends for a wrapper of GPT-4."""
    parents = parents or ({"base": "gpt-4"},)
    data = {
        "sort": "prompt-wrapper",
        "name": "Acme Assistant",
        "contribution": "A prompt and <b>retrieval</b>.",
        "parents-TOTAL_FORMS": str(len(parents)),
        "parents-INITIAL_FORMS": "0",
    }
    for row, parent in enumerate(parents):
        for name, value in parent.items():
            data[f"parents-{row}-{name}"] = value
    team = client.get(NEW).context["form"].fields["organization"].queryset.first()
    return data | {"organization": str(team.pk)} | changes


def test_a_wrapper_is_registered_and_shown_calmly(client: Client, ada: User) -> None:
    links = "https://acme.example/about  About us\nhttps://acme.example/terms Terms"

    response = client.post(
        NEW, filled(client, {"base": "gpt-4", "evidence": links}, name_zh="助手")
    )

    page = "/models/acme--Acme-Assistant/"
    assert response.headers["Location"] == page
    text = read(client, page)
    assert "is a prompt in front of" in text
    assert "Not verifiable" in text
    assert "no weights of its own to read" in text
    assert "Found in the weights" not in text
    assert '<a href="https://acme.example/about" rel="noopener nofollow">' in text
    assert "Given by its makers on" in text
    assert "&lt;b&gt;retrieval&lt;/b&gt;" in text
    assert "助手" in text
    assert f'href="{page}edit/"' in text
    assert "Acme Assistant" in read(client, "/organizations/acme/")
    assert "Acme Assistant" in read(client, "/models/?verdict=not-verifiable")
    badge = client.get(f"{page}badge.svg").content.decode()
    assert "declared, no weights to verify" in badge


def test_what_is_private_from_the_form_on_is_seen_by_its_own(
    client: Client, ada: User
) -> None:
    answer = client.post(NEW, filled(client, private="on"), follow=True)

    address = answer.redirect_chain[-1][0]
    assert "Only members of your organisation see it." in answer.content.decode()
    assert Client().get(address).status_code == 404


def test_a_product_has_no_category_and_runs_on_models(
    client: Client, ada: User
) -> None:
    client.post(NEW, filled(client, sort="product"))

    assert "runs on" in read(client, "/models/acme--Acme-Assistant/")
    model = RegisteredModel.objects.get(slug="acme--Acme-Assistant")
    assert (model.kind, model.category) == ("product", "")
    tree = read(client, f"/lineage/?focus={model.slug}")
    assert f'data-slug="{model.slug}"' in tree


@pytest.mark.parametrize(
    ("parents", "changes", "complaint"),
    [
        ((), {"name": ""}, "This field is required."),
        ((), {"sort": ""}, "This field is required."),
        (({"base": ""},), {}, "Name the model that it stands on."),
        (({"base": "gpt-4"}, {"base": "GPT-4"}), {}, "Named twice."),
        (({"base": "gpt-4", "relation": "powers"},), {}, "products and tools are"),
        (({"base": "", "evidence": "https://a.example x"},), {}, "Name the model"),
        (({"base": "gpt-4", "evidence": "see here"},), {}, "Line 1: begin with"),
        (
            ({"base": "gpt-4", "evidence": "https://a.example/"},),
            {},
            "Line 1: write the page",
        ),
        ((), {"homepage": "http://acme.example"}, "beginning with https://"),
        ((), {"released": "2026-13"}, "Write the year and the month"),
        ((), {"name": "助手"}, "a name in Latin letters"),
        ((), {"address": "a--b"}, "Use letters, digits"),
        ((), {"address": "a b"}, "Use letters, digits"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    client: Client,
    ada: User,
    parents: tuple[dict[str, str], ...],
    changes: dict[str, str],
    complaint: str,
) -> None:
    response = client.post(NEW, filled(client, *parents, **changes))

    assert response.status_code == 422
    text = response.content.decode()
    assert complaint in text
    assert "&lt;b&gt;retrieval&lt;/b&gt;" in text
    assert not RegisteredModel.objects.from_teams().exists()


def test_a_name_is_taken_once(client: Client, ada: User) -> None:
    client.post(NEW, filled(client))

    response = client.post(NEW, filled(client))

    assert response.status_code == 422
    assert "has an entry of this name already" in response.content.decode()


def test_another_row_keeps_what_was_typed_without_a_word_of_blame(
    client: Client, ada: User
) -> None:
    data = filled(client, {"base": "gpt-4", "evidence": "half a li"}, name="")

    text = client.post(NEW, data | {"add": "row"}).content.decode()

    assert 'name="parents-1-base"' in text
    assert "half a li" in text
    assert "errorlist" not in text


@pytest.mark.parametrize("add", [{}, {"add": "row"}])
@pytest.mark.parametrize(
    "broken",
    [
        {"parents-TOTAL_FORMS": "9" * 5000},
        {"parents-TOTAL_FORMS": "-1"},
        {"parents-INITIAL_FORMS": "x"},
        {"parents-0-base": "gpt\x00"},
        {"parents-0-base": "g" * 100_000},
        {"name": "\x00"},
        {"organization": "0"},
        {"sort": "base"},
        {"parents-0-relation": "sft"},
    ],
)
def test_a_form_that_no_browser_sends_is_refused(
    client: Client, ada: User, broken: dict[str, str], add: dict[str, str]
) -> None:
    response = client.post(NEW, filled(client) | broken | add)

    assert response.status_code == (200 if add else 422)


def test_an_unknown_parent_stands_as_written_with_suggestions(
    client: Client, ada: User
) -> None:
    response = client.post(NEW, filled(client, {"base": "gpt"}), follow=True)

    text = response.content.decode()
    assert "“gpt” is not registered here" in text
    assert "Did you mean one of these? gpt-4" in text
    assert not Derivation.objects.exists()
    edit = read(client, "/models/acme--Acme-Assistant/edit/")
    assert "<code>gpt-4</code>" in edit


def test_names_are_offered_while_one_types(client: Client, ada: User) -> None:
    text = read(client, "/registrations/bases/?parents-0-base=gpt")

    assert '<option value="gpt-4">GPT-4</option>' in text
    assert read(client, "/registrations/bases/") == ""


def test_an_edit_is_a_revision_and_withdraws_what_is_not_declared(
    client: Client, ada: User
) -> None:
    other = factories.make_catalog_model(slug="claude", name="Claude")
    client.post(NEW, filled(client, homepage="https://acme.example/"))
    model = RegisteredModel.objects.get(slug="acme--Acme-Assistant")
    edit = reverse("lineage:registration-edit", args=[model.slug])
    page = client.get(edit)
    assert 'value="https://acme.example/"' in page.content.decode()

    data = filled(client, {"base": "claude"}, head=page.context["form"]["head"].value())
    response = client.post(edit, data)

    assert response.headers["Location"] == model.get_absolute_url()
    states = dict(model.derivations.values_list("parent__slug", "state"))
    assert states == {"gpt-4": "withdrawn", "claude": "declared"}
    assert model.revisions.count() == 2
    model.refresh_from_db()
    assert "homepage" not in model.facts
    assert model.derivations.filter(parent=other).exists()


def test_two_who_edit_at_once_do_not_overwrite_each_other(
    client: Client, ada: User
) -> None:
    client.post(NEW, filled(client))
    edit = "/models/acme--Acme-Assistant/edit/"
    head = client.get(edit).context["form"]["head"].value()
    client.post(edit, filled(client, head=head, contribution="first"))

    late = client.post(edit, filled(client, head=head, contribution="second"))

    assert late.status_code == 422
    text = late.content.decode()
    assert "Somebody has changed this entry" in text
    assert "second" in text
    head = late.context["form"]["head"].value()
    again = filled(client, contribution="second", head=head)
    assert client.post(edit, again).status_code == 302


def test_who_has_no_team_is_led_to_one(client: Client) -> None:
    client.force_login(factories.make_user())

    assert "You belong to none yet" in read(client, NEW)


def test_a_model_with_weights_is_edited_by_pushing(client: Client, ada: User) -> None:
    team = ada.organizations.get()
    model = factories.make_model(organization=team)
    factories.make_revision(model=model, files={"model.safetensors": b"x"})

    response = client.get(f"/models/{model.slug}/edit/")

    assert response.status_code == 302
    assert "Edit this entry" not in read(client, model.get_absolute_url())
