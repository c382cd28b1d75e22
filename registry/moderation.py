"""The queues on the moderators' page; whoever has one adds it when its app is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Section:
    """A queue: its template, and what that shows, asked for at each request."""

    template: str
    context: Callable[[], Mapping[str, Any]]


_sections: list[Section] = []


def add(section: Section) -> None:
    """Let a queue stand on the moderators' page, below those added before."""
    _sections.append(section)


def sections() -> tuple[Section, ...]:
    """Return all queues in the order in which they were added."""
    return tuple(_sections)
