"""The bridge's process: settings, secrets, one line to each vendor and one to the server put together.

- It runs with the house: the vendor's keys stay there, and the server sees what any hotel software sends.
- Each property goes round by itself; one that cannot be asked waits twice as long each time, up to ten minutes, and holds no other up.
- Nobody's name, and nothing a vendor answered, is logged: ids, codes and counts.

Example: ``once(Path("pms.toml"), only=None)["htl-sao-mai"]["delivered"]``
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from luutru.system import system_clock
from luutru_client import Api, Line
from pms_bridge import cloudbeds, mews, ohip, signing_off
from pms_bridge.bridge import Bridge
from pms_bridge.kept import Kept, alone
from pms_bridge.line import Means, VendorLine
from pms_bridge.port import PmsSource
from pms_bridge.settings import BridgeSettings, PropertySettings, parse_settings, read_secret
from pms_bridge.told import House
from residence.clock import Clock
from residence.errors import Malformed, Refused

SOURCES: Final[dict[str, Any]] = {
    "mews": (mews.Mews, mews.NEEDED),
    "cloudbeds": (cloudbeds.Cloudbeds, cloudbeds.NEEDED),
    "ohip": (ohip.Ohip, ohip.NEEDED),
}
LONGEST_PAUSE: Final = 600.0
log = structlog.get_logger("luutru.pms")


def read_settings(path: Path) -> BridgeSettings:
    """Read the bridge's settings, or raise ``Malformed("pms.*")`` or ``Refused``."""
    try:
        return parse_settings(path.read_bytes())
    except OSError as error:
        raise Malformed("pms.settings_unreadable", "", type(error).__name__) from error


def properties(settings: BridgeSettings, only: str | None) -> list[PropertySettings]:
    """Return the properties that are meant, or raise ``Refused("pms.property_incomplete")`` when there is none."""
    found = [each for each in settings.property if only in {None, each.premises_id}]
    if not found:
        raise Refused("pms.property_incomplete", "/property", only or "")
    return found


def state_of(path: Path, settings: BridgeSettings, each: PropertySettings) -> Path:
    """Return where a property's state is kept."""
    return path.parent / settings.state / f"{each.premises_id}.json"


def source_of(each: PropertySettings, *, folder: Path, clock: Clock, wait: Callable[[float], Any]) -> PmsSource:
    """Return a property's system."""
    make, needed = SOURCES[each.vendor]
    means = Means(seconds=lambda: clock.monotonic_ns() / 1e9, wait=wait)
    line = VendorLine(each.base, per_second=each.calls_per_second, means=means)
    made: PmsSource = make(each, line=line, secrets=lambda: read_secret(folder, each.secrets, *needed), now=clock.now)
    return made


def api_of(settings: BridgeSettings, folder: Path, *, wait: Callable[[float], Any]) -> Api:
    """Return the line to the server."""
    own = read_secret(folder, settings.server.secrets, "client_id", "client_secret")
    return Api(Line(settings.server.address, client_id=own["client_id"], client_secret=own["client_secret"], wait=wait))


def house_of(each: PropertySettings) -> House:
    """Return what of a property goes into what is told."""
    return House(
        premises_id=each.premises_id,
        source=each.source,
        purpose_of_stay=each.purpose_of_stay,
        documents=each.documents,
        rooms=each.rooms,
    )


def bridge_of(each: PropertySettings, *, source: PmsSource, kept: Kept, api: Api, clock: Clock) -> Bridge:
    """Put one property's bridge together."""
    return Bridge(source, house=house_of(each), kept=kept, deliver=api.post_pms_event, now=clock.now)


def once(path: Path, *, only: str | None) -> dict[str, dict[str, Any]]:
    """Go round each property once; what could not be asked has a code instead of counts."""
    settings, clock, waiting = read_settings(path), system_clock(), threading.Event()
    folder = path.parent / settings.secrets
    api = api_of(settings, folder, wait=waiting.wait)
    done: dict[str, dict[str, Any]] = {}
    for each in properties(settings, only):
        state = state_of(path, settings, each)
        try:
            with alone(state):
                source = source_of(each, folder=folder, clock=clock, wait=waiting.wait)
                bridge = bridge_of(each, source=source, kept=Kept.opened(state), api=api, clock=clock)
                done[each.premises_id] = msgspec.to_builtins(bridge.round())
        except Refused as error:
            done[each.premises_id] = {"code": error.code, "detail": error.detail}
    return done


def sign_off(path: Path, *, premises: str, reasons: list[str]) -> dict[str, Any]:
    """Sign one property's evening off, and keep the points beside the state: the close holds their digest, and nobody's name is in them."""
    settings, clock, waiting = read_settings(path), system_clock(), threading.Event()
    folder = path.parent / settings.secrets
    (each,) = properties(settings, premises)
    source = source_of(each, folder=folder, clock=clock, wait=waiting.wait)
    post = api_of(settings, folder, wait=waiting.wait).post_close
    signed = signing_off.sign_off(source, house=house_of(each), reasons=reasons, post=post)
    done: dict[str, Any] = msgspec.to_builtins(signed)
    if signed.close is not None:
        kept = state_of(path, settings, each).parent / "closes" / f"{signed.close['close_id']}.json"
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.encode({"close": signed.close, "points": signed.points}))
        done["kept"] = str(kept)
    return done


def status(path: Path, *, only: str | None) -> dict[str, dict[str, Any]]:
    """Return what stands open at each property."""
    settings = read_settings(path)
    found = {}
    for each in properties(settings, only):
        kept = Kept.opened(state_of(path, settings, each))
        points = [
            {"reservation": name, **msgspec.to_builtins(point)}
            for name, one in sorted(kept.bookings.items())
            for point in one.open
        ]
        here = sum(one.in_house for one in kept.bookings.values())
        found[each.premises_id] = {"asked_at": kept.asked_at, "in_house": here, "open": points}
    return found


def run(path: Path, *, only: str | None) -> None:
    """Run until a signal asks us to stop: a thread for each property."""
    settings, clock, stopping = read_settings(path), system_clock(), stop_on_signals()
    folder = path.parent / settings.secrets
    with ExitStack() as held:
        threads = []
        for each in properties(settings, only):
            state = state_of(path, settings, each)
            held.enter_context(alone(state))
            source = source_of(each, folder=folder, clock=clock, wait=stopping.wait)
            bridge = bridge_of(
                each, source=source, kept=Kept.opened(state), api=api_of(settings, folder, wait=stopping.wait), clock=clock
            )
            threads.append(threading.Thread(target=_go_round, args=(each, bridge, stopping), name=each.premises_id))
        log.info("bridge starts", properties=len(threads))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    log.info("bridge ended")


def stop_on_signals() -> threading.Event:
    """Return what SIGTERM and SIGINT set; asked here again, for the bridge starts without what other processes need."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping


def _go_round(each: PropertySettings, bridge: Bridge, stopping: threading.Event) -> None:
    pause = each.every_seconds
    while not stopping.is_set():
        try:
            done = bridge.round()
        except (Refused, OSError) as error:  # an OSError is the disk of the state: what was told is told again
            pause = min(2 * pause, LONGEST_PAUSE)
            code, detail = (
                (error.code, error.detail) if isinstance(error, Refused) else ("pms.state_unreadable", type(error).__name__)
            )
            log.warning("not asked", premises=each.premises_id, code=code, detail=detail, again_in=pause)
        else:
            pause = each.every_seconds
            if done.delivered:
                log.info("told", premises=each.premises_id, delivered=done.delivered, open=done.open)
        stopping.wait(pause)
