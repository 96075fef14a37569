"""The scoreboard as a picture: one SVG, a line for each measure with its interval, by day, on a scale from 0 to 100 in 100.

- A day that was not counted is a gap, not a nought; a hidden cell is no point. The interval is a band behind its line.
- Each line ends in its name and figure, so the picture is readable without colours, and it has a text for who cannot see it.

Example: ``Path("demo-01.svg").write_text(draw(cells, commune_code="demo-01"))``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

from residence.cleaning.scoreboard import MEASURES, Cell
from residence.cleaning.shares import Share, share_of

WIDTH, HEIGHT, LEFT, TOP, GAP = 360, 110, 46, 44, 44
TITLES: Final = {
    "correct": "đúng – correct",
    "complete": "đủ – complete",
    "clean": "sạch – clean",
    "alive": "sống – alive",
    "card": "thẻ – seen with a card",
    "chip": "chip – verified by chip",
    "e_id": "định danh điện tử – signed in with an e-ID",
}
_STYLE: Final = "text{font:12px sans-serif;fill:#222}.a{stroke:#888;fill:none}.b{fill:#0b3b5c;opacity:.15}.l{fill:none;stroke:#0b3b5c;stroke-width:2}"
Point = tuple[float, Share]


def draw(cells: Sequence[Cell], *, commune_code: str) -> str:
    """Return the picture of one commune."""
    own = [each for each in cells if each.commune_code == commune_code and not each.hidden and each.whole]
    days = sorted({each.day for each in own})
    height = TOP + len(MEASURES) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" role="img">',
        f"<title>{escape(commune_code)}</title><desc>{escape(_described(own, days))}</desc><style>{_STYLE}</style>",
        f'<rect width="{LEFT + WIDTH + 20}" height="{height}" fill="#fff"/>',
    ]
    for row, measure in enumerate(MEASURES):
        theirs = {each.day: share_of(each.part, each.whole) for each in own if each.measure == measure}
        parts += _panel(theirs, days, title=TITLES[measure], top=TOP + row * (HEIGHT + GAP))
    return "\n".join((*parts, "</svg>\n"))


def _panel(shares: dict[str, Share], days: Sequence[str], *, title: str, top: int) -> list[str]:
    bottom = top + HEIGHT
    last = shares[max(shares)] if shares else None
    parts = [
        f'<text x="{LEFT}" y="{top - 8}">{title}{f": {_percent(last)}" if last else ""}</text>',
        f'<path class="a" d="M{LEFT} {top}V{bottom}H{LEFT + WIDTH}"/>',
        f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">100</text><text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
    ]
    if days:
        parts.append(f'<text x="{LEFT}" y="{bottom + 16}">{days[0]}</text>')
        parts.append(f'<text x="{LEFT + WIDTH}" y="{bottom + 16}" text-anchor="end">{days[-1]}</text>')
    for run in _runs(shares, days):
        above = [(x, bottom - HEIGHT * each.high) for x, each in run]
        below = [(x, bottom - HEIGHT * each.low) for x, each in reversed(run)]
        line = [(x, bottom - HEIGHT * (each.share or 0)) for x, each in run]
        parts.append(f'<polygon class="b" points="{_points([*above, *below])}"/>')
        parts.append(f'<polyline class="l" points="{_points(line)}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="#0b3b5c"/>' for x, y in line]
    return parts


def _runs(shares: dict[str, Share], days: Sequence[str]) -> list[list[Point]]:
    """Return the stretches of days that follow each other, with where each lies."""
    if not days:
        return []
    first = date.fromisoformat(days[0]).toordinal()
    span = max(1, date.fromisoformat(days[-1]).toordinal() - first)
    runs: list[list[Point]] = []
    before = None
    for day in sorted(shares):
        number = date.fromisoformat(day).toordinal()
        if before is None or number - before > 1:
            runs.append([])
        runs[-1].append((LEFT + WIDTH * (number - first) / span, shares[day]))
        before = number
    return runs


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _percent(share: Share) -> str:
    return f"{100 * (share.share or 0):.1f} % ({100 * share.low:.1f}–{100 * share.high:.1f}), {share.part:,} / {share.whole:,}"


def _described(cells: Sequence[Cell], days: Sequence[str]) -> str:
    latest = [each for each in cells if days and each.day == days[-1]]
    return "; ".join(f"{TITLES[each.measure]} {_percent(share_of(each.part, each.whole))}" for each in latest)
