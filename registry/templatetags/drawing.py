"""Numbers of drawings in templates."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def px(length: float) -> str:
    """Return a length with at most one decimal, in no reader's own notation."""
    return f"{length:.1f}".removesuffix(".0")
