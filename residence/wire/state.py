"""The retained state messages: what a kiosk and the gateway say about themselves. No person is in them.

- A kiosk publishes ``online=true`` after each connect (birth) and leaves ``online=false`` as its will (death). ``session`` counts
  its connections, so a late death of an old connection is recognised (``is_newer``).
- ``counting`` says by what it is counted: the outbox's epoch, or an id of the process where no number can be kept. Between two countings no number
  is later than another: a birth is believed, and a death is of a life that is over. Who does not say its counting is judged by numbers, but for births.
- The gateway's retained state tells kiosks to hold while nobody takes declarations; unreadable or absent means "go on": the
  outbox loses nothing either way.

>>> is_newer(KioskState(kiosk_id="k", session=2, online=True, at="x"), KioskState(kiosk_id="k", session=1, online=False, at="y"))
True
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

from residence.clock import TimeState
from residence.errors import Malformed

MAX_STATE_BYTES: Final = 4096
DOOR_LINE: Final = "osdp:"  # how the names of a door's own readers begin, which hear passes and no papers
CHIP_TRUST: Final = "chip-trust"  # among the readers of a kiosk that reads chips: how its list of trusted issuers is
CONFIGURATION: Final = (
    "configuration"  # among the readers of a kiosk that is sent its settings: how that goes, and after a colon which or why
)
WORDS: Final = "words"  # among the readers of such a kiosk: the words of its screens, in the same way
DOOR_LIST: Final = "door-list"  # and the list for its doors that is published beside its settings
_State = TypeVar("_State")
# Nobody signs a state, so what it may hold is bounded here: a number or text no table takes would come again with every connection.
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]
Words = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Readers = Annotated[dict[Words, Words], msgspec.Meta(max_length=32)]


class KioskState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A kiosk's last sign of life, as retained on ``.../s``."""

    kiosk_id: Words
    session: Count
    online: bool
    at: Words  # the kiosk's clock, advisory
    outbox_depth: Count = 0
    oldest_unsent_at: Words | None = None
    time_state: TimeState = "unset"
    readers: Readers = {}  # reader name -> ok | degraded | lost, with a code after a colon
    version: Words = ""
    boot_id: Words = ""
    keyring_serial: int = 0  # of the ring it trusts; 0: not said
    trust_version: Count = 0  # of the bundle it judges chips by; 0: none
    call: Words = ""  # number of the call for a person that nobody has seen yet
    path: Words = ""  # how far somebody with a slip asks a path is: a number drawn for the question, a space, the slip's code
    doors: Readers = {}  # door -> its alarm in BACnet's words, and after a colon what the lock is
    disk: Words = ""  # ok | low | full | read-only | lost
    disk_free_mib: Count = 0
    profile: Words = ""  # of which settings the kiosk works by: the first digits of their hash
    read_at: Words | None = None  # when a reader last read anything at all, by the kiosk's clock
    unread: Count = 0  # visits in a row in which a card was asked for and nothing was read
    counting: Words = ""  # by what ``session`` is counted; empty: not said


class GatewayState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a gateway is taking declarations, as retained on ``luutru/1/gateway/state``."""

    online: bool
    at: str
    session: int = 0
    version: str = ""


def encode_state(state: KioskState | GatewayState) -> bytes:
    """Write a state message as JSON."""
    return msgspec.json.encode(state)


def decode_kiosk_state(data: bytes) -> KioskState:
    """Read a kiosk's state, or raise ``Malformed("state.malformed")``."""
    return _decode(data, KioskState)


def decode_gateway_state(data: bytes) -> GatewayState:
    """Read the gateway's state, or raise ``Malformed("state.malformed")``."""
    return _decode(data, GatewayState)


def is_newer(state: KioskState, than: KioskState | None) -> bool:
    """Tell whether ``state`` may replace ``than``: a later session, the same session going on or ending, or a birth counted otherwise."""
    if than is None:
        return True
    if state.counting != than.counting and (state.online or (state.counting and than.counting)):
        return state.online
    return state.session > than.session or (state.session == than.session and (than.online or not state.online))


def _decode(data: bytes, kind: type[_State]) -> _State:
    if len(data) > MAX_STATE_BYTES:
        raise Malformed("state.malformed", "", "too long")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("state.malformed", "", str(error)) from error
