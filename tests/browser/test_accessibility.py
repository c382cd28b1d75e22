"""Every kind of page: no fault that axe knows of, day and night, and nothing jumps."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Visit
from tests.browser.people import sign_up

PAGES = (
    "/",
    "/models/",
    "/models/?view=cards",
    "/models/?q=nothing-like-it",
    "/models/llama/",
    "/models/samples--maple-python/",
    "/models/samples--maple-python/history/",
    "/models/samples--maple-python/revisions/main/",
    "/models/llama/correct/",
    "/compare/?model=llama&model=yi-34b",
    "/compare/",
    "/lineage/",
    "/lineage/atlas/",
    "/statistics/",
    "/families/",
    "/families/LLaMA/",
    "/organizations/meta/",
    "/disputes/",
    "/glossary/",
    "/method/",
    "/register/",
    "/accounts/login/",
    "/accounts/signup/",
    "/models/no-such-model/",
)
# For members alone.
MEMBERS_PAGES = ("/register/import/", "/register/sketch/", "/register/upload/")
# What shifts by less than this nobody sees (web.dev calls 0.1 good).
LEAST_SHIFT = 0.01
COUNT_SHIFTS = """
() => new Promise((tell) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => tell(sum), 500);
})
"""

night = pytest.param({"color_scheme": "dark"}, id="night")
day = pytest.param({"color_scheme": "light"}, id="day")
phone = pytest.param({"viewport": {"width": 390, "height": 844}}, id="phone")


@pytest.mark.browser
@pytest.mark.parametrize("visit", [day, night, phone], indirect=True)
def test_axe_finds_no_fault_on_any_kind_of_page(visit: Visit) -> None:
    found = faults_on(PAGES, visit)
    visit.faults.clear()  # the missing page is a console error by design
    assert found == ""


@pytest.mark.browser
@pytest.mark.parametrize("visit", [day, night, phone], indirect=True)
def test_axe_finds_no_fault_on_pages_for_members(
    visit: Visit, request: pytest.FixtureRequest
) -> None:
    name = f"axe-{request.node.callspec.id}"
    sign_up(visit.page, visit.address, name, name)

    assert faults_on(MEMBERS_PAGES, visit) == ""


def faults_on(pages: Iterable[str], visit: Visit) -> str:
    """Return what axe finds on some pages, one line for each that has a fault."""
    found = {}
    for path in pages:
        visit.go(path)
        faults = Axe().run(visit.page).response["violations"]
        if faults:
            nodes = [node["html"][:160] for fault in faults for node in fault["nodes"]]
            found[path] = [fault["id"] for fault in faults] + nodes[:3]
    return "\n".join(f"{k} {v}" for k, v in found.items())


@pytest.mark.browser
@pytest.mark.parametrize("visit", [day, phone], indirect=True)
def test_nothing_jumps_while_a_page_loads(visit: Visit) -> None:
    shifts = {}
    for path in (
        "/",
        "/models/",
        "/models/llama/",
        "/compare/?model=llama&model=gpt-3",
    ):
        visit.go(path)
        shifts[path] = visit.page.evaluate(COUNT_SHIFTS)

    assert {path: sum_ for path, sum_ in shifts.items() if sum_ > LEAST_SHIFT} == {}
