"""A kiosk's sign of life: what it says of itself to operators, and to the broker as its will. No person is in it.

Example: ``life_sign(outbox, line, session=Session(number=3), online=True, vitals=Vitals(readers={"camera": "ok"}))``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.line import Line
from edge_agent.outbox import Outbox
from edge_agent.session_count import Session
from edge_agent.vitals import Vitals
from residence.clock import rfc3339
from residence.wire.state import CHIP_TRUST, KioskState, encode_state

if TYPE_CHECKING:
    from edge_agent.trust_papers import TrustPapers  # brings curves, which only a kiosk with chips needs


def life_sign(
    outbox: Outbox,
    line: Line,
    *,
    session: Session,
    online: bool,
    vitals: Vitals,
    trust: TrustPapers | None = None,
    asks: tuple[str, str] = ("", ""),
) -> bytes:
    """Return the state message, with what is asked: a call, a question; whom it trusts about chips stands among the readers, for that is what operators look at."""
    at = outbox.clock.now()
    readers = vitals.readers if trust is None else vitals.readers | {CHIP_TRUST: trust.health(at)}
    return encode_state(
        KioskState(
            kiosk_id=line.kiosk_id,
            session=session.number,
            counting=session.counting,
            online=online,
            at=rfc3339(at),
            outbox_depth=outbox.depth(),
            oldest_unsent_at=outbox.oldest_unsent_at(),
            time_state=outbox.time_state(),
            readers=readers,
            version=line.version,
            boot_id=line.boot_id,
            keyring_serial=outbox.anchor.keyring.serial,
            trust_version=trust.store.version if trust is not None else 0,
            call=asks[0],
            path=asks[1],
            doors=vitals.doors,
            disk=vitals.disk.state,
            disk_free_mib=vitals.disk.free_mib,
            profile=vitals.profile,
            read_at=vitals.read_at,
            unread=vitals.unread,
        )
    )
