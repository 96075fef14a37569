"""What every page of the desk shows of unfinished work, and how it takes the next card: ``desk/waits.html`` and its scripts.

- The key of what the browser keeps, for whoever may declare; cards the desk's kiosk read.
- A page that shows it hears a scanner, too (``static/desk_scan.js``).

Example: ``render(request, "desk/stay.html", caller=caller, place=place, **waits(server, account, place.here))``
"""

from __future__ import annotations

from typing import Any

from residence.places.premises import Premises
from server.desk.kept_forms import queue_key
from server.desk.shown_cards import waiting_cards
from server.policy import Account
from server.wiring import Server


def waits(server: Server, account: Account, premises: Premises) -> dict[str, Any]:
    """Return the values of the part."""
    return {"queue_key": queue_key(server, account), "waiting": waiting_cards(server, premises)}
