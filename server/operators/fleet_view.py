"""What an operator asked to see of a fleet, as the page's address says it: filters, by site or by kiosk, a page at a time.

- Everything asked stands in the address: it can be kept, sent to a colleague, and the page asks itself anew with it. No script is needed.
- Worst first: kiosks that withhold numbers, then those that hear no card, then lost, then those that need a hand; then the muted; whoever is taken
  out of service comes last.
- A site is one line: how many kiosks and how they are. A fleet longer than a page is shown by site, unless somebody asks for kiosks.
- A word nobody offers is refused, a page past the last is the last.

Example: ``view_of(fleet, read_asked({"state": "lost", "site": "htl-sao-mai"})).kiosks``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from residence.errors import Malformed
from residence.wire.state import CONFIGURATION
from server.operators.fleet import Seen, dark_sites

ON_A_PAGE: Final = 50
STATES: Final = ("lost", "degraded", "deaf", "withheld", "muted", "ok", "retired")
WAYS: Final = ("site", "kiosk")
LONGEST: Final = 64  # characters of what is asked for


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; an empty word asks for all."""

    site: str = ""
    state: str = ""
    release: str = ""  # a kiosk's program, or its signed settings
    text: str = ""  # a part of a kiosk's id
    by: str = ""
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Tell whether not all are asked for."""
        return bool(self.site or self.state or self.release or self.text)

    def query(self, **changes: str | int) -> str:
        """Return the address' part after the question mark; whatever changes begins at the first page."""
        fields: dict[str, str | int] = msgspec.structs.asdict(self) | ({"page": 1} if changes else {}) | changes
        return urlencode({name: value for name, value in fields.items() if value not in {"", 1}})


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site: its kiosks by state, and whether all that were ever heard of are lost."""

    site: str
    kiosks: int
    states: Mapping[str, int]
    deaf: int = 0
    withheld: int = 0
    dark: bool = False


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One page of what was asked for: sites or kiosks. ``found`` kiosks fit, on ``pages`` pages."""

    asked: Asked
    by: str
    found: int
    page: int
    pages: int
    sites: Sequence[Site] = ()
    kiosks: Sequence[Seen] = ()


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What can be asked for in this fleet."""

    sites: Sequence[str]
    releases: Sequence[str]
    states: Sequence[str] = STATES


def read_asked(written: Mapping[str, str]) -> Asked:
    """Read an address' words; raises ``Malformed`` for a state, way or page nobody offers."""
    page = written.get("page") or "1"
    if not (page.isascii() and page.isdigit() and len(page) <= 6):  # noqa: PLR2004 - more pages than any country's kiosks
        raise Malformed("server.input_unreadable", "/page")
    for name, offered in (("state", STATES), ("by", WAYS)):
        if written.get(name, "") not in {"", *offered}:
            raise Malformed("server.input_unreadable", f"/{name}")
    words = {name: written.get(name, "").strip() for name in ("site", "state", "release", "text", "by")}
    for name, word in words.items():
        if len(word) > LONGEST:
            raise Malformed("server.input_unreadable", f"/{name}")
    return Asked(**words, page=max(1, int(page)))


def view_of(fleet: Iterable[Seen], asked: Asked) -> View:
    """Return the page asked for, worst first."""
    found = sorted((each for each in fleet if _fits(each, asked)), key=_worst)
    by = asked.by or ("site" if len(found) > ON_A_PAGE and not asked.filtered else "kiosk")
    sites = sites_of(found) if by == "site" else ()
    lines = len(sites) if by == "site" else len(found)
    pages = max(1, -(-lines // ON_A_PAGE))
    page = min(asked.page, pages)
    here = slice((page - 1) * ON_A_PAGE, page * ON_A_PAGE)
    if by == "site":
        return View(asked=asked, by=by, found=len(found), page=page, pages=pages, sites=sites[here])
    return View(asked=asked, by=by, found=len(found), page=page, pages=pages, kiosks=found[here])


def sites_of(fleet: Iterable[Seen]) -> list[Site]:
    """Return one line for each site, worst first."""
    kiosks = list(fleet)
    dark = dark_sites(kiosks)
    states: dict[str, Counter[str]] = {}
    deaf = Counter(each.kiosk.premises_id for each in kiosks if each.deaf)
    withheld = Counter(each.kiosk.premises_id for each in kiosks if each.withholds)
    for each in kiosks:
        states.setdefault(each.kiosk.premises_id, Counter())[state_of(each)] += 1
    found = [
        Site(site=site, kiosks=count.total(), states=count, deaf=deaf[site], withheld=withheld[site], dark=site in dark)
        for site, count in states.items()
    ]
    return sorted(
        found,
        key=lambda each: (not each.dark, -each.withheld, -each.deaf, -each.states["lost"], -each.states["degraded"], each.site),
    )


def state_of(each: Seen) -> str:
    """Return a kiosk's state on a list: that of its health, ``muted``, or ``retired``."""
    if not each.in_service:
        return "retired"
    return each.health.state if each.mute is None else "muted"


def offered_by(fleet: Iterable[Seen]) -> Offered:
    """Return which sites and releases there are to ask for."""
    kiosks = list(fleet)
    releases = {release for each in kiosks for release in _releases(each)}
    return Offered(sites=sorted({each.kiosk.premises_id for each in kiosks}), releases=sorted(releases))


def _fits(each: Seen, asked: Asked) -> bool:
    if asked.site and asked.site != each.kiosk.premises_id:
        return False
    if (
        asked.state
        and asked.state != state_of(each)
        and not ((asked.state == "deaf" and each.deaf) or (asked.state == "withheld" and each.withholds))
    ):
        return False
    if asked.release and asked.release not in _releases(each):
        return False
    return asked.text.casefold() in each.kiosk.kiosk_id.casefold()


def _releases(each: Seen) -> set[str]:
    state, _, said = (each.kiosk.readers or {}).get(CONFIGURATION, "").partition(":")
    return {each.kiosk.version or "", said.rpartition("-")[0] if state == "ok" else ""} - {""}


def _worst(each: Seen) -> tuple[bool, bool, bool, int, str]:
    ranks = {"lost": 0, "degraded": 1, "muted": 2, "ok": 3, "retired": 4}
    return (not each.in_service, not each.withholds, not each.deaf, ranks[state_of(each)], each.kiosk.kiosk_id)
