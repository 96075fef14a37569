"""The event book of a kiosk, put together: what is kept, who writes what no door does, and what sends it.

- Every kiosk has one, with a door or without; a door writes into the same.

Example: ``keeper = event_keeper_of(profile, book, outbox=outbox, hearing=hearing); keeper.start()``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luutru import __version__, system

if TYPE_CHECKING:
    from edge_agent.event_book import EventBook
    from edge_agent.event_keeper import EventKeeper
    from edge_agent.event_posting import EventPost
    from edge_agent.hearing import Hearing
    from edge_agent.outbox import Outbox
    from firmware_config.profiles import KioskProfile


def event_book_of(outbox: Outbox) -> EventBook:
    """Return the events in a kiosk's store."""
    from edge_agent.event_book import EventBook

    return EventBook(outbox, random_bytes=system.random_bytes)


def event_keeper_of(profile: KioskProfile, book: EventBook, *, outbox: Outbox, hearing: Hearing) -> EventKeeper:
    """Return who writes down readers, clock and start; nothing is started yet."""
    from edge_agent.event_keeper import EventKeeper, Look

    def look() -> Look:
        times = outbox.times()
        return Look(monotonic_ns=times.monotonic_ns, time_state=times.time_state, unread=hearing.unread)

    return EventKeeper(book, look=look, door=profile.doors[0].name if profile.doors else "", version=__version__)


def event_post_of(outbox: Outbox, book: EventBook) -> EventPost:
    """Return what sends the events up."""
    from edge_agent.event_posting import EventPost

    return EventPost(
        book,
        kiosk_id=outbox.kiosk_id,
        epoch=outbox.epoch,
        signer=outbox.signer,
        keyring=lambda: outbox.anchor.keyring,
        jitter=system.fraction,
    )
