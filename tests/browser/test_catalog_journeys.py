"""What readers do with the catalog: search, compare, count, correct, take along."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def test_a_reader_searches_in_chinese_and_takes_the_list_along(
    visit: Visit, tmp_path: Path
) -> None:
    visit.go("/zh-hans/models/")
    visit.page.get_by_label("搜索", exact=True).fill("羊驼")
    expect(visit.page.get_by_role("status")).to_contain_text("“羊驼”")
    n_rows = visit.page.locator("table.models tbody tr").count()
    visit.page.get_by_role("link", name="卡片").click()
    expect(visit.page.locator(".model-card")).to_have_count(n_rows)

    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="CSV").click()
    saved = tmp_path / "list.csv"
    download.value.save_as(saved)

    assert len(saved.read_text(encoding="utf-8-sig").splitlines()) == n_rows + 1


def test_two_models_are_put_side_by_side(visit: Visit) -> None:
    visit.go("/models/vicuna/")
    visit.page.get_by_role("link", name="beside other models").click()
    visit.page.get_by_label("Add a model").fill("alpaca")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("link", name="Alpaca", exact=True).first.click()

    heads = visit.page.locator("table.compare thead th")
    expect(heads).to_have_count(2)
    common = visit.page.get_by_role("region", name="Common ancestors")
    expect(common.get_by_role("link", name="LLaMA", exact=True).first).to_be_visible()

    visit.page.get_by_role("link", name="Remove Vicuna").click()
    expect(heads).to_have_count(1)


def test_a_wrong_fact_is_corrected_without_losing_what_was_typed(visit: Visit) -> None:
    visit.go("/models/llama/")
    visit.page.get_by_role("link", name="Correct a fact").click()
    visit.page.get_by_label("Which fact is wrong?").select_option("params")
    visit.page.get_by_label("What is right?").fill("Sixty-five billion")
    visit.page.get_by_label("Where does it say so?").fill("https://nowhere")
    visit.page.get_by_role("button", name="Send").click()
    expect(visit.page.get_by_label("What is right?")).to_have_value(
        "Sixty-five billion"
    )
    visit.faults.clear()  # the answer to the unfinished form is a 422
    visit.page.get_by_label("Where does it say so?").fill("https://arxiv.org/abs/1")
    visit.page.get_by_role("button", name="Send").click()

    expect(visit.page.get_by_text("Thank you.")).to_be_visible()


def test_a_dot_of_the_statistics_leads_to_its_model(visit: Visit) -> None:
    visit.go("/statistics/")
    visit.page.get_by_text("As a table").nth(2).click()
    expect(visit.page.locator("#tokens + p + .scroll + details table")).to_be_visible()
    name = visit.page.locator(".chart .dot title").first.text_content() or ""
    visit.page.locator(".chart a:has(.dot)").first.focus()
    visit.page.keyboard.press("Enter")

    expect(visit.page.get_by_role("heading", level=1)).to_contain_text(
        name.split(":")[0]
    )
