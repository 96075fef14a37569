"""Webhooks in a thread of their own beside the intake: an address that does not answer holds up neither messages nor the night's work.

- Any gateway may do it, several at once: each message is taken by one.
- While nobody has a subscription it costs one look at an index; what speaks HTTP is loaded with the first.

Example: ``with build_telling(Reach(), registry=registry, clock=clock, stopping=stopping).running(): worker.run(stopping)``
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from gateway.beside import Beside
from gateway.worker import Duty
from luutru.system import random_bytes
from registry.database import Registry
from registry.webhook_deliveries import any_told
from residence.clock import Clock
from residence.wire.webhook_reach import Reach

if TYPE_CHECKING:
    from gateway.webhook_line import Post
    from gateway.webhooks import Told

TELL_EVERY: Final = timedelta(seconds=2)


def build_telling(
    reach: Reach, *, registry: Registry, clock: Clock, stopping: threading.Event, stamped_by: Clock | None = None
) -> Beside:
    """Put together what tells programs. ``stamped_by``: the clock receivers go by, where it is not the registry's."""
    held: list[Post] = []

    def tell_now(_now: datetime) -> Told | None:
        with registry.reading() as connection:
            if not any_told(connection):
                return None
        from gateway.webhook_line import Post
        from gateway.webhooks import tell_programs

        if not held:
            held.append(Post(reach, stamped_by=stamped_by))
        go_on = lambda: not stopping.is_set()  # noqa: E731 - asked between two messages
        return tell_programs(registry, post=held[0], clock=clock, random_bytes=random_bytes, go_on=go_on)

    return Beside([Duty("webhooks", TELL_EVERY, tell_now)], clock=clock, stopping=stopping)
