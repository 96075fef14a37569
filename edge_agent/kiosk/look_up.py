"""How a receipt is looked up later: which code the screen shows, and what its QR code says.

- The QR code is the address where the code is looked up, or the code itself where a profile names no address.
- A receipt's code is no secret and says nothing about anybody. What a screen shows for a phone (``way_in.py``) names nobody either, and is one.

>>> look_up_text("https://example.org/receipts", "RD7D-QQWQ-DW4X")
'https://example.org/receipts?code=RD7D-QQWQ-DW4X'
"""

from __future__ import annotations

from urllib.parse import quote

from edge_agent.kiosk.states import PartyResult, Result, Screen, WayIn
from edge_agent.kiosk.way_in import address_of
from firmware_config.profiles import KioskProfile


def code_on(screen: Screen, entry: str) -> str:
    """Return the receipt code a screen shows, of a group that of the entry with this number; empty when there is none."""
    match screen:
        case Result(code=code):
            return code
        case PartyResult(entries=entries) if entry.isascii() and entry.isdigit() and int(entry) < len(entries):
            return entries[int(entry)].code
        case _:
            return ""


def said_by_code(screen: Screen, entry: str, profile: KioskProfile) -> str:
    """Return what the QR code on a screen says: where its receipt is looked up, or where a phone opens one's own page; empty when there is none."""
    if isinstance(screen, WayIn):
        return address_of(screen, profile)
    code = code_on(screen, entry)
    return look_up_text(profile.page.check_url, code) if code else ""


def look_up_text(url: str | None, code: str) -> str:
    """Return what the QR code says: where to look the code up, or the code itself."""
    if not url:
        return code
    if "{code}" in url:
        return url.replace("{code}", quote(code))
    return f"{url}{quote(code)}" if url.endswith(("=", "/")) else f"{url}?code={quote(code)}"
