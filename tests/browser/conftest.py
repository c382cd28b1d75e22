"""A real site and a real Chromium, shared by all journeys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.hubs import Hub, serving
from tests.integration.stack.running_site import Site, installed

SAMPLES = Path(__file__).parents[2] / "registry/catalog/samples"
PART_BYTES = 1024**2


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """Yield a hub on this machine, with a model that is tuned from a sample."""
    card = "---\nbase_model: samples/maple\n---\n# Tuned\n"
    with serving(Hub.of(SAMPLES / "maple-python", card)) as started:
        yield started


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Site]:
    """Yield a site with the catalog and the sample family, all jobs done."""
    own = {
        # Small parts, so that small files have several.
        "PART_BYTES": str(PART_BYTES),
        "IMPORT_HUBS": hub.url,
        "OUTBOUND_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    with installed(tmp_path_factory.mktemp("site"), own) as running:
        running.start()
        running.wait_until_idle()
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield the Chromium of this machine."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A browser window of its own and everything wrong that happened in it."""

    address: str
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(self.address + path)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        root = "document.documentElement"
        wider: int = self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        return wider


@pytest.fixture
def visit(
    site: Site, chromium: Browser, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """Yield a new window; a console error or a request elsewhere fails the test."""
    options = getattr(request, "param", {})
    context = chromium.new_context(locale="en-US", **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    visit = Visit(f"http://127.0.0.1:{site.port}", context, page)
    page.on("console", lambda message: _note_console(visit, message))
    page.on("pageerror", lambda error: visit.faults.append(str(error)))
    page.on("request", lambda sent: _note_request(visit, sent.url))
    yield visit
    context.close()
    assert visit.faults == []


def _note_console(visit: Visit, message: object) -> None:
    text = getattr(message, "text", "")
    # A driver without a graphics card says that it is slow.
    is_driver = "GL Driver Message" in text
    # A form that is not right yet is answered so.
    is_refusal = "status of 422" in text
    is_expected = is_driver or is_refusal
    if getattr(message, "type", "") in {"error", "warning"} and not is_expected:
        visit.faults.append(text)


def _note_request(visit: Visit, url: str) -> None:
    if not url.startswith((visit.address, "data:")):
        visit.faults.append(f"request to {url}")


@pytest.fixture
def small_model(tmp_path: Path) -> Path:
    """Return a folder with a sample model that anybody may push."""
    folder = tmp_path / "my-model"
    shutil.copytree(SAMPLES / "maple-python", folder)
    (folder / "README.md").write_text(
        "---\nlicense: mit\nbase_model: samples/maple\nbase_model_relation: finetune\n"
        "---\n# My model\n"
    )
    return folder
