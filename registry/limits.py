"""How often somebody may ask: counted in the cache, said in standard headers.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., object])

# How much of an IPv6 address stands for one customer.
IPV6_PREFIX = 64


@dataclass(frozen=True)
class Standing:
    """Where somebody stands after a request: how many are left, and until when."""

    policy: str
    quota: int
    window: int
    used: int
    seconds: int

    @property
    def is_over(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.quota

    def headers(self) -> dict[str, str]:
        """Return the header fields of the draft, and Retry-After for a refusal."""
        left = max(self.quota - self.used, 0)
        fields = {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.policy}";r={left};t={self.seconds}',
        }
        return fields | ({"Retry-After": str(self.seconds)} if self.is_over else {})


def count(policy: str, who: str) -> Standing | None:
    """Count a request under a policy of RATE_LIMITS; None when it has no limit.

    Windows are fixed, so that counting is one number: at worst somebody asks twice
    the quota around the moment at which one window ends and the next begins.
    """
    quota, window = settings.RATE_LIMITS[policy]
    if not quota:
        return None
    number, passed = divmod(time.time(), window)
    key = f"limit:{policy}:{who}:{int(number)}"
    return Standing(policy, quota, window, _next(key, window), int(window - passed) + 1)


def _next(key: str, window: int) -> int:
    try:
        return cache.incr(key)
    except ValueError:
        # Of two that begin at once the second finds the number of the first.
        return 1 if cache.add(key, 1, timeout=window) else cache.incr(key)


def costly(view: View) -> View:
    """Mark a view, function or class, whose answer costs many times another's."""
    view.is_costly = True  # type: ignore[attr-defined]  # a mark for is_costly()
    return view


def is_costly(view: Callable[..., object]) -> bool:
    """Return whether a resolved view was marked with costly."""
    return getattr(getattr(view, "cls", view), "is_costly", False)


def client_address(request: HttpRequest) -> str:
    """Return the address that a request came from, past the proxies we trust.

    Every proxy adds at the end of X-Forwarded-For whom it heard; what stands before
    that, the client may have made up. Of an IPv6 address the network is returned.
    """
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    is_told = 0 < trusted <= len(hops)
    said = hops[-trusted] if is_told else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(said.strip())
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
