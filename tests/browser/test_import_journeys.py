"""Registering without a push: a model of a hub by its id, and a sketch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from registry.fingerprint.cli import main
from tests.browser.conftest import Visit
from tests.browser.people import sign_up
from tests.hubs import Hub
from tests.integration.stack.running_site import Site, wait_for

pytestmark = pytest.mark.browser

_numbers = count()
MAPLE = Path(__file__).parents[2] / "registry/catalog/samples/maple-python"
day = pytest.param({"color_scheme": "light"}, id="day")
night_on_a_phone = pytest.param(
    {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
    id="night-on-a-phone",
)


def look(visit: Visit) -> None:
    """Expect no fault that axe knows of, and nothing wider than the window."""
    faults = Axe().run(visit.page).response["violations"]
    assert [node["html"] for fault in faults for node in fault["nodes"]] == []
    assert visit.overflow() <= 0


@pytest.fixture
def team(visit: Visit, request: pytest.FixtureRequest) -> str:
    """Return the organisation of whoever is signed in, made for this test."""
    name = request.node.name.partition("[")[0].removeprefix("test_")[:20].strip("_")
    team = f"{name}-{visit.page.viewport_size['width']}".replace("_", "-")  # type: ignore[index]
    sign_up(visit.page, visit.address, team, team)
    return team


def new_weights() -> bytes:
    """Return weights of a sample but for one value; known ones are not read again."""
    known = (MAPLE / "model.safetensors").read_bytes()
    return known[:-2] + bytes([next(_numbers), 0x3C])


@pytest.fixture
def held_back(hub: Hub) -> Iterator[Hub]:
    """Let the hub send only the beginning of large answers, until it may go on."""
    hub.files["model.safetensors"] = new_weights()
    hub.may_go_on.clear()
    hub.held_back_from = 100_000
    yield hub
    hub.held_back_from = None
    hub.may_go_on.set()


def ask_for(page: Page, name: str) -> None:
    """Look at the hub's model first, then register it."""
    page.get_by_role("link", name="Register it by its id").click()
    page.get_by_label("Repository:").fill("kin/tuned")
    page.get_by_label("Name here:").fill(name)
    page.get_by_role("button", name="See what would be read").click()
    expect(page.get_by_role("heading", name="Found on the hub")).to_be_visible()


@pytest.mark.parametrize("visit", [day, night_on_a_phone], indirect=True)
def test_an_import_becomes_a_verdict(visit: Visit, team: str, held_back: Hub) -> None:
    page = visit.page
    visit.go("/register/")
    page.get_by_role("link", name="Register it by its id").click()
    page.get_by_label("Repository:").fill("kin/none")
    page.get_by_role("button", name="See what would be read").click()
    expect(page.get_by_text("no repository of this name")).to_be_visible()
    look(visit)
    visit.go("/register/")
    ask_for(page, "imported")
    look(visit)

    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("file 1 of 1:")).to_be_visible(timeout=20_000)
    look(visit)
    held_back.may_go_on.set()

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=30_000)
    expect(page).to_have_url(f"{visit.address}/models/{team}--imported/")
    expect(page.get_by_text("and not kept")).to_be_visible()


@pytest.mark.parametrize("visit", [night_on_a_phone], indirect=True)
def test_an_import_is_cancelled(
    visit: Visit, team: str, held_back: Hub, site: Site
) -> None:
    page = visit.page
    visit.go("/register/")
    ask_for(page, "cancelled")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("file 1 of 1:")).to_be_visible(timeout=20_000)

    page.get_by_role("link", name="Cancel the import").click()
    look(visit)
    page.get_by_role("button", name="Cancel the import").click()

    expect(page.get_by_text("This import was cancelled.")).to_be_visible()
    look(visit)
    held_back.may_go_on.set()
    scratch = site.folder / "data/files/scratch"
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    visit.go(f"/organizations/{team}/audit/")
    expect(page.get_by_text("cancelled the import kin/tuned")).to_be_visible()
    wait_for(lambda: not list(scratch.glob("*")), seconds=20)


@pytest.mark.parametrize("visit", [day], indirect=True)
def test_a_sketch_becomes_a_self_attested_verdict(
    visit: Visit, team: str, tmp_path: Path
) -> None:
    page = visit.page
    out = tmp_path / "my-model.sketch"
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(new_weights())
    assert main(["sketch", str(weights), "-o", str(out), "--hashes"]) == 0
    visit.go("/register/")
    page.get_by_role("link", name="Register it by a sketch").click()
    page.get_by_label("Model", exact=True).fill("sketched")
    page.get_by_label("Sketch").set_input_files(weights)
    page.get_by_label("Base", exact=True).fill("samples/maple")
    page.get_by_role("button", name="Register", exact=True).click()
    message = page.get_by_label("Sketch").evaluate("input => input.validationMessage")
    assert "too large to be a sketch" in message
    wrong = tmp_path / "wrong.sketch"
    wrong.write_bytes(b"BAIMOSK\x01 of another version")
    page.get_by_label("Sketch").set_input_files(wrong)
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("another version of the engine")).to_be_visible()
    expect(page.get_by_label("Base", exact=True)).to_have_value("samples/maple")
    look(visit)

    page.get_by_label("Sketch").set_input_files(out)
    page.get_by_role("button", name="Register", exact=True).click()

    expect(page.get_by_text("Self-attested.")).to_be_visible(timeout=30_000)
