"""A sketch that is sent on a page instead of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lineage.models import Verification
from registry.fingerprint.cli import main
from registry.models import Job, RegisteredModel, Revision
from tests.factories import make_membership, make_organization, make_user
from tests.pushing import ZOO, push, work

PAGE = "/register/sketch/"
GIVEN = {
    "organization": "acme",
    "name": "mine",
    "origin": "base",
    "relation": "finetune",
    "bases": "kin/base",
    "scratch": "base",
}


@pytest.fixture(scope="module")
def sketch(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return what the command on the page writes for a model that was tuned."""
    out = tmp_path_factory.mktemp("sketch") / "my-model.sketch"
    model = str(ZOO / "small-1-tuned")
    assert main(["sketch", model, "-o", str(out), "--hashes"]) == 0
    return out.read_bytes()


@pytest.fixture
def member(client: Client, settings: Any, tmp_path: Path) -> Client:
    """Return the client of somebody who may push to acme."""
    settings.STORAGE_DIR = tmp_path / "files"
    user = make_user()
    make_organization(owner=user, slug="acme")
    client.force_login(user)
    return client


def send(client: Client, sketch: bytes | None, **more: Any) -> Any:
    data: dict[str, Any] = {**GIVEN, **more}
    if sketch is not None:
        data["sketch"] = SimpleUploadedFile("my-model.sketch", sketch)
    return client.post(PAGE, data)


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 422
    found: dict[str, list[str]] = answer.context["form"].errors
    return found


def test_the_page_has_the_command_and_is_reached_from_registering(
    member: Client,
) -> None:
    page = member.get(PAGE).text

    assert "sketch ./my-model -o my-model.sketch --hashes</pre>" in page
    assert 'data-copy="sketch-command"' in page
    assert f'href="{PAGE}"' in member.get("/register/").text


def test_a_sketch_becomes_a_self_attested_verdict(
    member: Client, sketch: bytes
) -> None:
    push("kin/base", ZOO / "small-1", baimo_category="base")
    work()
    readme = SimpleUploadedFile("README.md", b"---\nlicense: mit\n---\n# Mine\n")

    made = send(member, sketch, card=readme)

    job = Job.objects.latest("created_at")
    assert (made.status_code, made["Location"]) == (302, job.get_absolute_url())
    revision = job.revision
    assert revision.card == {
        "license": "mit",
        "base_model": "kin/base",
        "base_model_relation": "finetune",
    }
    work()
    verdict = Verification.objects.get(revision=revision)
    assert (verdict.verdict, verdict.is_self_attested) == ("consistent", True)
    shown = member.get(revision.model.get_absolute_url()).text
    assert "Self-attested." in shown


def test_who_sees_it_is_asked_first(member: Client, sketch: bytes) -> None:
    send(member, sketch, private="yes", bases="kin/none")

    assert RegisteredModel.objects.get(repo_name="mine").private


@pytest.mark.parametrize(
    ("origin", "card"),
    [("scratch", {"baimo_category": "base"}), ("card", {})],
)
def test_other_answers_are_written_into_the_card(
    member: Client, sketch: bytes, origin: str, card: dict[str, str]
) -> None:
    assert send(member, sketch, origin=origin).status_code == 302

    assert Revision.objects.get().card == card


def test_a_merge_names_several(member: Client, sketch: bytes) -> None:
    send(member, sketch, bases="a/one, a/two， a/three,")

    assert Revision.objects.get().card["base_model"] == ["a/one", "a/two", "a/three"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Choose the file that the command has written."),
        (b"", "Choose the file that the command has written."),
        (b"\x80\x04pickle", "This is not a sketch"),
        (b"BAIMOSK\x02" + b"\xff" * 8, "This is not a sketch"),
        (b"BAIMOSK\x01" + b"\xff" * 8, "another version of the engine"),
        (b"x" * 300_000, "This is not a sketch"),
    ],
)
def test_what_is_no_sketch_is_refused_in_a_sentence(
    member: Client, content: bytes | None, said: str
) -> None:
    found = errors(send(member, content))

    assert list(found) == ["sketch"]
    assert said in found["sketch"][0]
    assert not RegisteredModel.objects.exists()


