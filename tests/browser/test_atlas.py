"""The atlas in a real Chromium: it draws, finds, tells; and a table where it cannot."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser
NO_WEBGL = """
const context = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : context.call(this, kind, ...rest);
};
"""
# Pixels of the canvas that are not empty.
N_PAINTED = """
(canvas) => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}
"""
phone = pytest.param({"viewport": {"width": 390, "height": 844}}, id="phone")


def drawn(visit: Visit, path: str = "/lineage/atlas/") -> Page:
    """Open the atlas and return the page once it is drawn."""
    visit.go(path)
    expect(visit.page.locator("#atlas")).to_have_attribute(
        "data-state", "drawn", timeout=30_000
    )
    return visit.page


def test_the_atlas_is_drawn_with_discs_and_names(visit: Visit) -> None:
    page = drawn(visit)

    for layer in ("discs", "ink"):
        canvas = page.locator(f".sigma-{layer}")
        assert canvas.evaluate(N_PAINTED) > 1000, layer
    expect(page.locator(".counted")).to_contain_text("entries are shown")
    expect(page.locator("[data-wait]")).to_be_hidden()


def test_a_search_jumps_to_a_model_and_opens_its_card(visit: Visit) -> None:
    page = drawn(visit)

    page.get_by_label("Find in the atlas").fill("vicuna")
    page.keyboard.press("Enter")

    card = page.locator(".atlas-card")
    expect(card.get_by_role("heading")).to_have_text("Vicuna")
    expect(card).to_contain_text("Fine-tuned")
    expect(card).to_contain_text("LMSYS")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_a_click_on_a_model_opens_its_card(visit: Visit) -> None:
    page = drawn(visit, "/lineage/atlas/?q=llama")
    card = page.locator(".atlas-card")
    expect(card.get_by_role("heading")).to_have_text("LLaMA")
    page.keyboard.press("Escape")
    page.wait_for_timeout(400)  # the camera stands still
    box = page.locator("[data-map]").bounding_box()
    assert box is not None

    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    expect(card.get_by_role("heading")).to_have_text("LLaMA")
    card.get_by_role("link", name="Its family tree").click()
    expect(page).to_have_url(f"{visit.address}/lineage/?focus=llama")


def test_what_is_not_shown_is_asked_of_the_server(visit: Visit) -> None:
    page = drawn(visit)

    page.get_by_label("Find in the atlas").fill("no such model")
    page.keyboard.press("Enter")

    status = page.get_by_text("Nothing is registered under that name.")
    expect(status).to_be_visible()


def test_filters_dim_what_they_leave_out(visit: Visit) -> None:
    page = drawn(visit)
    before = page.locator(".sigma-ink").evaluate(N_PAINTED)

    page.get_by_role("checkbox", name="Merge").check()
    page.wait_for_timeout(500)

    assert page.locator(".sigma-ink").evaluate(N_PAINTED) < before
    page.get_by_role("button", name="Filter the table too").click()
    expect(page.locator(".atlas-table tbody tr").first).to_contain_text("Merge")
    expect(page.get_by_role("checkbox", name="Merge")).to_be_checked()


def test_the_theme_changes_the_colours(visit: Visit) -> None:
    page = drawn(visit)
    light = page.locator(".sigma-discs").evaluate("(canvas) => canvas.toDataURL()")

    page.locator("[data-theme-switch]").click()
    page.locator("[data-theme-switch]").click()
    page.wait_for_timeout(500)

    dark = page.locator(".sigma-discs").evaluate("(canvas) => canvas.toDataURL()")
    assert dark != light


@pytest.mark.parametrize("visit", [phone], indirect=True)
def test_the_atlas_fits_a_phone(visit: Visit) -> None:
    drawn(visit)

    assert visit.overflow() == 0


def test_without_webgl_there_is_the_table(visit: Visit) -> None:
    visit.context.add_init_script(NO_WEBGL)

    visit.go("/lineage/atlas/")

    page = visit.page
    expect(page.get_by_text("This browser draws no WebGL")).to_be_visible()
    expect(page.locator("[data-frame]")).to_be_hidden()
    expect(page.locator(".atlas-table tbody tr")).to_have_count(50)
    page.get_by_label("Find in the atlas").fill("vicuna")
    page.keyboard.press("Enter")
    expect(page.locator(".atlas-table tbody tr")).to_have_count(1)


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_there_is_the_table(visit: Visit) -> None:
    visit.go("/lineage/atlas/")

    page = visit.page
    expect(page.locator("[data-frame]")).to_be_hidden()
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".atlas-table tbody tr")).to_have_count(50)
