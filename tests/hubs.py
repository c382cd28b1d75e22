"""A hub that does what real ones do on bad days."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ZOO = Path(__file__).parent / "zoo"
COMMIT = "c0ffee" + "0" * 34


@dataclass
class Hub:
    """A hub with one repository, `kin/tuned`, and the ways in which it misbehaves."""

    files: dict[str, bytes]
    url: str = ""
    token: str = ""
    faults: set[str] = field(default_factory=set)
    stated: dict[str, str] = field(default_factory=dict)
    # Answers are cut after so many bytes, so many times.
    cut_after: int = 0
    n_cuts: int = 0
    # Longer answers wait here until they may go on.
    held_back_from: int | None = None
    may_go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @staticmethod
    def of(folder: Path, card: str) -> Hub:
        """Return a hub with the files of a folder and this card."""
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        return Hub(files | {"README.md": card.encode()})

    def listing(self) -> dict[str, Any]:
        siblings = []
        for path, content in self.files.items():
            item: dict[str, Any] = {"rfilename": path, "size": len(content)}
            if path.endswith(".safetensors"):
                sha256 = self.stated.get(path) or hashlib.sha256(content).hexdigest()
                item["lfs"] = {"size": len(content), "sha256": sha256}
            siblings.append(item)
        gated = "manual" if self.token else False
        return {"id": "kin/tuned", "sha": COMMIT, "gated": gated, "siblings": siblings}


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        given = self.headers.get("Authorization", "")
        hub.asked.append((path, self.headers.get("Range", ""), given))
        if path.startswith("/api/models/kin/old/"):
            self._redirect(self.path.replace("kin/old", "kin/tuned"))
        elif path.startswith("/cdn/"):
            self._send_file(path.removeprefix("/cdn/"))
        elif hub.token and given != f"Bearer {hub.token}":
            self._send(403, b"{}")
        elif path.startswith("/api/models/kin/tuned/revision/"):
            if path.rpartition("/")[2] in ("main", COMMIT):
                self._send(200, json.dumps(hub.listing()).encode())
            else:
                self._send(404, b"{}", code="RevisionNotFound")
        elif "cdn" in hub.faults and path.endswith(".safetensors"):
            port = self.server.server_address[1]
            name = path.rpartition("/")[2]
            self._redirect(f"http://localhost:{port}/cdn/{name}")
        elif "inward" in hub.faults and path.endswith(".safetensors"):
            self._redirect("http://169.254.169.254/latest/meta-data")
        elif path.startswith(f"/kin/tuned/resolve/{COMMIT}/"):
            self._send_file(path.partition(f"/{COMMIT}/")[2])
        else:
            self._send(404, b"{}")

    def _redirect(self, address: str) -> None:
        self.send_response(307)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, content: bytes, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_file(self, path: str) -> None:
        hub, content = self.hub, self.hub.files[path]
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, end = (int(match[1]), int(match[2]) + 1) if match else (0, len(content))
        size = len(content) + 7 if "lies" in hub.faults else len(content)
        is_large = path.endswith(".safetensors")
        if "no-ranges" in hub.faults and is_large:
            self.send_response(200)
            start, end = 0, len(content)
        else:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - start))
        n = len(hub.asked) if "changes" in hub.faults else 0
        self.send_header("ETag", f'"{n}"')
        self.end_headers()
        part = content[start:end]
        if hub.n_cuts and len(part) > hub.cut_after:
            hub.n_cuts -= 1
            part = part[: hub.cut_after]
            self.close_connection = True
        if "slow" in hub.faults and is_large:
            time.sleep(0.3)
        with suppress(OSError):
            self.wfile.write(part[: hub.held_back_from])
            if hub.held_back_from is not None and len(part) > hub.held_back_from:
                hub.may_go_on.wait(30)
                self.wfile.write(part[hub.held_back_from :])


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a port of this machine, under `hub.url`."""
    handler = type("OfThisHub", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        hub.may_go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
