"""What was held to a reader, as a credential or not: a pass of ours, and nothing else that can be read from paper.

- The code of an identity card is not a credential, whatever it says: only a text that begins as a pass does is looked at.
- A pass counts for a short window around its signing, by a clock that is confirmed. By any other clock it counts only as the answer to the
  challenge the kiosk shows now: an old photo of a pass must not be worth something because a clock is wrong.
- A card's 128 random bits are a token of ours; any other number on a card is a kind of its own, which few doors take (ADR 70).
- A genuine pass that is too old, or answers nothing, is a flaw; one that is not genuine is no credential, and counts as an attempt.

Example: ``presented_by(capture.payload, keyring=ring, moment=moment, challenge=482913, side="entry")``
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from edge_agent.door.deciding import Moment, Presented, Side
from edge_agent.osdp.words import Lamp
from residence.doors.cards import CardNumber
from residence.doors.words import AccessEvent
from residence.errors import LuutruError
from residence.wire.door_pass import DoorPass, is_pass, parse_pass
from residence.wire.keyring import Keyring

LASTS: Final = timedelta(seconds=45)  # the page draws a new one every twenty seconds
AHEAD: Final = timedelta(seconds=15)  # between two clocks that are both confirmed
WAITS: Final = frozenset({AccessEvent.VERIFICATION_REQUIRED, AccessEvent.AUTHORIZATION_DELAYED})


def looks_like_pass(payload: bytes) -> bool:
    """Tell whether a capture is for the door and not for the dialogue."""
    return is_pass(payload[:8].decode("ascii", errors="replace"))


def presented_by(
    payload: bytes, *, keyring: Keyring, moment: Moment, challenge: int = 0, side: Side = "entry"
) -> Presented | None:
    """Return the credential a capture carries, or None when it carries none."""
    try:
        found = parse_pass(payload.decode("ascii"), keyring=keyring)
    except (UnicodeDecodeError, LuutruError):
        return None
    return Presented(token=found.token, kind="pass", side=side, flaw=_flaw(found, moment, challenge))


def presented_card(card: CardNumber, *, side: Side = "entry") -> Presented:
    """Return the credential a card is."""
    return Presented(token=card.token, kind="nfc" if card.is_token else "card", side=side)


def lamp_of(said: AccessEvent) -> Lamp:
    """Return what a reader shows of a decision: open, one step more, or no, and never why."""
    return "granted" if said is AccessEvent.GRANTED else "wait" if said in WAITS else "denied"


def _flaw(found: DoorPass, moment: Moment, challenge: int) -> AccessEvent | None:
    if challenge and found.challenge == challenge:
        return None
    if moment.time_state != "synced":
        return AccessEvent.DENIED_AUTHENTICATION_FACTOR_ERROR
    age = moment.wall - found.signed_at
    return None if -AHEAD <= age <= LASTS else AccessEvent.DENIED_AUTHENTICATION_FACTOR_TIMEOUT
