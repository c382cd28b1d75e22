"""How often independent pairs get a small p-value, as a drawing for docs/."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.bench.tables import bootstrap_error, p_values

# The unit tests, their names in the drawing and their colours (Okabe, Ito 2008).
TESTS: Final = {
    "raw": ("labels, in one basis", "#0072b2"),
    "free": ("labels, in any basis", "#009e73"),
    "twice": ("agreement, no labels", "#d55e00"),
}
WIDTH, HEIGHT = 640, 424
LEFT, RIGHT, TOP, BOTTOM = 72, 616, 48, 372
LEAST_ALPHA, LEAST_SHARE = 1e-3, 1e-4
ALPHAS = np.logspace(-3, 0, 91)


def calibration(answers: list[dict[str, Any]]) -> str:
    """Return an SVG: the share of pairs with p <= alpha against alpha, both log.

    A valid test stays on or below the diagonal. Bands are two standard errors by
    bootstrap over models. A share of nothing lies on the lower edge.
    """
    drawn = [_axes()]
    for name, of in sorted(p_values(answers).items(), key=lambda item: item[0]):
        p = np.array(list(of.values()))
        shares = np.array([np.mean(p <= alpha) for alpha in ALPHAS])
        errors = np.array(
            [bootstrap_error(list(of), p <= alpha) for alpha in ALPHAS[::5]]
        )
        drawn.append(_curve(name, shares, np.interp(ALPHAS, ALPHAS[::5], errors)))
    drawn.append(_legend(p_values(answers)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'role="img" font-family="sans-serif" font-size="13">'
        "<title>Share of independent pairs with a p-value of at most alpha</title>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        + "".join(drawn)
        + "</svg>\n"
    )


def _x(alpha: float) -> float:
    share = math.log(alpha / LEAST_ALPHA) / -math.log(LEAST_ALPHA)
    return round(LEFT + (RIGHT - LEFT) * share, 1)


def _y(value: float) -> float:
    share = math.log(max(value, LEAST_SHARE) / LEAST_SHARE) / -math.log(LEAST_SHARE)
    return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def _axes() -> str:
    lines = []
    for alpha in (1e-3, 1e-2, 1e-1, 1.0):
        at = _x(alpha)
        lines.append(f'<path d="M{at} {TOP}V{BOTTOM}" stroke="#ddd"/>')
        lines.append(_text(at, BOTTOM + 18, f"{alpha:g}", "middle"))
    for value in (1e-4, 1e-3, 1e-2, 1e-1, 1.0):
        at = _y(value)
        lines.append(f'<path d="M{LEFT} {at}H{RIGHT}" stroke="#ddd"/>')
        shown = "none" if value == LEAST_SHARE else f"{value:g}"
        lines.append(_text(LEFT - 8, at + 4, shown, "end"))
    diagonal = f"M{_x(1e-3)} {_y(1e-3)}L{_x(1)} {_y(1)}"
    lines.append(f'<path d="{diagonal}" stroke="#555" stroke-dasharray="5 4"/>')
    lines.append(_text((LEFT + RIGHT) / 2, BOTTOM + 38, "alpha", "middle"))
    lines.append(_text(LEFT, TOP - 14, "share of independent pairs with p ≤ alpha"))
    lines.append(_text(_x(0.0095), _y(0.02), "as many as alpha allows", "end"))
    return "".join(lines)


def _curve(name: str, shares: NDArray[np.float64], errors: NDArray[np.float64]) -> str:
    _, colour = TESTS[name]
    upper = [_at(a, s + 2 * e) for a, s, e in zip(ALPHAS, shares, errors, strict=True)]
    lower = [_at(a, s - 2 * e) for a, s, e in zip(ALPHAS, shares, errors, strict=True)]
    line = [_at(a, s) for a, s in zip(ALPHAS, shares, strict=True)]
    band = "L".join(upper + lower[::-1])
    return (
        f'<path d="M{band}Z" fill="{colour}" fill-opacity=".15"/>'
        f'<path d="M{"L".join(line)}" fill="none" stroke="{colour}" stroke-width="2"/>'
    )


def _at(alpha: float, share: float) -> str:
    return f"{_x(alpha)} {_y(min(1.0, share))}"


def _legend(found: dict[str, dict[tuple[str, str], float]]) -> str:
    drawn = []
    for i, name in enumerate(sorted(found)):
        text, colour = TESTS[name]
        at = TOP + 16 + 20 * i
        drawn.append(f'<path d="M{LEFT + 12} {at}h18" stroke="{colour}" ')
        drawn.append('stroke-width="3"/>')
        label = f"{text} ({len(found[name]):,} pairs)"
        drawn.append(_text(LEFT + 38, at + 4, label))
    return "".join(drawn)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" fill="#333" text-anchor="{anchor}">{text}</text>'
