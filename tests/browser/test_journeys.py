"""What people do with the site, in a real browser against real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.people import push, sign_up
from tests.integration.stack.running_site import Site

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}}
DARK = {"color_scheme": "dark"}
PATHS = ["/", "/models/", "/lineage/", "/register/", "/glossary/", "/method/"]
PATHS += ["/models/llama/", "/models/samples--plum/", "/models/samples--sparrow/"]
PATHS += ["/accounts/signup/", "/lineage/?focus=samples"]


def test_a_visitor_goes_from_the_list_to_a_model_to_its_kin(visit: Visit) -> None:
    page = visit.page
    visit.go("/")
    page.get_by_role("navigation", name="Main").get_by_role(
        "link", name="Models"
    ).click()
    page.get_by_label("Search", exact=True).fill("vicuna")
    expect(page.locator("#results .chosen")).to_contain_text("vicuna")
    page.get_by_role("link", name="Vicuna", exact=True).click()

    expect(page.locator(".answer")).to_contain_text("is a fine-tune of LLaMA")

    page.get_by_role("link", name="In the whole family tree").click()
    expect(page.locator(".chip.is-focus")).to_have_attribute("data-slug", "vicuna")
    expect(page.locator('.chip[data-slug="gpt-3"]')).to_be_visible()


def test_the_family_tree_is_walked_by_keyboard(visit: Visit) -> None:
    page = visit.page
    visit.go("/lineage/")
    page.locator('.chip[data-slug="llama"]').focus()
    expect(page.locator('.edge.lit[data-parent="chinchilla"]').first).to_be_attached()

    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{visit.address}/lineage/?focus=llama")
    expect(page.locator('.chip.is-focus[data-slug="llama"]')).to_be_focused()
    page.get_by_role("link", name="The page of LLaMA").click()
    expect(page).to_have_url(f"{visit.address}/models/llama/")


def test_the_first_key_leads_past_the_navigation(visit: Visit) -> None:
    visit.go("/models/")

    visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".skip")).to_be_focused()
    visit.page.keyboard.press("Enter")

    expect(visit.page.locator("#page")).to_be_focused()


def count_of(visit: Visit, category: str) -> int:
    """Return how many entries the catalog's filter promises."""
    choice = visit.page.locator(".choice").filter(has_text=category).first
    return int(choice.locator(".count").inner_text())


def test_filters_change_the_list_and_the_address(visit: Visit) -> None:
    visit.go("/models/")

    n_merges, n_adapters = count_of(visit, "Merge"), count_of(visit, "Adapter")
    visit.page.get_by_role("checkbox", name="Merge").check()

    expect(visit.page.locator("#results tbody tr")).to_have_count(n_merges)
    expect(visit.page).to_have_url(f"{visit.address}/models/?q=&category=merge")
    visit.page.get_by_role("checkbox", name="Adapter").check()
    expect(visit.page.locator("#results tbody tr")).to_have_count(n_merges + n_adapters)
    expect(visit.page.get_by_role("checkbox", name="Adapter")).to_be_focused()


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_lists_and_trees_work_without_javascript(visit: Visit) -> None:
    visit.go("/models/")
    n_merges = count_of(visit, "Merge")
    visit.page.get_by_role("checkbox", name="Merge").check()
    visit.page.get_by_role("button", name="Show").click()
    expect(visit.page.locator("#results tbody tr")).to_have_count(n_merges)

    visit.go("/lineage/")
    visit.page.get_by_role("button", name="Tokenizer").click()

    expect(visit.page.locator(".line--tokenizer")).to_have_count(1)  # the legend's


def test_somebody_signs_up_pushes_a_model_and_reads_the_verdict(
    visit: Visit, site: Site, small_model: Path
) -> None:
    page = visit.page
    token = sign_up(page, visit.address, "ada", "acme")
    assert token.startswith("baimo_")

    with resting(site.pid_of("celery")):
        push(site, small_model, token, "acme/my-model")
        visit.go("/models/acme--my-model/")
        expect(page.locator("#progress")).to_contain_text("Waiting for a worker.")

    expect(page.locator("#verdict-word")).to_have_text("Consistent", timeout=60_000)
    expect(page.locator(".answer")).to_contain_text("and the weights confirm it")
    expect(page.locator("#progress")).to_have_count(0)


@contextmanager
def resting(pid: int) -> Iterator[None]:
    """Let a process rest for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("visit", [PHONE, PHONE | DARK], indirect=True)
def test_a_phone_never_scrolls_sideways(visit: Visit) -> None:
    for path in PATHS:
        for prefix in ("", "/zh-hans"):
            visit.go(prefix + path)
            assert visit.overflow() <= 0, prefix + path


def test_the_api_is_documented_without_anything_from_elsewhere(visit: Visit) -> None:
    visit.go("/api/v1/docs/")

    expect(visit.page.locator("#swagger-ui .opblock").first).to_be_visible()


def test_the_theme_is_kept(visit: Visit) -> None:
    page = visit.page
    visit.go("/")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    switch = page.locator("[data-theme-switch]")
    switch.click()  # automatic -> light
    switch.click()  # light -> dark

    visit.go("/models/")

    assert page.evaluate(paper) != light
    expect(page.locator("[data-theme-switch]")).to_have_attribute(
        "aria-label", "Theme: dark"
    )


def test_the_language_switch_stays_on_the_page(visit: Visit) -> None:
    visit.go("/models/llama/")

    visit.page.get_by_role("button", name="中文").click()

    expect(visit.page).to_have_url(f"{visit.address}/zh-hans/models/llama/")
    expect(visit.page.locator("html")).to_have_attribute("lang", "zh-hans")
    visit.page.get_by_role("button", name="English").click()
    expect(visit.page).to_have_url(f"{visit.address}/models/llama/")


@pytest.mark.parametrize(
    "visit", [{"viewport": {"width": 1280, "height": 800}}], indirect=True
)
def test_sources_appear_on_focus(visit: Visit) -> None:
    visit.go("/models/llama/")
    cite = visit.page.locator("aside .cite").first

    cite.get_by_role("link").focus()

    expect(cite.locator(".card")).to_be_visible()