def test_a_sketch_of_another_engine_is_named_as_one(
    member: Client, sketch: bytes
) -> None:
    older = sketch.replace(b'"engine":"baimo/2"', b'"engine":"baimo/1"')

    found = errors(send(member, older))

    assert "baimo/2. Make it again" in found["sketch"][0]


def test_a_sketch_without_hashes_says_how_to_make_one(
    member: Client, tmp_path: Path
) -> None:
    out = tmp_path / "bare.sketch"
    assert main(["sketch", str(ZOO / "small-1"), "-o", str(out)]) == 0

    assert "--hashes" in errors(send(member, out.read_bytes()))["sketch"][0]


def test_nothing_is_chosen_or_typed_twice(member: Client, sketch: bytes) -> None:
    readme = SimpleUploadedFile("README.md", b"---\nlicense: mit\n---\n")
    refused = send(member, sketch, card=readme, name="a--b", bases="kin/base")
    assert list(errors(refused)) == ["name"]
    page = refused.text
    assert 'value="kin/base"' in page
    assert "Sent already: 222" in page.replace("\xa0", " ")
    kept = {
        name: refused.context["form"][name].value()
        for name in ("kept_sketch", "kept_card")
    }

    made = send(member, None, **kept)

    assert made.status_code == 302
    assert Revision.objects.get().card["license"] == "mit"


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"bases": " "}, "bases", "Name the base"),
        ({"bases": "a" * 201}, "card", "longer than"),
        ({"relation": "banana"}, "relation", "banana"),
        ({"organization": "kin"}, "organization", "valid choice"),
        ({"kept_sketch": "%%"}, "sketch", "Choose the file"),
    ],
)
def test_an_error_stands_beside_what_it_is_about(
    member: Client, sketch: bytes, change: dict[str, str], field: str, said: str
) -> None:
    make_organization(slug="kin")

    found = errors(send(member, None if "kept_sketch" in change else sketch, **change))

    assert list(found) == [field]
    assert said in found[field][0]


def test_a_broken_card_is_named(member: Client, sketch: bytes) -> None:
    readme = SimpleUploadedFile("README.md", b"---\nbase_model: [\n---\n")

    found = errors(send(member, sketch, card=readme))

    assert "no valid YAML" in found["card"][0]


def test_another_model_is_not_replaced_without_a_word(
    member: Client, sketch: bytes
) -> None:
    push("acme/mine", ZOO / "small-1", baimo_category="base")

    refused = send(member, sketch)
    assert "is registered" in errors(refused)["name"][0]
    assert "Replace the files" in refused.text
    assert RegisteredModel.objects.get().head.weight_files().exists()  # type: ignore[union-attr]

    kept = refused.context["form"]["kept_sketch"].value()
    assert send(member, None, kept_sketch=kept, replace="on").status_code == 302
    assert not RegisteredModel.objects.get().head.weight_files().exists()  # type: ignore[union-attr]


def test_the_weights_are_refused_before_they_are_read(member: Client) -> None:
    answer = send(member, bytes(5 << 20))

    assert answer.status_code == 413
    assert "perhaps the weights themselves" in answer.text


def test_a_form_from_elsewhere_is_refused(member: Client, sketch: bytes) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())

    assert send(strict, sketch).status_code == 403


def test_a_reader_is_offered_no_form(client: Client, sketch: bytes) -> None:
    user = make_user()
    make_membership(
        organization=make_organization(slug="acme"), user=user, role="reader"
    )
    client.force_login(user)

    assert "Create an organisation" in client.get(PAGE).text
    assert "organization" in errors(send(client, sketch))
