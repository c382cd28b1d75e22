"""A team is heard, contests a verdict, and reads what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import moderating, push, sign_up
from tests.integration.stack.running_site import Site, installed

pytestmark = pytest.mark.browser

FROM_SCRATCH = "---\nlicense: mit\nbaimo_category: base\n---\n# Our own model\n"
HONEST = (
    "---\nlicense: mit\nbase_model: samples/maple\nbase_model_relation: finetune\n"
    "---\n# Our own model\n"
)


@pytest.fixture(scope="module")
def patient_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a site on which a team has a week to answer a verdict."""
    week = {"VERDICT_WINDOW_HOURS": "168"}
    with installed(tmp_path_factory.mktemp("patient"), week) as running:
        running.start()
        running.wait_until_idle()
        yield running


def badge(page: Page, address: str) -> str:
    """Return what a model's badge says."""
    drawing = page.request.get(f"{address}badge.svg").text()
    return drawing.split("<title>")[1].split("</title>")[0]


def test_a_team_contests_a_verdict_and_a_moderator_decides(
    visit: Visit, site: Site, small_model: Path, chromium: Browser
) -> None:
    page, model = visit.page, f"{visit.address}/models/nova--star/"
    token = sign_up(page, visit.address, "nora", "nova")
    (small_model / "README.md").write_text(FROM_SCRATCH)
    push(site, small_model, token, "nova/star")
    visit.go("/models/nova--star/")
    expect(page.locator("#verdict-word")).to_have_text("Renamed copy", timeout=60_000)
    assert "undeclared base found" in badge(page, model)

    page.get_by_role("link", name="Contest this verdict").click()
    page.get_by_label("What is wrong, and why?").fill("We trained it; here is the log.")
    page.get_by_label("Evidence").fill("ftp:/nowhere")
    page.get_by_role("button", name="Open the dispute").click()
    expect(page.locator(".errorlist")).to_contain_text("is no address")
    expect(page.get_by_label("What is wrong, and why?")).to_have_value(
        "We trained it; here is the log."
    )
    page.get_by_label("Evidence").fill("https://example.org/training.log")
    page.get_by_role("button", name="Open the dispute").click()
    dispute = page.url
    expect(page.get_by_role("link", name="training.log")).to_be_visible()
    visit.go("/models/nova--star/")
    expect(page.locator(".verdict")).to_contain_text("Somebody contests this verdict")
    expect(
        page.locator("section", has_text="Where it comes from").last
    ).to_contain_text("Disputed")
    assert "disputed" in badge(page, model)

    with moderating(site, chromium, "mora") as desk:
        desk.goto(f"{visit.address}/moderation/")
        desk.locator("main").get_by_role("link", name="Dispute ").last.click()
        expect(desk).to_have_url(dispute)
        desk.get_by_label("What do you say?").fill("The register has compared both.")
        desk.get_by_role("button", name="Answer", exact=True).click()
        expect(desk.locator(".note").first).to_contain_text("Answered.")
        desk.get_by_label("Decision").select_option("upheld")
        desk.get_by_label("Reasons").fill("The log shows the training.")
        desk.get_by_role("button", name="Decide").click()
        expect(desk.locator(".errorlist")).to_contain_text("Say what takes its place.")
        desk.get_by_label("The verdict that is right").select_option("independent")
        desk.get_by_role("button", name="Decide").click()
        expect(desk.locator(".note").first).to_contain_text("Upheld.")

    visit.go("/models/nova--star/")
    expect(page.locator("#verdict-word")).to_have_text("Independent")
    expect(page.locator(".verdict")).to_contain_text(
        "A moderator has settled a dispute"
    )
    assert "independent, as declared" in badge(page, model)
    page.locator(".verdict").get_by_role("link", name="Read both sides").click()
    expect(page.locator(".steps")).to_contain_text("The log shows the training.")
    visit.go("/disputes/?state=upheld")
    expect(page.locator(".register-list")).to_contain_text("nova/star")


def test_a_team_corrects_its_card_before_anybody_sees_the_verdict(
    patient_site: Site, chromium: Browser, small_model: Path
) -> None:
    address = f"http://127.0.0.1:{patient_site.port}"
    model = f"{address}/models/nova--star/"
    team, reader = (chromium.new_context(locale="en-US") for _ in range(2))
    page, stranger = team.new_page(), reader.new_page()
    token = sign_up(page, address, "nora", "nova")
    (small_model / "README.md").write_text(FROM_SCRATCH)
    push(patient_site, small_model, token, "nova/star")
    patient_site.wait_until_idle()

    page.goto(f"{address}/organizations/nova/")
    expect(page.locator("section.note")).to_contain_text("Waiting for your answer")
    page.locator("section.note").get_by_role("link", name="star").click()
    expect(page.locator("#verdict-word")).to_have_text("Renamed copy")
    page.get_by_label("Your answer").fill("We forgot to name the base.")
    page.get_by_role("button", name="Keep the answer").click()
    expect(page.locator(".claim")).to_contain_text("We forgot to name the base.")
    stranger.goto(model)
    expect(stranger.locator("#verdict-word")).to_have_text(
        "Being checked with the team"
    )
    assert "declared, not verified" in badge(stranger, model)

    (small_model / "README.md").write_text(HONEST)
    push(patient_site, small_model, token, "nova/star")
    patient_site.wait_until_idle()

    page.goto(model)
    expect(page.locator("#verdict-word")).to_have_text("Consistent")
    expect(page.locator(".verdict")).to_contain_text(
        "Thank you: the declaration now agrees with the weights."
    )
    stranger.goto(model)
    expect(stranger.locator("#verdict-word")).to_have_text("Consistent")
    expect(stranger.locator(".verdict")).not_to_contain_text("Thank you")
    assert "declared base verified" in badge(stranger, model)
    team.close()
    reader.close()
