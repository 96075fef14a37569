"""The line of one kiosk to its authority, made from its profile.

Example: ``uplink = uplink_of(profile, outbox, vitals=vitals, changed=changed, post=post, trust=papers); uplink.start()``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from luutru import __version__, system

if TYPE_CHECKING:
    from edge_agent.asked import KioskPost
    from edge_agent.line import Line
    from edge_agent.outbox import Outbox
    from edge_agent.trust_papers import TrustPapers
    from edge_agent.uplink import Uplink
    from edge_agent.vitals import Vitals
    from firmware_config.profiles import KioskProfile


def line_of(profile: KioskProfile) -> Line:
    """Return where the kiosk's line goes."""
    from edge_agent.line import Line, first_spread

    broker = profile.broker
    return Line(
        host=broker.host,
        port=broker.port,
        site=profile.kiosk.site,
        kiosk_id=profile.kiosk.id,
        ca_file=profile.path(broker.authority_file),
        certificate_file=profile.path(broker.certificate_file),
        key_file=profile.path(broker.key_file),
        version=__version__,
        boot_id=system.boot_id(),
        first_spread=first_spread(broker.host, spread=broker.spread_seconds, since_boot=system.seconds_since_boot()),
    )


def uplink_of(
    profile: KioskProfile,
    outbox: Outbox,
    *,
    vitals: Callable[[], Vitals],
    changed: Callable[[], None],
    post: KioskPost,
    trust: TrustPapers | None,
) -> Uplink:
    """Return what connects the kiosk; nothing is started yet. ``changed``: the line's state did."""
    from edge_agent.uplink import Uplink

    return Uplink(
        outbox,
        line_of(profile),
        clock=outbox.clock,
        jitter=system.fraction,
        vitals=vitals,
        on_state=lambda _health: changed(),
        post=post,
        trust=trust,
    )
