"""The readers of one kiosk, made from its profile: which device or source, and what each is given.

- One ``[[readers]]`` table makes one reader; what only one kind needs is imported when a profile names it.
- The sample cards are returned beside their reader: the page offers them, and somebody waiting is held one up.

Example: ``readers_of(profile, clock=clock).readers``
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from residence.clock import Clock
from residence.errors import Malformed, Refused

if TYPE_CHECKING:
    from edge_agent.mrz_reading.watching import ZoneWatch
    from edge_agent.readers.port import CameraSettings, FrameSource, Reader
    from edge_agent.readers.watching import Guide
    from edge_agent.sim.video import SampleCards
    from firmware_config.profiles import KioskProfile, ReaderSection


@dataclass(frozen=True, kw_only=True, slots=True)
class Readers:
    """The readers of one kiosk, and the sample cards among them."""

    readers: tuple[Reader, ...] = ()
    deck: SampleCards | None = None


def readers_of(profile: KioskProfile, *, clock: Clock, guide: Guide | None = None) -> Readers:
    """Return the readers the profile names, not yet started; ``guide`` is told how a card should be held."""
    made = [_reader(section, profile, clock=clock, guide=guide) for section in profile.readers]
    decks = [deck for _, deck in made if deck is not None]
    return Readers(readers=tuple(reader for reader, _ in made), deck=decks[0] if decks else None)


def read_deck(path: Path | None) -> list[str]:
    """Return the card texts of a file, one per line with backslash escapes; the built-in invented ones without a path."""
    try:
        text = (path or resources.files("edge_agent.sim").joinpath("deck.txt")).read_text("utf-8")
    except OSError as error:
        raise Refused("reader.device_missing", "/readers", f"{path}: {error.strerror}") from error
    unescape = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
    return [_replace_all(line, unescape) for line in text.splitlines() if line.strip()]


def _replace_all(line: str, escapes: dict[str, str]) -> str:
    import re

    return re.sub(r"\\[\\nr]", lambda match: escapes[match.group()], line)


def _reader(
    section: ReaderSection, profile: KioskProfile, *, clock: Clock, guide: Guide | None
) -> tuple[Reader, SampleCards | None]:
    from edge_agent.readers.watching import FrameReader

    if section.kind == "serial":
        from luutru.processes.serial_scanners import serial_scanner

        return serial_scanner(section, profile, clock=clock), None
    if section.kind == "cards":
        from edge_agent.sim.video import SampleCards

        path = profile.path(section.source) if section.source else None
        deck = SampleCards(read_deck(path), clock=clock, cycling=False)
        return FrameReader(deck, clock=clock, guide=guide, zones=_zones(section, profile, clock)), deck
    source = _source(section, profile, clock)
    return FrameReader(source, clock=clock, guide=guide, zones=_zones(section, profile, clock)), None


def _zones(section: ReaderSection, profile: KioskProfile, clock: Clock) -> ZoneWatch | None:
    from edge_agent.mrz_reading.watching import ZoneWatch

    if not section.mrz:
        return None
    return ZoneWatch(clock=clock, every_ns=section.mrz_every_ms * 1_000_000, no_expiry=profile.choices.no_expiry)


def _source(section: ReaderSection, profile: KioskProfile, clock: Clock) -> FrameSource:
    match section.kind:
        case "camera":
            from edge_agent.readers.camera import Camera

            device = section.source or "0"
            return Camera(int(device) if device.isdigit() else device, clock=clock, settings=_camera_settings(section))
        case "picamera":
            from edge_agent.readers.picamera import PiCamera

            return PiCamera(_number(section), clock=clock, settings=_camera_settings(section))
        case "video":
            from edge_agent.readers.frames import VideoFile

            return VideoFile(profile.path(section.source), clock=clock, looping=True)
        case "images":
            from edge_agent.readers.frames import PictureFolder

            return PictureFolder(profile.path(section.source), clock=clock)
        case _:
            raise Malformed("profile.invalid_setting", "/readers", section.kind)


def _camera_settings(section: ReaderSection) -> CameraSettings:
    from edge_agent.readers.port import CameraSettings

    return CameraSettings(
        width=section.width,
        height=section.height,
        autofocus=section.autofocus,
        focus=section.focus,
        exposure_ms=section.exposure_ms,
    )


def _number(section: ReaderSection) -> int:
    if not (section.source or "0").isdigit():
        raise Malformed("profile.invalid_setting", "/readers/source", f"picamera wants a number, not {section.source}")
    return int(section.source or "0")
