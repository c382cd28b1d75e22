"""Asking real servers of this machine: what is followed, cut off and refused."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from threading import Thread
from typing import Any

import pytest

from registry.outbound import Refused, Unreachable, Why, request

LOOPBACK = (ip_network("127.0.0.0/8"),)


@contextmanager
def answering(*pieces: bytes, every: float = 0.0) -> Iterator[str]:
    """Yield the address of a server that sends pieces, waiting before each."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                try:
                    for piece in pieces:
                        time.sleep(every)
                        client.sendall(piece)
                except OSError:
                    return  # the other side has had enough

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(timeout=10)


def ask(url: str, **options: Any) -> tuple[int, bytes]:
    """Return status and body of an answer from this machine."""
    limits = {"timeout": 5.0, "private": LOOPBACK} | options
    with request("GET", url, headers={}, **limits) as response:
        return response.status, response.read()


def test_an_answer_is_read() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as url:
        assert ask(url) == (200, b"hi")


def test_a_redirect_is_an_answer_like_any_other() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    with answering(moved) as url:
        assert ask(url)[0] == 302


def test_this_machine_is_private_unless_it_is_said_otherwise() -> None:
    with pytest.raises(Refused) as refused:
        ask("http://127.0.0.1:1/", private=())

    assert refused.value.why == Why.PRIVATE


def test_a_closed_port_and_a_broken_answer_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable) as refused:
        ask(f"http://127.0.0.1:{port}/")
    with answering(b"SSH-2.0\r\n") as url, pytest.raises(Unreachable) as broken:
        ask(url)

    assert refused.value.why == Why.REFUSED
    assert broken.value.why == Why.BROKEN


def test_a_silent_server_is_given_up() -> None:
    with answering(b"late", every=1.0) as url, pytest.raises(Unreachable) as late:
        ask(url, timeout=0.2)

    assert late.value.why == Why.TIMEOUT


def test_a_server_that_drips_is_cut_off() -> None:
    drops = [b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 30]
    began = time.monotonic()
    with answering(*drops, every=0.1) as url:
        with pytest.raises(Unreachable) as late:
            ask(url, deadline=0.5)
        took = time.monotonic() - began

    assert late.value.why == Why.TIMEOUT
    assert took < 2


def test_a_tls_handshake_that_never_comes_is_cut_off() -> None:
    with (
        answering(*[b"\x16"] * 30, every=0.1) as url,
        pytest.raises(Unreachable) as late,
    ):
        ask(url.replace("http:", "https:"), deadline=0.4, timeout=5.0)

    assert late.value.why in {Why.TIMEOUT, Why.BROKEN}
