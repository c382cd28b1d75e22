"""A model is hidden, shown and removed by its owner, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.people import push, sign_up
from tests.integration.stack.running_site import Site

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.mark.parametrize(
    "visit",
    [pytest.param({}, id="desk"), pytest.param(PHONE, id="phone")],
    indirect=True,
)
def test_an_owner_hides_shows_and_removes_a_model(
    visit: Visit,
    site: Site,
    chromium: Browser,
    small_model: Path,
    request: pytest.FixtureRequest,
) -> None:
    page, name = visit.page, f"quiet-{request.node.callspec.id}"
    token = sign_up(page, visit.address, f"{name}-owner", name)
    push(site, small_model, token, f"{name}/base", "--private")
    child = f"---\nbase_model: {name}/base\n---\n"
    (small_model / "README.md").write_text(child)
    push(site, small_model, token, f"{name}/child")
    site.wait_until_idle()
    stranger = chromium.new_context(locale="en-US").new_page()

    visit.go(f"/models/{name}--base/")
    expect(page.get_by_text("Private: seen by its organisation alone")).to_be_visible()
    missing = stranger.goto(f"{visit.address}/models/{name}--base/")
    assert missing is not None and missing.status == 404
    stranger.goto(f"{visit.address}/models/{name}--child/")
    expect(stranger.locator("#verdict")).to_contain_text(
        "a model that its organisation keeps private"
    )

    page.get_by_role("link", name="Settings: who sees it, removal").click()
    assert faults_of(visit) == []
    page.get_by_label("Everybody").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The model is public now.")).to_be_visible()
    stranger.goto(f"{visit.address}/models/{name}--base/")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("base")

    page.get_by_role("link", name="Settings: who sees it, removal").click()
    page.get_by_role("link", name="Remove this model…").click()
    assert faults_of(visit) == []
    typed = page.get_by_label(f"Type “{name}/base” to confirm")
    typed.fill("base")
    page.get_by_label("Why?").fill("Trained on the wrong data.")
    page.get_by_role("button", name="Remove the model").click()
    expect(page.get_by_text("This is not the name of the model.")).to_be_visible()
    expect(page.get_by_label("Why?")).to_have_value("Trained on the wrong data.")
    typed.fill(f"{name}/base")
    visit.faults.clear()  # the refusal is a console error by design
    page.get_by_role("button", name="Remove the model").click()

    expect(page.get_by_text("Trained on the wrong data.")).to_be_visible()
    assert faults_of(visit) == []
    stranger.goto(f"{visit.address}/models/{name}--base/")
    expect(stranger.get_by_text(f"by {name}-owner of {name}")).to_be_visible()
    stranger.goto(f"{visit.address}/models/?q={name}")
    expect(stranger.get_by_role("link", name="base", exact=True)).to_have_count(0)
    stranger.context.close()


def faults_of(visit: Visit) -> list[str]:
    """Return what stands in the way of readers, of whatever width their window is."""
    found = [fault["id"] for fault in Axe().run(visit.page).response["violations"]]
    return found + [f"{visit.overflow()} pixels too wide"] * (visit.overflow() > 0)
