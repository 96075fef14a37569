"""What a template may see of a result: where each declaration is, in words, and nothing about anybody.

- A receipt is shown only as what it says: kept, sent, received, accepted, refused, conflicting; with the words for "and now?".
- Whoever has no papers gets the same receipt under the name of a case number, and words that say what it is good for.
- Of a group every declaration has its own line, code and QR; one that failed stands among the others with its reason.

Example: ``result_of(Result(declaration_id="x", statement="stay", code="RD7D-QQWQ-DW4X"), texts, health, profile)["title"]``
"""

from __future__ import annotations

from typing import Any, Final

from edge_agent.kiosk.gathering import is_keeping
from edge_agent.kiosk.states import Entry, PartyResult, Result, Standing
from edge_agent.kiosk.texts import Texts
from edge_agent.kiosk.view import Health
from edge_agent.kiosk.way_in import is_told_why_not, may_open
from firmware_config.profiles import KioskProfile
from residence.clock import parse_instant

_TONE: Final[dict[Standing, str]] = {
    "kept": "kept",
    "sent": "kept",
    "received": "kept",
    "accepted": "good",
    "refused": "bad",
    "conflicting": "attention",
}
_SAYS_WHY: Final = frozenset({"refused", "conflicting"})


def result_of(screen: Result, texts: Texts, health: Health, profile: KioskProfile) -> dict[str, Any]:
    """Return what the result of one declaration shows."""
    standing = screen.standing
    late = screen.due is not None and screen.on_time is False
    return {
        "statement": screen.statement,
        "standing": standing,
        "tone": _TONE[standing],
        "title": texts(f"result.{standing}"),
        "text": texts(said_key(screen, online=health.online)),
        "late": texts("result.late", due=texts.clock(parse_instant(screen.due))) if late and screen.due else "",
        "findings": [texts.about_code(code) for code in screen.findings] if standing in _SAYS_WHY else [],
        "code": screen.code,
        "host": screen.host or "",
        "my_page": may_open(screen, profile),
        "page_elsewhere": is_told_why_not(screen, profile),
        "how": texts("result.check_url" if profile.page.check_url else "result.check"),
        "track": _track(standing),
        **_slip(screen.slip, texts),
    }


def said_key(screen: Result, *, online: bool) -> str:
    """Return the key of the words for what has happened: of a change, what is so now."""
    if screen.standing == "kept":
        return "result.kept_online" if online else "result.kept_offline"
    if screen.standing == "accepted" and screen.change:
        return f"result.accepted_{screen.change}"
    return f"result.{screen.standing}_text"


def _track(standing: Standing) -> list[tuple[str, str]]:
    """Return the three stations and how each is: done, waiting or failed."""
    received = standing in {"received", "accepted", "refused", "conflicting"}
    settled = {"accepted": "done", "refused": "failed", "conflicting": "attention"}.get(standing, "waiting")
    return [("kept", "done"), ("received", "done" if received else "waiting"), ("settled", settled)]


def _slip(slip: str, texts: Texts) -> dict[str, str]:
    """Return what is said of the slip; a code is the trouble's."""
    if not slip:
        return {"slip": "", "slip_said": ""}
    return {"slip": slip, "slip_said": texts.about_code(slip) if "." in slip else texts(f"slip.{slip}")}


def party_of(screen: PartyResult, texts: Texts, profile: KioskProfile) -> dict[str, Any]:
    """Return what the result of a group shows."""
    outcome = outcome_of(screen)
    return {
        "keeping": outcome == "keeping",
        "tone": {"some": "bad", "refused": "bad", "accepted": "good"}.get(outcome, "kept"),
        "title": texts(f"party.{outcome}"),
        "text": "" if outcome == "keeping" else texts(f"party.{outcome}_text"),
        "how": texts("result.check_url" if profile.page.check_url else "result.check"),
        **_slip(screen.slip, texts),
        "entries": [_entry(each, number, texts) for number, each in enumerate(screen.entries, start=1)],
    }


def outcome_of(screen: PartyResult) -> str:
    """Return what is said of a group as a whole: what went wrong with somebody comes first."""
    if is_keeping(screen):
        return "keeping"
    if any(each.failed for each in screen.entries):
        return "some"
    standings = {each.standing for each in screen.entries}
    return "refused" if "refused" in standings else "accepted" if standings == {"accepted"} else "all"


def _entry(entry: Entry, number: int, texts: Texts) -> dict[str, Any]:
    standing = entry.standing
    word = texts("party.failed") if entry.failed else texts(f"result.{standing}") if standing else texts("party.keeping")
    why = [texts.about_code(entry.failed)] if entry.failed else []
    if standing in _SAYS_WHY:
        why = [texts.about_code(code) for code in entry.findings]
    return {
        "who": texts("party.person", number=number),
        "word": word,
        "tone": "bad" if entry.failed else _TONE[standing] if standing else "kept",
        "code": entry.code,
        "why": why,
    }
