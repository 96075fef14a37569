"""A kiosk's sign of life: what it says of itself to operators, and to the broker as its will. No person is in it.

Example: ``life_sign(outbox, line, session=3, online=True, at=clock.now(), readers={"camera": "ok"})``
"""

from __future__ import annotations

from datetime import datetime

from edge_agent.line import Line
from edge_agent.outbox import Outbox
from residence.clock import rfc3339
from residence.wire.state import KioskState, encode_state


def life_sign(
    outbox: Outbox, line: Line, *, session: int, online: bool, at: datetime, readers: dict[str, str], call: str = ""
) -> bytes:
    """Return the state message."""
    return encode_state(
        KioskState(
            kiosk_id=line.kiosk_id,
            session=session,
            online=online,
            at=rfc3339(at),
            outbox_depth=outbox.depth(),
            oldest_unsent_at=outbox.oldest_unsent_at(),
            time_state=outbox.time_state(),
            readers=readers,
            version=line.version,
            boot_id=line.boot_id,
            keyring_serial=outbox.anchor.keyring.serial,
            call=call,
        )
    )
