"""The register's growth as one SVG: a panel for each measure over the sizes, written by hand because it needs nothing else.

- Sizes stand at equal distances and are written out; heights begin at zero. Every point carries its number.

Example: ``Path("register.svg").write_text(draw(points))``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from luutru.benchmarks.register_scale import Point

WIDTH, HEIGHT, LEFT, TOP, GAP = 340, 150, 20, 60, 60
MEASURES: Final = {
    "lookup_p50_ms": "point look-up, p50, ms",
    "lookup_p99_ms": "point look-up, p99, ms",
    "undeclared_commune_seconds": "tonight's undeclared of a commune, s",
    "gib": "on disk, GiB",
}
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#222}.a{stroke:#888;fill:none}.l{fill:none;stroke:#0b5;stroke-width:2}.p{fill:#0b5}"
)


def draw(points: Sequence[Point]) -> str:
    """Return the picture."""
    own = sorted(points, key=lambda each: each.persons)
    width, height = LEFT * 2 + WIDTH, TOP + len(MEASURES) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>How the register grows</title><desc>{escape(_described(own))}</desc><style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="{TOP - 30}" font-weight="bold">persons in the register</text>',
    ]
    for row, measure in enumerate(MEASURES):
        parts += _panel(own, measure, top=TOP + row * (HEIGHT + GAP))
    return "\n".join((*parts, "</svg>\n"))


def _panel(points: Sequence[Point], measure: str, *, top: int) -> list[str]:
    bottom, step = top + HEIGHT, WIDTH / len(points)
    most = max(getattr(each, measure) for each in points) or 1
    places = [(LEFT + step * (n + 0.5), bottom - HEIGHT * 0.85 * getattr(each, measure) / most) for n, each in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        f'<text x="{LEFT}" y="{top - 8}">{MEASURES[measure]}</text>',
        f'<path class="a" d="M{LEFT} {top}V{bottom}H{LEFT + WIDTH}"/>',
        f'<polyline class="l" points="{line}"/>',
    ]
    for (x, y), each in zip(places, points, strict=True):
        parts += [
            f'<circle class="p" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{getattr(each, measure):.3g}</text>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{each.persons:,}</text>',
        ]
    return parts


def _described(points: Sequence[Point]) -> str:
    return "; ".join(
        f"{each.persons:,} persons: look-up p99 {each.lookup_p99_ms:g} ms, a commune's night {each.undeclared_commune_seconds:g} s"
        for each in points
    )
