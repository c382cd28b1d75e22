"""How wide a label is, without a font at hand: estimates on the generous side."""

from __future__ import annotations

import unicodedata
from typing import Final

FONT_PIXELS: Final = 12.0
MAX_LABEL_PIXELS: Final = 190.0
_NARROW: Final = frozenset("fijlrtI.,:;'|!()[] -")
_BROAD: Final = frozenset("mwMW@%+")


def width_of(text: str) -> float:
    """Return the width of a text in pixels at FONT_PIXELS; CJK counts double."""
    return FONT_PIXELS * sum(_em(letter) for letter in text)


def shortened(text: str, pixels: float = MAX_LABEL_PIXELS) -> str:
    """Return the text, cut with an ellipsis where it is wider than `pixels`."""
    if width_of(text) <= pixels:
        return text
    while text and width_of(text + "…") > pixels:
        text = text[:-1]
    return text + "…"


def _em(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in _NARROW:
        return 0.42
    if letter in _BROAD:
        return 0.95
    return 0.72 if letter.isupper() else 0.64
