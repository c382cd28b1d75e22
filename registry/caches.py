"""The cache of several processes, which may be away without stopping anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger("baimo.cache")
Answer = TypeVar("Answer")


class ForgivingRedisCache(RedisCache):
    """Redis, which while it cannot be reached answers as if it were empty.

    What is kept here limits how often somebody asks. Without it everybody is let in;
    the alternative is a register that nobody can read until Redis is back.
    """

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether the key was new, as it always is without Redis."""
        return self._or(True, super().add, *args, **kwargs)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or the default also without Redis."""
        return self._or(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Store a value if that is possible."""
        self._or(None, super().set, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether there was something to remove."""
        return self._or(False, super().delete, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        """Return the next number, without Redis the first; raises ValueError."""
        return self._or(1, super().incr, *args, **kwargs)

    def _or(
        self, otherwise: Answer, ask: Callable[..., Answer], *args: Any, **kwargs: Any
    ) -> Answer:
        try:
            return ask(*args, **kwargs)
        except RedisError as error:
            log.warning("cache-away", error=str(error))
            return otherwise
