"""How a receipt is looked up later: which code the screen shows, and what its QR code says.

- The QR code is the address where the code is looked up, or the code itself where a profile names no address.
- A code is no secret and says nothing about anybody; nothing else is ever put into the QR code.

>>> look_up_text("https://example.org/receipts", "RD7D-QQWQ-DW4X")
'https://example.org/receipts?code=RD7D-QQWQ-DW4X'
"""

from __future__ import annotations

from urllib.parse import quote

from edge_agent.kiosk.states import PartyResult, Result, Screen


def code_on(screen: Screen, entry: str) -> str:
    """Return the receipt code a screen shows, of a group that of the entry with this number; empty when there is none."""
    match screen:
        case Result(code=code):
            return code
        case PartyResult(entries=entries) if entry.isascii() and entry.isdigit() and int(entry) < len(entries):
            return entries[int(entry)].code
        case _:
            return ""


def look_up_text(url: str | None, code: str) -> str:
    """Return what the QR code says: where to look the code up, or the code itself."""
    if not url:
        return code
    if "{code}" in url:
        return url.replace("{code}", quote(code))
    return f"{url}{quote(code)}" if url.endswith(("=", "/")) else f"{url}?code={quote(code)}"
