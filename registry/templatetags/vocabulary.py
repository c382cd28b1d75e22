"""The vocabularies as lists, for legends."""

from __future__ import annotations

from django import template

from registry import vocabulary as words

register = template.Library()


@register.simple_tag
def layers() -> list[str]:
    """Return the layers, the weightiest first."""
    return list(words.Layer)


@register.simple_tag
def states() -> list[str]:
    """Return the states that a graph draws."""
    withdrawn = words.StatementKind.WITHDRAWN
    return [state for state in words.StatementKind if state != withdrawn]


@register.simple_tag
def categories() -> list[str]:
    """Return the categories, the headline ones first."""
    return list(words.Category)


@register.simple_tag
def verdicts() -> list[str]:
    """Return the verdicts."""
    return list(words.Verdict)
