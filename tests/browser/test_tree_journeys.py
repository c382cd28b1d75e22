"""What readers do with the family tree, in a real Chromium."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_folded_siblings_open_in_place_and_back_closes_them(visit: Visit) -> None:
    page = visit.page
    visit.go("/lineage/")
    page.evaluate("window.isSamePage = true")
    badge = page.locator('.chip--folded[data-slug="llama:"]')
    llama = page.locator('.chip[data-slug="llama"]')
    badge.scroll_into_view_if_needed()
    before = llama.bounding_box()

    badge.click()

    expect(page.locator('.chip[data-slug="alpaca"]')).to_be_visible()
    expect(page).to_have_url(f"{visit.address}/lineage/?open=llama%3A")
    expect(llama).to_be_focused()
    after = llama.bounding_box()
    assert before and after and abs(after["y"] - before["y"]) < 2
    page.go_back()
    expect(badge).to_be_attached()
    expect(page.locator('.chip[data-slug="alpaca"]')).to_have_count(0)
    assert page.evaluate("window.isSamePage")


def test_the_legend_filters_in_place(visit: Visit) -> None:
    visit.go("/lineage/")

    visit.page.get_by_role("button", name="Tokenizer").click()

    expect(visit.page.locator(".line--tokenizer")).to_have_count(1)  # the legend's
    pressed = visit.page.get_by_role("button", name="Tokenizer")
    expect(pressed).to_have_attribute("aria-pressed", "false")


def test_a_name_that_is_drawn_is_jumped_to(visit: Visit) -> None:
    page = visit.page
    visit.go("/lineage/")
    field = page.get_by_label("Find in the tree")

    field.fill("deepseek-v3")
    field.dispatch_event("change")

    expect(page.locator('.chip[data-slug="deepseek-v3"]')).to_be_focused()
    expect(page.locator('.chip[data-slug="deepseek-v3"]')).to_be_in_viewport()


def test_a_path_between_two_models_is_drawn(visit: Visit) -> None:
    page = visit.page
    visit.go("/lineage/?layer=weights")
    page.get_by_label("Path from").fill("zephyr-7b-beta")
    page.get_by_label("to", exact=True).fill("openhermes-2.5")

    page.get_by_role("button", name="Show the path").click()

    expect(page.locator("[data-tree] .chip")).to_have_count(3)
    expect(page.locator('.chip[data-slug="mistral-7b"]')).to_be_visible()
    assert "layer=weights" in page.url


def test_hovering_lights_the_way_to_the_roots(visit: Visit) -> None:
    page = visit.page
    visit.go("/lineage/?focus=llama")

    page.locator('.chip[data-slug="llama"]').hover()

    expect(page.locator('.chip.lit[data-slug="transformer"]')).to_be_attached()
    expect(page.locator('.chip.lit[data-slug="llama-2"]')).to_have_count(0)


def test_the_picture_is_zoomed_by_keys_and_downloaded(visit: Visit) -> None:
    page = visit.page
    visit.go("/lineage/?focus=llama")
    drawing = page.locator(".tree-body")
    width = float(drawing.get_attribute("width") or 0)

    page.locator("[data-tree]").focus()
    page.keyboard.press("+")

    assert float(drawing.get_attribute("width") or 0) > 1.2 * width
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as SVG").click()
    assert download.value.suggested_filename == "llama.svg"
