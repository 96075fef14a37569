"""The way to one's own page from the kiosk's result: asked for with one press, shown as a code for a phone, gone with the screen.

- Offered when the registry has accepted an arrival whose chip was worth enough, where the profile names the page. Nothing is signed unasked: a code
  nobody wanted would stand there for whoever comes next.
- Whose chip was read but could be a copy (level 4 where 5 is asked) is told so, and where else a way in is given: never a button that fails.
- The ticket lives in its screen and nowhere else. Each press makes a new one; the authority lets one of them open the page, once.
- The time-out is that of every screen.

Example: ``from_result(screen, WayInWanted(), profile)`` asks for a ticket when ``may_open(screen, profile)``
"""

from __future__ import annotations

from edge_agent.kiosk.chip_states import ChipWorth
from edge_agent.kiosk.effects import Effect, SignTicket
from edge_agent.kiosk.events import Event, WayInWanted, WentBack
from edge_agent.kiosk.news import TicketMade
from edge_agent.kiosk.states import Result, Screen, WayIn
from firmware_config.profiles import KioskProfile
from residence.credentials.evidence import Evidence


def worth_of(evidence: Evidence, profile: KioskProfile) -> ChipWorth:
    """Return whether what a chip showed here may open a page; the authority judges it again by its own rule."""
    if evidence.chip is None:
        return ""
    return "enough" if evidence.level >= profile.page.way_in_level else "short"


def may_open(screen: Result, profile: KioskProfile) -> bool:
    """Tell whether the person may be offered their page."""
    return bool(profile.page.way_in_url and screen.own_code) and screen.chip == "enough" and screen.standing == "accepted"


def is_told_why_not(screen: Result, profile: KioskProfile) -> bool:
    """Tell whether somebody whose chip was read, and showed too little, is told so, and of another way."""
    return bool(profile.page.way_in_url) and screen.chip == "short" and screen.standing == "accepted"


def from_result(screen: Result, event: Event, profile: KioskProfile) -> tuple[Screen, tuple[Effect, ...]]:
    """Ask for a ticket, and show it once it is made."""
    match event:
        case WayInWanted() if may_open(screen, profile):
            return screen, (SignTicket(declaration_id=screen.declaration_id, own_code=screen.own_code),)
        case TicketMade(declaration_id=about, text=text) if text and about == screen.declaration_id:
            return WayIn(result=screen, text=text), ()
        case _:
            return screen, ()


def from_way_in(screen: WayIn, event: Event) -> tuple[Screen, tuple[Effect, ...]]:
    """Show it until the person goes on."""
    return (screen.result if isinstance(event, WentBack) else screen), ()


def address_of(screen: WayIn, profile: KioskProfile) -> str:
    """Return what the code for the phone says; what stands behind the ``#`` is sent to nobody by itself."""
    return f"{profile.page.way_in_url}#{screen.text}"
