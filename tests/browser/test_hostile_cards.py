"""A hostile card in a real browser that has no policy to fall back on."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.integration.stack.running_site import Site

pytestmark = pytest.mark.browser

# Base64 of an SVG and of a page, each with a script that would set `ran`.
SVG = (
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0id2luZG93LnJhbj0n"
    "ZGF0YSBzdmcnIi8+"
)
PAGE = "PHNjcmlwdD5wYXJlbnQucmFuPSdkYXRhIHBhZ2UnPC9zY3JpcHQ+"
CARD = f"""---
license: '"><img src=x onerror="window.ran=1">'
baimo_name: '"><script>window.ran="name"</script><img src=x onerror="window.ran=2">'
baimo_contribution: '</p><svg onload="window.ran=3">'
---
# The end <img src=x onerror="window.ran='heading'">

<script>window.ran = "script"</script>

<svg onload="window.ran='svg'"><script>window.ran = "svg script"</script></svg>

<style>.card-text {{ display: none }} * {{ visibility: hidden }}</style>
<link rel="stylesheet" href="https://evil.example/style.css">
<meta http-equiv="refresh" content="0;url=https://evil.example/">
<base href="https://evil.example/">

<iframe srcdoc="<script>parent.ran='frame'</script>"></iframe>
<object data="data:text/html;base64,{PAGE}"></object>
<details open ontoggle="window.ran='toggle'">x</details>
<input autofocus onfocus="window.ran='focus'">
<form action="https://evil.example/"><button>Log in</button></form>
<div style="position:fixed;inset:0" onmouseover="window.ran='div'">cover</div>

[script](javascript:window.ran='link') [case](JaVaScRiPt:window.ran='case')
[entity](&#106;avascript:window.ran='entity') [blank](<java&#10;script:window.ran=1>)
[vb](vbscript:x) [file](file:///etc/passwd)
[page](data:text/html;base64,{PAGE}) [svg](data:image/svg+xml;base64,{SVG})
<javascript:window.ran='auto'> <data:text/html;base64,{PAGE}>
[by name][named] ![svg](data:image/svg+xml;base64,{SVG}) ![x](javascript:window.ran=4)
![" onerror="window.ran='alt'](https://evil.example/pixel.png)
[harmless](https://example.org/?a=1&b="onclick= 'a "title" onmouseover="window.ran=5')

[named]: javascript:window.ran='named'

| a |
|---|
| <img src=x onerror="window.ran='cell'"> |

```"><script>window.ran='fence'</script>
<script>window.ran = "code"</script>
```

The card ends here.
"""
# What the browser has made of the card, whatever the source looked like.
FOUND = """() => {
  const inside = [...document.querySelectorAll(".card-text *")];
  return {
    tags: [...new Set(inside.map(e => e.localName))],
    handlers: [...document.querySelectorAll("main *")].flatMap(
      e => e.getAttributeNames().filter(name => name.startsWith("on"))),
    attributes: [...new Set(inside.flatMap(e => e.getAttributeNames()))],
    protocols: [...document.querySelectorAll("main [href]")].map(
      a => new URL(a.getAttribute("href"), location).protocol),
  };
}"""
HARMLESS = {"h3", "p", "a", "em", "code", "pre", "table", "thead", "tbody", "tr"}


def without_policy(page: Page, path: str, *, added: str = "") -> None:
    """Serve one page without its headers, and with something more in it."""

    def answer(route: Route) -> None:
        got = route.fetch()
        assert "content-security-policy" in got.headers
        body = got.text().replace("</main>", f"{added}</main>")
        route.fulfill(status=got.status, content_type="text/html", body=body)

    page.route(f"**{path}", answer)


@pytest.fixture
def hostile(site: Site, tmp_path: Path, small_model: Path) -> str:
    """Return the address of a model with a hostile card."""
    (small_model / "README.md").write_text(CARD)
    name = tmp_path.name.replace("_", "-")[:60].strip("-")
    site.push(small_model, f"hostile/{name}")
    return f"/models/hostile--{name}/"


def test_nothing_of_a_card_runs_even_without_the_policy(
    visit: Visit, hostile: str
) -> None:
    page = visit.page
    without_policy(page, hostile)

    visit.go(hostile)
    expect(page.get_by_text("The card ends here.")).to_be_visible()
    for link in page.locator(".card-text a").all():
        link.hover()
    page.wait_for_load_state("networkidle")

    assert page.evaluate("window.ran") is None
    assert page.url == visit.address + hostile
    found = page.evaluate(FOUND)
    assert found["handlers"] == []
    assert set(found["tags"]) <= HARMLESS | {"th", "td", "div"}
    assert set(found["attributes"]) <= {"href", "rel", "title", "class", "tabindex"}
    assert set(found["protocols"]) <= {"http:", "https:"}
    assert len(page.frames) == 1
    # Whatever was meant to be markup can be read.
    expect(page.locator(".card-text")).to_contain_text('<script>window.ran = "script"')


def test_without_the_policy_a_script_in_the_page_would_have_run(
    visit: Visit, hostile: str
) -> None:
    without_policy(visit.page, hostile, added="<script>window.ran = 'here'</script>")

    visit.go(hostile)

    assert visit.page.evaluate("window.ran") == "here"
