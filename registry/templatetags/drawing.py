"""Numbers and pieces of SVG in templates."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def px(length: float) -> str:
    """Return a length with at most one decimal, in no reader's own notation."""
    return f"{length:.1f}".removesuffix(".0")


@register.simple_tag
def symbol(name: str, corner: tuple[float, float], css: str) -> SafeString:
    """Return a 12-pixel drawing of the page's sprite at a place in an SVG."""
    return format_html(
        '<use href="#{}" class="{}" x="{}" y="{}" width="12" height="12"/>',
        name,
        css,
        px(corner[0]),
        px(corner[1]),
    )
