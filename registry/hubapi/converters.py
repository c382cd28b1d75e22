"""Path converters: names that can be a team's, so that no other page is hidden."""

from __future__ import annotations

from registry.vocabulary import is_reserved


class NameConverter:
    """A model's name."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]*"

    def to_python(self, value: str) -> str:
        """Return the name as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Return the name as it is."""
        return value


class TeamConverter(NameConverter):
    """A team's name, which is none that the site itself uses."""

    def to_python(self, value: str) -> str:
        """Return the name; raises ValueError, which means no match."""
        if is_reserved(value):
            raise ValueError(f"{value} is reserved")
        return value
