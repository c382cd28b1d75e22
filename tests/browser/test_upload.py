"""Uploading a folder in a real browser: broken off, gone on with, refused, judged."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.conftest import PART_BYTES, Visit
from tests.integration.stack.running_site import Site

pytestmark = pytest.mark.browser

MAPLE = Path(__file__).parents[2] / "registry/catalog/samples/maple-python"
LARGE_BYTES = 5 * PART_BYTES + 1000
PHONE = {"viewport": {"width": 360, "height": 740}}
PREPARE = """
from django.contrib.auth.models import User
from registry.models import Organization
from registry.services.organizations import create_organization
person = User.objects.create_user("grace", password="nanoseconds-1906")
create_organization(slug="navy", owner=person)
"""


@pytest.fixture(scope="module")
def _grace(site: Site) -> None:
    assert site.manage("shell", "-c", PREPARE).wait(timeout=60) == 0


@pytest.fixture
def page(visit: Visit, _grace: None) -> Page:
    """Return a window in which the owner of navy is signed in."""
    sign_in(visit.page, visit.address)
    return visit.page


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.locator("[name=login]").fill("grace")
    page.locator("[name=password]").fill("nanoseconds-1906")
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url("**/organizations/")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a model's folder with a README.md that declares nothing."""
    folder = tmp_path / "my-model"
    shutil.copytree(MAPLE, folder)
    (folder / "README.md").write_text("---\nlicense: mit  # ours\n---\n# My model\n")
    return folder


@pytest.fixture
def large(folder: Path) -> Path:
    """Return the folder with another file, of six parts."""
    (folder / "more.gguf").write_bytes(os.urandom(LARGE_BYTES))
    return folder


def fill(page: Page, address: str, name: str, folder: Path) -> None:
    """Choose a folder and say where it comes from."""
    page.goto(f"{address}/register/upload/")
    page.get_by_label("Model", exact=True).fill(name)
    page.locator("#upload-folder").set_input_files(folder)
    notes = page.locator("[data-notes]")
    expect(notes).to_contain_text("Files to upload", timeout=30_000)
    page.get_by_label("Base", exact=True).fill("samples/maple")


def start(page: Page) -> None:
    page.get_by_role("button", name="Upload and register").click()


