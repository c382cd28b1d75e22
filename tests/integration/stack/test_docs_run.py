"""What docs/ci.md and docs/webhooks.md show, run against a real site."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack.running_site import Site, installed, wait_for
from tests.integration.webhooks.receiver import receiving

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[3]
ZOO = ROOT / "tests" / "zoo"


def block(page: str, language: str) -> str:
    """Return the first piece of code in a language that a page of docs/ shows."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.S | re.M)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("docs")
    own = {"OUTBOUND_PRIVATE_NETWORKS": "127.0.0.0/8"}
    with installed(folder, own) as running:
        running.start()
        yield running


def token(site: Site, scope: str) -> str:
    """Return a token of an owner, made by the product's own command."""
    arguments = ["token", "ann", "--organization", "acme", "--scope", scope]
    process = site.manage(*arguments, stdout=subprocess.PIPE, text=True)
    return str(process.communicate(timeout=60)[0]).strip()


def checked(
    site: Site, tmp_path: Path, model: str, *, base: str, name: str
) -> tuple[int, str]:
    """Return how the script ends that pushes a small model with this base."""
    folder = tmp_path / name
    shutil.copytree(ZOO / model, folder)
    card = f"---\nbase_model: {base}\n---\n" if base else ""
    (folder / "README.md").write_text(f"{card}# {name}\n", encoding="utf-8")
    script = tmp_path / "baimo-check.sh"
    script.write_text(block("ci.md", "sh"), encoding="utf-8")
    environment = site.variables() | {
        "PATH": f"{Path(sys.executable).parent}:{site.variables()['PATH']}",
        "HF_ENDPOINT": f"http://127.0.0.1:{site.port}",
        "HF_TOKEN": token(site, "push"),
        "HF_HOME": str(tmp_path / "hf-home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "BAIMO_EVERY": "0.2",
    }
    done = subprocess.run(
        ["sh", str(script), f"acme/{name}", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_script_for_pipelines_ends_as_the_weights_say(
    site: Site, tmp_path: Path
) -> None:
    base = checked(site, tmp_path, "small-1", base="", name="base")
    tuned = checked(site, tmp_path, "small-1-tuned", base="acme/base", name="tuned")
    other = checked(site, tmp_path, "small-2", base="acme/base", name="other")

    assert base[0] == 2, base[1]
    assert tuned[0] == 0, tuned[1]
    assert f"consistent http://127.0.0.1:{site.port}/acme/tuned" in tuned[1]
    assert other[0] == 1, other[1]
    assert "not-derived-from-declared" in other[1]


def test_an_event_goes_through_real_processes_and_the_check_of_the_page(
    site: Site, tmp_path: Path
) -> None:
    shown: dict[str, Any] = {}
    exec(block("webhooks.md", "python"), shown)
    with receiving() as receiver:
        receiver.status = 500
        events = ["push.committed", "verdict.published"]
        key = token(site, "admin")
        made = call(site, key, "webhooks/", {"url": receiver.url, "events": events})
        checked(site, tmp_path, "small-1-start", base="", name="start")

        # The first event fails, and is sent again by hand when all is well.
        log = f"webhooks/{made['id']}/deliveries/"
        wait_for(lambda: receiver.got)
        receiver.status = 204
        first = call(site, key, log)["results"][-1]
        call(site, key, f"{log}{first['id']}/replay/", {})
        wait_for(lambda: delivered(site, key, log) >= {"push.committed"})

        headers, body = receiver.got[-1]
        assert shown["is_genuine"](made["secret"], headers, body)
        assert not shown["is_genuine"](made["secret"], headers, body + b" ")
        late = headers | {"webhook-timestamp": "1"}
        assert not shown["is_genuine"](made["secret"], late, body)


def delivered(site: Site, key: str, log: str) -> set[str]:
    """Return the events that a webhook has got."""
    results = call(site, key, log)["results"]
    return {each["event"] for each in results if each["state"] == "delivered"}


def call(site: Site, key: str, path: str, body: Any = None) -> Any:
    """Return what the API answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.port}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
