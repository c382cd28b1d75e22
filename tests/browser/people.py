"""What people do before a journey of theirs begins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.integration.stack.running_site import Site

PASSWORD = "counting-wheels-1843"


def sign_up(page: Page, address: str, name: str, team: str) -> str:
    """Make an account, an organisation and a token, and return the token."""
    page.goto(f"{address}/register/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Sign Up").click()
    page.get_by_label("Name:", exact=True).fill(team)
    page.get_by_role("button", name="Create").click()
    page.get_by_label("Name:").fill("laptop")
    page.get_by_role("button", name="Make the token").click()
    return page.locator("#secret").inner_text()


def push(site: Site, folder: Path, token: str, repo_id: str, *how: str) -> None:
    """Push a folder with the client that teams already have."""
    hf = Path(sys.executable).parent / "hf"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "HF_ENDPOINT": f"http://127.0.0.1:{site.port}",
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": token,
    }
    command = [str(hf), "upload", repo_id, str(folder), *how]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@contextmanager
def moderating(site: Site, chromium: Browser, name: str) -> Iterator[Page]:
    """Yield a window in which a moderator is signed in."""
    make = (
        "from django.contrib.auth.models import User; "
        f"User.objects.create_user({name!r}, password={PASSWORD!r}, is_staff=True)"
    )
    assert site.manage("shell", "-c", make).wait(timeout=60) == 0
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(f"http://127.0.0.1:{site.port}/accounts/login/")
    page.locator("#id_login").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign In").click()
    yield page
    context.close()
