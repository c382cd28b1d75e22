"""An owner adds a webhook, tries it, and reads what came of it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visit

day = pytest.param({"color_scheme": "light"}, id="day")
night_on_a_phone = pytest.param(
    {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
    id="night-on-a-phone",
)


def look(visit: Visit) -> None:
    """Expect no fault that axe knows of, and nothing wider than the window."""
    faults = Axe().run(visit.page).response["violations"]
    assert [node["html"] for fault in faults for node in fault["nodes"]] == []
    assert visit.overflow() == 0


@pytest.mark.browser
@pytest.mark.parametrize("visit", [day, night_on_a_phone], indirect=True)
def test_a_webhook_from_its_address_to_its_log(
    visit: Visit, request: pytest.FixtureRequest
) -> None:
    name = f"hooks-{request.node.callspec.id}"
    page = visit.page
    visit.go("/accounts/signup/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password1").fill("sesame-open-77")
    page.locator("#id_password2").fill("sesame-open-77")
    page.locator("main button").last.click()
    page.locator("#id_slug").fill(name)
    page.locator("main button").last.click()
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_text("There is none yet.")).to_be_visible()
    look(visit)

    page.locator("#id_url").fill("https://hooks.example.invalid/baimo")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.locator("#secret")).to_contain_text("whsec_")
    look(visit)
    page.get_by_role("link", name="Go on to the webhook").click()
    expect(page.get_by_text("Nothing has been sent yet.")).to_be_visible()
    look(visit)

    page.get_by_role("button", name="Send a test event").click()
    # The page asks by itself until there is something to tell.
    found = page.get_by_text("There is no host of this name.")
    expect(found).to_be_visible(timeout=30_000)
    look(visit)
    page.get_by_role("link", name="Webhook", exact=True).click()
    expect(page.get_by_role("cell", name="given up")).to_be_visible()
    look(visit)

    page.get_by_role("link", name="Remove this webhook").click()
    look(visit)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There is none yet.")).to_be_visible()
