"""Model cards as HTML that can do no harm: no raw HTML, no pictures from outside."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

# Longer cards are cut: rendering a megabyte would hold a web thread for seconds.
MAX_SHOWN_CHARACTERS: Final = 100_000
# A card's own first heading stands two levels below the page's.
HEADING_SHIFT: Final = 2

Env = MutableMapping[str, Any]


def render(text: str) -> SafeString:
    """Return a card's Markdown as HTML; markup in it is shown as text."""
    html: str = _parser.render(text[:MAX_SHOWN_CHARACTERS])
    # The parser escapes every piece of text, and raw HTML is switched off.
    return mark_safe(html)


def _image(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: Env,
) -> str:
    """A picture becomes its description, so that no reader is sent elsewhere."""
    children = tokens[index].children or []
    described = renderer.renderInlineAsText(children, options, env)
    return f"<em>[{escape(described or 'image')}]</em>"


def _link_open(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: Env,
) -> str:
    tokens[index].attrSet("rel", "nofollow noopener noreferrer ugc")
    return renderer.renderToken(tokens, index, options, env)


def _heading(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: Env,
) -> str:
    token = tokens[index]
    token.tag = f"h{min(int(token.tag[1]) + HEADING_SHIFT, 6)}"
    return renderer.renderToken(tokens, index, options, env)


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table"])
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("heading_open", _heading)
    parser.add_render_rule("heading_close", _heading)
    return parser


_parser: Final = _make_parser()
