"""What a printed slip says: codes, what their QR codes say, and where each declaration is. Nothing about anybody.

- Only what has been kept is on a slip, for nothing may be printed that is not durable; a member that failed has none.
- An arrival's slip also has the code that opens the page of the stay, where the profile names that page; it is on no screen.
- It says how things stood when it was printed, with the place in the public log once a receipt promised one; the code tells the rest later.

Example: ``slip_for(state, profile=profile, now=now).entries[0].code``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from edge_agent.kiosk.look_up import look_up_text
from edge_agent.kiosk.states import PartyResult, Result, Standing, State
from firmware_config.profiles import KioskProfile, Language


@dataclass(frozen=True, kw_only=True, slots=True)
class SlipEntry:
    """One declaration on a slip. ``about`` is what its QR code says."""

    code: str
    about: str
    standing: Standing
    log: str = ""  # the place in the public log, once a receipt promised one
    own_code: str = field(default="", repr=False)  # opens the page of this stay (ADR 120); on paper alone
    own_about: str = field(default="", repr=False)  # what the QR code of it says


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """One slip."""

    language: Language
    place: str
    at: datetime
    entries: tuple[SlipEntry, ...]
    case: bool = False  # of a person without papers: the code is called a case number
    check_url: str = ""
    stay_url: str = ""


def slip_for(state: State, *, profile: KioskProfile, now: datetime) -> Slip | None:
    """Return the slip of the result on the screen, None when there is none."""
    kept: tuple[tuple[str, Standing, str, str], ...]
    match state.screen:
        case Result(code=code, standing=standing, own_code=own, log=log):
            kept = ((code, standing, own, log),)
        case PartyResult(entries=entries):
            kept = tuple((each.code, each.standing, each.own_code, each.log) for each in entries if each.code and each.standing)
        case _:
            return None
    url, page = profile.page.check_url, profile.page.stay_url
    return Slip(
        language=state.language,
        place=profile.premises.name,
        at=now,
        entries=tuple(
            SlipEntry(
                code=code,
                about=look_up_text(url, code),
                standing=standing,
                log=log,
                own_code=own if page else "",
                own_about=f"{page}#{code}.{own}" if page and own else "",
            )
            for code, standing, own, log in kept
        ),
        case=isinstance(state.screen, Result) and state.screen.statement == "paperless",
        check_url=url or "",
        stay_url=page or "",
    )
