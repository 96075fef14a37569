"""Growth as a picture: one SVG, a row for each measure, a column for each axis, written by hand because it needs nothing else.

- Values of an axis stand at equal distances and are written out; heights begin at zero, so that a slope means what it seems to.
- Every point carries its number; the picture is readable without its colours and has a text for who cannot see it.

Example: ``Path("growth.svg").write_text(draw(points))``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from luutru.benchmarks.gateway_growth import MEASURES, Axis, Point

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 150, 70, 60, 50
AXES: Final[tuple[Axis, ...]] = ("persons", "batch", "kiosks")
TITLES: Final = {
    "per_second_per_core": "accepted per second of CPU",
    "p99_ms": "p99, ms, steady offer",
    "rss_mib": "memory, MiB",
    "persons": "persons in the registry",
    "batch": "messages in a batch",
    "kiosks": "kiosks",
}
_STYLE: Final = "text{font:12px sans-serif;fill:#222}.a{stroke:#888}.l{fill:none;stroke:#0b5;stroke-width:2}.p{fill:#0b5}"


def draw(points: Sequence[Point]) -> str:
    """Return the picture."""
    width = LEFT + len(AXES) * (WIDTH + GAP)
    height = TOP + len(MEASURES) * (HEIGHT + GAP) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>How the gateway grows</title><desc>{escape(_described(points))}</desc><style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for column, axis in enumerate(AXES):
        own = sorted((each for each in points if each.axis == axis), key=lambda each: each.value)
        left = LEFT + column * (WIDTH + GAP)
        parts.append(f'<text x="{left}" y="{TOP - 30}" font-weight="bold">{TITLES[axis]}</text>')
        for row, measure in enumerate(MEASURES):
            parts += _panel(own, measure, left=left, top=TOP + row * (HEIGHT + GAP))
    return "\n".join((*parts, "</svg>\n"))


def _panel(points: Sequence[Point], measure: str, *, left: int, top: int) -> list[str]:
    bottom = top + HEIGHT
    most = max((getattr(each, measure) for each in points), default=0) or 1
    step = WIDTH / max(len(points), 1)
    places = [(left + step * (n + 0.5), bottom - HEIGHT * 0.85 * getattr(each, measure) / most) for n, each in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        f'<text x="{left}" y="{top - 8}">{TITLES[measure]}</text>',
        f'<path class="a" d="M{left} {top}V{bottom}H{left + WIDTH}" fill="none"/>',
        f'<polyline class="l" points="{line}"/>',
    ]
    for (x, y), each in zip(places, points, strict=True):
        parts += [
            f'<circle class="p" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{_short(getattr(each, measure))}</text>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{each.value:,}</text>',
        ]
    return parts


def _described(points: Sequence[Point]) -> str:
    return "; ".join(
        f"{each.value:,} {each.axis}: {each.per_second_per_core:,.0f} per second, p99 {each.p99_ms:g} ms, {each.rss_mib:g} MiB"
        for each in points
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