def parts_sent(page: Page) -> list[str]:
    """Return the list that the addresses of parts go into as they are sent."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "PUT" and "/parts/" in request.url:
            sent.append(request.url.partition("/parts/")[2].partition("/")[0])

    page.on("request", note)
    return sent


def state_of(page: Page, path: str) -> str:
    row = page.locator("[data-rows] tr").filter(has_text=path)
    return row.locator("td").last.inner_text()


@pytest.fixture
def slow(visit: Visit, page: Page) -> None:
    """Let the window send a megabyte a second."""
    session = visit.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": PART_BYTES,
        },
    )


@pytest.fixture
def faulty(visit: Visit) -> Iterator[None]:
    """Let the browser complain of requests that a test makes fail."""
    yield
    visit.faults[:] = [text for text in visit.faults if "Failed to load" not in text]


def test_a_dropped_folder_becomes_a_model_with_a_verdict(
    visit: Visit, page: Page, folder: Path
) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("[core]\n")
    fill(page, visit.address, "dropped", folder)
    expect(page.locator("[data-notes]")).to_contain_text("left out: 1")
    assert "pickle file can run any code" in state_of(page, "pytorch_model.bin")
    assert "here already" not in page.locator("[data-rows]").inner_text()
    options = page.locator("#upload-found option")
    expect(options.first).to_be_attached()
    assert options.first.get_attribute("value") == "samples/maple"

    start(page)

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)
    expect(page).to_have_url(f"{visit.address}/models/navy--dropped/")
    files = page.locator("section", has=page.locator("#files"))
    expect(files).to_contain_text("model.safetensors")
    expect(files).not_to_contain_text("pytorch_model.bin")
    card = page.request.get(f"{visit.address}/navy/dropped/raw/main/README.md").text()
    assert card == (
        "---\nlicense: mit  # ours\nbase_model: samples/maple\n"
        "base_model_relation: finetune\n---\n# My model\n"
    )


def test_what_is_chosen_as_private_is_private_at_once(
    visit: Visit, page: Page, folder: Path, chromium: Browser
) -> None:
    fill(page, visit.address, "shy", folder)
    page.get_by_label("Who sees the model").select_option("Only our organisation")
    start(page)

    expect(page.locator("#verdict-word")).to_be_visible(timeout=60_000)
    expect(page.locator(".private")).to_be_visible()
    with chromium.new_context() as stranger:
        answer = stranger.request.get(page.url)
        assert answer.status == 404


def test_paused_and_closed_an_upload_goes_on_where_it_was(
    visit: Visit, page: Page, large: Path
) -> None:
    page.route(re.compile("/parts/[3-6]/"), lambda route: None)
    fill(page, visit.address, "resumed", large)
    with page.expect_response("**/parts/1/**"), page.expect_response("**/parts/2/**"):
        start(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-status]")).to_contain_text("Paused")
    expect(page).to_have_url(f"{visit.address}/models/navy--resumed/upload/")

    page.once("dialog", lambda dialog: dialog.accept())
    page.unroute_all(behavior="ignoreErrors")
    page.close()
    again = visit.page = visit.context.new_page()
    sent = parts_sent(again)
    again.goto(f"{visit.address}/models/navy--resumed/upload/")
    # What was typed is still there.
    expect(again.get_by_label("Base", exact=True)).to_have_value("samples/maple")
    again.locator("#upload-folder").set_input_files(large)
    expect(again.locator("[data-notes]")).to_contain_text("Files to upload")
    again.get_by_role("button", name="Upload", exact=True).click()

    expect(again.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)
    assert sorted(sent) == ["3", "4", "5", "6"]


def test_pausing_breaks_off_and_going_on_sends_the_rest(
    visit: Visit, page: Page, large: Path, faulty: None
) -> None:
    page.route("**/parts/*/**", lambda route: None)
    fill(page, visit.address, "paused", large)
    with page.expect_request("**/parts/*/**"):
        start(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-status]")).to_contain_text("Paused")
    page.unroute_all(behavior="ignoreErrors")

    page.get_by_role("button", name="Go on").click()

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)


def test_a_network_that_fails_is_tried_again(
    visit: Visit, page: Page, large: Path, faulty: None
) -> None:
    failed: list[str] = []

    def fail_twice(route: Route) -> None:
        if len(failed) < 2:
            failed.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/parts/*/**", fail_twice)
    fill(page, visit.address, "failing", large)

    start(page)

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)
    assert len(failed) == 2


def test_without_a_network_it_waits_and_goes_on_by_itself(
    visit: Visit, page: Page, large: Path, slow: None, faulty: None
) -> None:
    fill(page, visit.address, "offline", large)
    with page.expect_request("**/parts/*/**"):
        start(page)

    visit.context.set_offline(True)
    expect(page.locator("[data-status]")).to_contain_text("The network is gone")
    visit.context.set_offline(False)

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)


def test_signed_out_in_the_middle_it_goes_on_after_signing_in(
    visit: Visit, page: Page, large: Path, slow: None, faulty: None
) -> None:
    fill(page, visit.address, "signed-out", large)
    cookies = visit.context.cookies()
    with page.expect_request("**/parts/*/**"):
        start(page)
    visit.context.clear_cookies(name="sessionid")
    expect(page.locator("[data-status]")).to_contain_text("You have been signed out")

    visit.context.add_cookies([c for c in cookies if c["name"] == "sessionid"])
    page.evaluate("dispatchEvent(new Event('focus'))")

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)


def test_cancelled_nothing_is_registered(visit: Visit, page: Page, large: Path) -> None:
    page.route("**/parts/*/**", lambda route: None)
    fill(page, visit.address, "cancelled", large)
    with page.expect_request("**/parts/*/**"):
        start(page)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was registered")
    page.unroute_all(behavior="ignoreErrors")
    expect(page.get_by_role("button", name="Upload and register")).to_be_visible()
    expect(page.get_by_label("Base", exact=True)).to_have_value("samples/maple")


def spoil(path: str, content: bytes) -> Callable[[Route], None]:
    """Return what sends other bytes than those that were chosen."""
    return lambda route: route.continue_(post_data=content)


def test_a_file_that_changes_meanwhile_is_named(
    visit: Visit, page: Page, folder: Path, faulty: None
) -> None:
    page.route("**/uploads/navy--changed/*/?size=*", spoil("README.md", b"other"))
    (folder / "notes.txt").write_text("nobody else has this")
    fill(page, visit.address, "changed", folder)

    start(page)

    expect(page.get_by_role("alert")).to_contain_text("has changed since you chose it")
    page.unroute("**/uploads/navy--changed/*/?size=*")
    start(page)
    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)


def test_a_taken_name_and_a_broken_card_lose_nothing_that_was_typed(
    visit: Visit, page: Page, folder: Path, faulty: None
) -> None:
    (folder / "README.md").write_text("---\nbase_model: [\n---\n")
    fill(page, visit.address, "a--b", folder)
    expect(page.get_by_role("alert")).to_contain_text("README.md cannot be read")
    start(page)
    expect(page.get_by_role("alert")).to_contain_text("README.md cannot be read")

    (folder / "README.md").write_text("# Mended\n")
    page.locator("#upload-folder").set_input_files(folder)
    expect(page.get_by_role("alert")).to_be_hidden()
    start(page)
    expect(page.get_by_role("alert")).to_contain_text("Use letters, digits")
    page.get_by_label("Base", exact=True).fill("")
    start(page)
    expect(page.get_by_role("alert")).to_contain_text("Name the base")
    expect(page.get_by_label("Base", exact=True)).to_be_focused()
    page.get_by_label("Trained from scratch").check()
    page.get_by_label("Model", exact=True).fill("mended")
    start(page)

    expect(page.locator("#verdict-word")).to_be_visible(timeout=60_000)


def test_two_thousand_files_arrive(visit: Visit, page: Page, folder: Path) -> None:
    """Of which many are the same, and are sent once."""
    (folder / "shards").mkdir()
    for number in range(2000):
        (folder / "shards" / f"{number}.txt").write_text(f"text {number % 50}")
    fill(page, visit.address, "many", folder)

    start(page)

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=120_000)


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_the_page_says_what_to_type(
    visit: Visit, page: Page
) -> None:
    page.goto(f"{visit.address}/register/upload/")

    expect(page.locator("pre")).to_contain_text("hf upload navy/my-model ./my-model")
    expect(page.get_by_role("button", name="Upload and register")).to_be_hidden()


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_on_a_phone_nothing_scrolls_sideways(
    visit: Visit, page: Page, folder: Path
) -> None:
    (folder / ("long-name-" * 12 + ".txt")).write_text("x")
    for prefix in ("", "/zh-hans"):
        page.goto(f"{visit.address}{prefix}/register/upload/")
        page.locator("#upload-folder").set_input_files(folder)
        expect(page.locator("[data-notes] p").first).to_be_visible()
        assert visit.overflow() <= 0


def test_the_folder_is_chosen_by_keyboard(
    visit: Visit, page: Page, folder: Path
) -> None:
    page.goto(f"{visit.address}/register/upload/")
    page.get_by_label("Who sees the model").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#upload-folder")).to_be_focused()

    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(folder)

    expect(page.locator("[data-rows] tr")).to_have_count(len(list(folder.iterdir())))
