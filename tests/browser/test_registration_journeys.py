"""Registering a wrapper, and claiming an organisation, in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import moderating
from tests.integration.stack.running_site import Site

pytestmark = pytest.mark.browser


def sign_up(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill("counting-wheels-1843")
    page.get_by_label("Password (again)").fill("counting-wheels-1843")
    page.get_by_role("button", name="Sign Up").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()


def assert_accessible(page: Page) -> None:
    faults = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []


def test_somebody_signs_up_and_registers_a_wrapper(visit: Visit) -> None:
    page = visit.page
    sign_up(page, visit.address, "wanda")
    page.get_by_label("Name:", exact=True).fill("wrapco")
    page.get_by_role("button", name="Create").click()
    visit.go("/register/")
    page.get_by_role("link", name="Register it without weights").click()

    assert_accessible(page)
    page.get_by_label("A prompt wrapper").check()
    page.get_by_label("What is it called?").fill("Wrapco Assistant")
    page.get_by_label("It stands on").press_sequentially("gpt-4")
    expect(page.locator('#known option[value="gpt-4"]')).to_be_attached()
    page.get_by_label("Where does it say so?").fill("not a link")
    page.get_by_label("What did you do yourselves?").fill("A prompt of two pages.")
    page.get_by_role("button", name="Another model behind it").click()
    expect(page.get_by_label("It stands on")).to_have_count(2)
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.locator(".errorlist")).to_contain_text("Line 1: begin with")
    visit.faults.clear()  # a refused form is a console error by design
    page.get_by_label("Where does it say so?").first.fill(
        "https://wrapco.example/about About the assistant"
    )
    page.get_by_label("What did you do yourselves?").press("Tab")
    page.get_by_role("button", name="Register", exact=True).click()

    expect(page).to_have_url(f"{visit.address}/models/wrapco--Wrapco-Assistant/")
    expect(page.locator(".answer")).to_contain_text("is a prompt in front of GPT-4")
    expect(page.locator("#verdict-word")).to_have_text("Not verifiable")
    expect(page.locator(".verdict")).to_contain_text("no weights of its own to read")
    expect(page.locator(".verdict")).to_contain_text("About the assistant")
    expect(page.get_by_alt_text("declared, no weights to verify")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Edit this entry").click()
    page.get_by_label("It stands on").fill("")
    page.get_by_label("It stands on").press_sequentially("claude")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".message").first).to_contain_text("Saved.")
    page.get_by_role("link", name="Revisions and verdicts").first.click()
    expect(page.locator(".register-list > li")).to_have_count(2)


def test_a_claim_goes_from_the_organisation_to_the_moderator_and_back(
    visit: Visit, chromium: Browser, site: Site
) -> None:
    page = visit.page
    sign_up(page, visit.address, "clara")
    visit.go("/organizations/01-ai/")
    page.get_by_role("link", name="Is it yours? Claim it").click()
    assert_accessible(page)
    code = page.locator("#code").inner_text()
    page.get_by_label("A page that shows the code").fill("https://01.ai/baimo.txt")
    page.get_by_label("Who are you there?").fill("I look after our releases.")
    page.get_by_role("button", name="File the claim").click()
    expect(page.locator(".answer")).to_contain_text("It waits for a moderator")
    claim = page.url

    with moderating(site, chromium, "mary") as desk:
        desk.goto(f"{visit.address}/moderation/")
        assert_accessible(desk)
        desk.locator("#claims + ul").get_by_role("link").first.click()
        expect(desk.locator(".facts")).to_contain_text(code)
        assert_accessible(desk)
        desk.get_by_label("What you tell them").fill("Which page names you?")
        desk.get_by_role("button", name="Ask back").click()
        page.goto(claim)
        expect(page.locator("main")).to_contain_text("Which page names you?")
        page.get_by_label("Your answer").fill("The page of the team.")
        page.get_by_role("button", name="Send").click()
        desk.reload()
        expect(desk.locator("main")).to_contain_text("The page of the team.")
        desk.get_by_role("button", name="Grant: make them an owner").click()
        expect(desk.locator(".answer")).to_contain_text("clara is an owner")

    page.goto(claim)
    expect(page.locator(".answer")).to_contain_text("It is granted")
    visit.go("/organizations/01-ai/")
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
