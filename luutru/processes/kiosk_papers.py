"""The signed papers a kiosk follows beside its settings: the words of its screens, and the list for its doors.

- Words lie below the folder of settings (``words/``), with places, tries and a way back of their own; those in force are put there before a screen is.
- A kiosk without a door follows no list.

Example: ``Following(..., besides=besides_of(profile, slots, fetching=fetching, agent=agent, idle=idle, door=door, clock=clock))``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_agent.agent import KioskAgent
    from edge_agent.configuration.fetching import Fetching
    from edge_agent.configuration.following import Beside
    from edge_agent.configuration.slots import Slots
    from firmware_config.profiles import KioskProfile
    from luutru.processes.kiosk_door import KioskDoor
    from residence.clock import Clock


def besides_of(
    profile: KioskProfile,
    slots: Slots,
    *,
    fetching: Fetching,
    agent: Callable[[], KioskAgent],
    idle: Callable[[], bool],
    door: KioskDoor | None,
    clock: Clock,
) -> tuple[Beside, ...]:
    """Return what follows them, the words that lie here put in force."""
    from edge_agent.configuration.following_doors import FollowingDoorList
    from edge_agent.configuration.following_words import FollowingWords, Screens
    from edge_agent.configuration.slots import Slots
    from edge_agent.kiosk.showing import shown
    from edge_agent.kiosk.words import check_words, fill_in, use_words
    from firmware_config.signed.paths import door_list_path, place_of, words_path

    section = profile.configuration

    def draw() -> None:
        fill_in()
        shown(agent().view(), profile=profile, now=clock.now())

    words = FollowingWords(
        Slots(slots.folder / "words"),
        fetch=lambda: fetching.also(words_path(section.district)),
        screens=Screens(check=check_words, use=use_words, draw=draw),
        idle=idle,
        clock=clock,
        steady=section.steady_seconds,
        place=place_of(profile.kiosk.id),
        pin=section.pin,
    )
    words.start()
    if door is None:
        return (words,)
    papers, doors = door.papers, [each.name for each in profile.doors]
    listed = FollowingDoorList(
        fetch=lambda: fetching.also(door_list_path(section.district, profile.kiosk.site)),
        take=lambda parts: papers.take_whole(parts, doors=doors),
        version=lambda: papers.book.version,
        idle=idle,
        clock=clock,
        patience=section.patience_seconds,
    )
    return (words, listed)
