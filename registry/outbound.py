"""Requests to addresses that strangers name: to public hosts only, and no further."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS: Final = {"http": 80, "https": 443}
_KEPT_IN_PATHS: Final = "/%:@!$&'()*+,;=~?"
# What `is_global` lets through: IPv6 that leads to an IPv4 host (6to4, NAT64), and
# the private addresses of old.
_NEVER: Final = (
    ipaddress.ip_network("2002::/16"),
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("fec0::/10"),
)


class Why(StrEnum):
    """Why a request came to nothing; pages have a sentence for each."""

    NO_ADDRESS = "no-address"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PRIVATE = "private"
    UNKNOWN_HOST = "unknown-host"
    REFUSED = "refused"
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    BROKEN = "broken"


class Failed(Exception):
    """A request that came to nothing: `why` in one word, and what else is known."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why.value)
        self.why = why
        self.detail = detail


class Refused(Failed):
    """An address that must not be asked; asking again later changes nothing."""


class Unreachable(Failed):
    """Nobody answered, or not in time."""


@dataclass(frozen=True)
class Target:
    """What a URL asks for, taken apart once, so that all look at the same host."""

    scheme: str
    host: str
    port: int
    path: str


def parse(url: str) -> Target:
    """Return what a URL asks for; raises Refused for one that we do not follow."""
    try:
        parts = urlsplit(url)
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError as error:
        raise Refused(Why.NO_ADDRESS) from error
    if parts.scheme not in PORTS:
        raise Refused(Why.SCHEME)
    if "@" in parts.netloc:
        raise Refused(Why.CREDENTIALS)
    is_odd = any(c.isspace() or not c.isprintable() for c in url)
    if not host or port == 0 or is_odd:
        raise Refused(Why.NO_ADDRESS)
    query = f"?{parts.query}" if parts.query else ""
    path = quote((parts.path or "/") + query, safe=_KEPT_IN_PATHS)
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def is_allowed(address: Address, private: Sequence[Network] = ()) -> bool:
    """Return whether an address is public, or in one of the private networks given."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return is_allowed(address.ipv4_mapped, private)
    if any(address in network for network in private):
        return True
    if any(address in network for network in _NEVER):
        return False
    is_special = address.is_multicast or address.is_reserved
    return address.is_global and not is_special


def check_literal(url: str, private: Sequence[Network] = ()) -> None:
    """Raise Refused for what needs no name server to be refused.

    So a person who types an address hears of it at once; `request` checks it all.
    """
    target = parse(url)
    if target.host == "localhost" or target.host.endswith(".localhost"):
        _check([ipaddress.ip_address("127.0.0.1")], target, private)
        return
    try:
        _check(_resolve(target, socket.AI_NUMERICHOST), target, private)
    except Unreachable:
        return  # a name, which may lead anywhere by the time that it is asked


@contextmanager
def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeout: float,
    deadline: float | None = None,
    private: Sequence[Network] = (),
) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer to a request, whose body is still to be read.

    The name is resolved once; every address it has is checked, and the connection
    goes to one of these. Redirects are not followed and proxies are not used.
    `timeout` holds for each step, `deadline` for everything until the block ends;
    both in seconds. Raises Refused, and Unreachable; reading the body raises OSError
    or http.client.HTTPException.
    """
    target = parse(url)
    addresses = _resolve(target)
    _check(addresses, target, private)
    connection = _Pinned(target, addresses, timeout)
    watch = threading.Timer(deadline or 0, connection.cut)
    watch.daemon = True
    if deadline is not None:
        watch.start()
    try:
        try:
            connection.request(method, target.path, body=body, headers=dict(headers))
            response = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(error, connection) from error
        with response:
            # An answer that is cut off among its headers looks like a whole one.
            if connection.is_cut:
                raise Unreachable(Why.TIMEOUT)
            yield response
    finally:
        watch.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses that were checked, whatever the name says by now."""

    def __init__(
        self, target: Target, addresses: Sequence[Address], timeout: float
    ) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self._target = target
        self._addresses = addresses
        self.default_port = PORTS[target.scheme]
        # `sock` is taken away where the server closes after its answer.
        self._wire: socket.socket | None = None
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the first address that answers; raises OSError."""
        self.sock = self._wire = self._first_that_answers()
        if self._target.scheme == "https":
            # The handshake comes after, so that the deadline can cut it off.
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock,
                server_hostname=self._target.host,
                do_handshake_on_connect=False,
            )
            self._wire = self.sock
            self.sock.do_handshake()

    def cut(self) -> None:
        """End whatever the connection is waiting for."""
        self.is_cut = True
        if self._wire is not None:
            # The plain method: that of TLS would pull the rug from under a reader.
            with suppress(OSError):
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    def _first_that_answers(self) -> socket.socket:
        *others, last = self._addresses
        for address in others:
            with suppress(OSError):
                return self._connected(address)
        return self._connected(last)

    def _connected(self, address: Address) -> socket.socket:
        sock = socket.create_connection((str(address), self._target.port), self.timeout)
        if self.is_cut:
            sock.close()
            raise TimeoutError
        return sock


def _resolve(target: Target, flags: int = 0) -> list[Address]:
    """Return every address of a host, each once; raises Unreachable."""
    try:
        found = socket.getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM, flags=flags
        )
    except (OSError, UnicodeError) as error:
        raise Unreachable(Why.UNKNOWN_HOST, target.host) from error
    return list(dict.fromkeys(ipaddress.ip_address(row[4][0]) for row in found))


def _check(
    addresses: Sequence[Address], target: Target, private: Sequence[Network]
) -> None:
    """Raise Refused if any address is private: a name for both is a trap."""
    for address in addresses:
        if not is_allowed(address, private):
            raise Refused(Why.PRIVATE, target.host)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.rstrip(".") if ":" not in host else host
    return host.encode("idna").decode("ascii")


def _unreachable(error: Exception, connection: _Pinned) -> Unreachable:
    if connection.is_cut or isinstance(error, TimeoutError):
        return Unreachable(Why.TIMEOUT)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(Why.CERTIFICATE, error.verify_message)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(Why.REFUSED)
    return Unreachable(Why.BROKEN, " ".join(str(error).split())[:200])
