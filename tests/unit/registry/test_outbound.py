"""Which addresses we ask: public ones, whatever they are written like."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from registry.outbound import (
    Refused,
    Unreachable,
    Why,
    check_literal,
    is_allowed,
    parse,
    request,
)

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "64:ff9b::7f00:1",
]
PUBLIC = ["1.1.1.1", "93.184.215.14", "::ffff:1.1.1.1", "2606:4700:4700::1111"]
LITERALS = [
    "http://127.0.0.1/",
    "http://127.1:8000/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/latest/meta-data",
    "http://0/",
    "https://localhost:6379/",
    "https://LOCALHOST./",
    "https://redis.localhost/",
]
HOME = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to these addresses."""

    def found(host: str, port: int, **options: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("fd12::1", True),
        ("10.0.0.1", False),
        ("::1", False),
    ],
)
def test_networks_of_ones_own_are_allowed_by_name(address: str, expected: bool) -> None:
    assert is_allowed(ipaddress.ip_address(address), HOME) is expected


@pytest.mark.parametrize("url", LITERALS)
def test_an_address_in_figures_is_seen_through(url: str) -> None:
    with pytest.raises(Refused) as refused:
        check_literal(url)

    assert refused.value.why == Why.PRIVATE


def test_a_name_is_left_for_later() -> None:
    check_literal("https://hooks.example.org/baimo")
    check_literal("http://127.0.0.1:9000/", HOME)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/", Why.SCHEME),
        ("file:///etc/passwd", Why.SCHEME),
        ("gopher://example.org/", Why.SCHEME),
        ("example.org/hook", Why.SCHEME),
        ("", Why.SCHEME),
        ("https://me:secret@example.org/", Why.CREDENTIALS),
        ("https://example.org@127.0.0.1/", Why.CREDENTIALS),
        ("https://@example.org/", Why.CREDENTIALS),
        ("https:///hook", Why.NO_ADDRESS),
        ("https://example.org:0/", Why.NO_ADDRESS),
        ("https://example.org:99999/", Why.NO_ADDRESS),
        ("https://[::1/", Why.NO_ADDRESS),
        ("https://example.org/a b", Why.NO_ADDRESS),
        ("https://exam\r\nple.org/", Why.NO_ADDRESS),
        ("https://example.org/\x00", Why.NO_ADDRESS),
        ("https://" + "ü" * 70 + ".example/", Why.NO_ADDRESS),
    ],
)
def test_what_is_no_web_address_is_refused(url: str, why: Why) -> None:
    with pytest.raises(Refused) as refused:
        parse(url)

    assert refused.value.why == why


def test_an_address_in_other_letters_is_put_into_ascii() -> None:
    target = parse("https://百模.example/钩子?名=值&a=%20#part")

    assert target.host == "xn--vcwr7x.example"
    assert target.path == "/%E9%92%A9%E5%AD%90?%E5%90%8D=%E5%80%BC&a=%20"
    assert target.port == 443


@pytest.mark.parametrize("addresses", [["10.0.0.5"], ["1.1.1.1", "127.0.0.1"]])
def test_a_name_that_leads_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    resolving_to(monkeypatch, *addresses)

    with (
        pytest.raises(Refused) as refused,
        request("GET", "https://hooks.example.org/", headers={}, timeout=1),
    ):
        pass

    assert (refused.value.why, refused.value.detail) == (
        Why.PRIVATE,
        "hooks.example.org",
    )


def test_a_name_is_resolved_once_and_its_address_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    answers = iter([["1.1.1.1"], ["127.0.0.1"]])

    def found(host: str, port: int, **options: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in next(answers)]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", connect)

    with (
        pytest.raises(Unreachable),
        request("GET", "http://rebinding.example/", headers={}, timeout=1),
    ):
        pass

    assert asked == ["1.1.1.1"]
