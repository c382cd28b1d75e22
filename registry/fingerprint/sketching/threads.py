"""How many threads linear algebra may use: one for small matrices.

Threads that wait for each other at every small product cost a busy machine fifty
times what they save.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which matrix products of this process use one thread."""
    made: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return made


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
