"""What looks after a kiosk's certificate while it runs, put together from its profile.

- A broker that refuses a certificate only closes the connection (TLS 1.3), so several attempts in vain are reason enough to ask for the next one.

Example: ``with looked_after(profile, clock=clock, attempts=lambda: uplink.health().attempts): serve()``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from luutru.keys import read_signing_key
from residence.clock import Clock

if TYPE_CHECKING:
    from edge_agent.provisioning.renewing import Renewing
    from firmware_config.profiles import KioskProfile

REFUSED_AFTER: Final = 5


@contextmanager
def looked_after(profile: KioskProfile, *, clock: Clock, attempts: Callable[[], int]) -> Iterator[None]:
    """Renew the certificate in time while the block runs. ``attempts``: how often in a row the broker was tried in vain."""
    renewing = renewing_of(profile, clock=clock, refused=lambda: attempts() >= REFUSED_AFTER)
    if renewing is None:
        yield
        return
    renewing.start()
    try:
        yield
    finally:
        renewing.stop()


def renewing_of(
    profile: KioskProfile, *, clock: Clock, refused: Callable[[], bool], send: Callable[[str, bytes], bytes] | None = None
) -> Renewing | None:
    """Return it, or None where the profile names no server for it. ``send``: another way to that server."""
    from edge_agent.provisioning.asking import post
    from edge_agent.provisioning.renewing import Renewing, TlsIdentity

    broker = profile.broker
    if not broker.certificates_url:
        return None
    identity = TlsIdentity(
        kiosk_id=profile.kiosk.id,
        authority=profile.path(broker.authority_file),
        certificate=profile.path(broker.certificate_file),
        key=profile.path(broker.key_file),
    )
    signer = read_signing_key(profile.path(profile.keys.signing_key_file), use="kiosk-sign")
    return Renewing(identity, url=broker.certificates_url, signer=signer, now=clock.now, refused=refused, send=send or post)
