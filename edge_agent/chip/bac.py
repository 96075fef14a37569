"""Basic Access Control (ICAO Doc 9303-11 section 4.3): the older way in, with the key printed in the machine-readable zone.

- The key seed is SHA-1 over document number, birth and expiry, each with its check digit.
- A wrong key shows as a status other than 9000 at EXTERNAL AUTHENTICATE: ``Refused("chip.wrong_key")``; it is never tried again here.
- The card's cryptogram is authenticated before it is opened, and must carry back our own challenge: ``Untrusted("chip.bac")`` otherwise.

Example: ``run_bac(channel, "L898902C<369080619406236", draw)``
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from edge_agent.chip.apdu import Channel, Command
from edge_agent.chip.drawing import Draw
from edge_agent.chip.secure_messaging import SecureMessaging, session_keys
from residence.credentials.chip.suites import TRIPLE_DES
from residence.errors import Refused, Untrusted

_CHALLENGE: Final = 8
_KEY_SHARE: Final = 16
_ANSWER: Final = 40


def run_bac(channel: Channel, mrz_key: str, draw: Draw) -> None:
    """Open the chip with the key of its machine-readable zone; secure messaging is on afterwards."""
    seed = hashlib.sha1(mrz_key.encode("ascii"), usedforsecurity=False).digest()[:16]
    keys = session_keys(TRIPLE_DES, seed)
    theirs = channel.send(Command(ins=0x84, le=_CHALLENGE)).expect("chip.refused")
    if len(theirs) != _CHALLENGE:
        raise Untrusted("chip.bac", "", "challenge")
    ours, share = draw.take(_CHALLENGE), draw.take(_KEY_SHARE)
    sealed = TRIPLE_DES.encrypt(keys.encryption, ours + theirs + share)
    token = sealed + TRIPLE_DES.mac(keys.authentication, sealed)
    answer = channel.send(Command(ins=0x82, data=token, le=_ANSWER))
    if not answer.is_ok:
        raise Refused("chip.wrong_key", "", f"{answer.status:04X}")
    sealed, code = answer.data[:-8], answer.data[-8:]
    if len(answer.data) != _ANSWER or not hmac.compare_digest(TRIPLE_DES.mac(keys.authentication, sealed), code):
        raise Untrusted("chip.bac", "", "MAC")
    opened = TRIPLE_DES.decrypt(keys.encryption, sealed)
    if opened[:8] != theirs or not hmac.compare_digest(opened[8:16], ours):
        raise Untrusted("chip.bac", "", "challenges")
    secret = bytes(a ^ b for a, b in zip(share, opened[16:], strict=True))
    counter = int.from_bytes(theirs[4:] + ours[4:], "big")
    channel.protect_with(SecureMessaging(TRIPLE_DES, session_keys(TRIPLE_DES, secret), counter=counter))
