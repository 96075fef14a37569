"""The process that tells other authorities what is due: settings, secrets, registry and connectors put together.

- A process of its own: another authority's slowness must never hold the gateway's line, and its credentials stay out of the gateway.
- Several may run at once; each record is claimed by one. SIGTERM and SIGINT finish the attempt in hand and log out.
- With the demo's clock it tells only this machine: an arrival "today" by a shifted clock is somebody's real day elsewhere.

Example: ``run(AuthorityProcess(registry="sqlite:////var/lib/luutru/registry.db", vault=Path("vault"), settings=Path("authorities.toml")))``
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from gateway.authorities.going_out import Outgoing, Traffic
from gateway.authorities.kbtt import Kbtt
from gateway.authorities.lines import Patience
from gateway.authorities.population import PopulationTraffic
from gateway.authorities.portal import Portal
from gateway.authorities.portal_sending import PortalTraffic
from gateway.authorities.sending import Means, Sender
from gateway.authorities.settings import AuthoritySettings, KbttSettings, TokenAddress, parse_settings
from gateway.authorities.token_line import TokenLine
from luutru.opening import open_for_work
from luutru.system import fraction, random_bytes, system_clock
from registry.database import Registry
from residence.clock import Clock
from residence.errors import Malformed, Refused

IDLE_SECONDS: Final = 1.0
TRIES_IN_ONE: Final = 8  # two catalogues twice, log-in, refresh, and the call twice
log = structlog.get_logger("luutru.authority")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityProcess:
    """What one process is told. See docs/settings.md."""

    registry: str
    vault: Path
    settings: Path


def read_settings(path: Path) -> AuthoritySettings:
    """Read the file of authorities, or raise ``Malformed("authorities.*")`` or ``Refused``."""
    try:
        return parse_settings(path.read_bytes())
    except OSError as error:
        raise Malformed("authorities.unreadable", "", str(error)) from error


@contextmanager
def sender(process: AuthorityProcess, *, registry: Registry, clock: Clock) -> Iterator[tuple[Senders, float]]:
    """Give what sends to every authority of the file, and the pause between two sendings."""
    settings = read_settings(process.settings)
    with ExitStack() as opened:
        steps: list[Callable[[], bool]] = []
        idle: list[Callable[[], None]] = []
        if settings.kbtt is not None:
            connector = Kbtt(
                settings.kbtt, secrets=process.settings.parent / settings.kbtt.secrets, registry=registry, now=clock.now
            )
            opened.callback(connector.close)
            means = _means(settings.kbtt.patience, lease_of(settings.kbtt), clock)
            steps.append(Sender(registry, {connector.name: connector}, means=means).step)
            idle.append(connector.refresh)
        if settings.portal is not None:
            line = opened.enter_context(closing(TokenLine(settings.portal, process.settings.parent)))
            every = timedelta(minutes=settings.portal.ask_minutes)
            portal = PortalTraffic(registry.vault, Portal(line), ask_every=every, random_bytes=random_bytes)
            steps.append(_going_out(registry, portal, settings.portal, clock))
        if settings.population is not None:
            line = opened.enter_context(closing(TokenLine(settings.population, process.settings.parent)))
            questions = PopulationTraffic(registry.vault, line, random_bytes=random_bytes)
            steps.append(_going_out(registry, questions, settings.population, clock))
        pauses = [each.pause_seconds for each in (settings.kbtt, settings.portal, settings.population) if each is not None]
        if not pauses:
            raise Refused("authorities.not_configured", "/kbtt")
        yield Senders(steps, idle), max(pauses)


class Senders:
    """Everything that sends, one step of each at a time; one authority that does not answer holds up no other for longer than its own step."""

    def __init__(self, steps: Sequence[Callable[[], bool]], idle: Sequence[Callable[[], None]] = ()) -> None:
        self._steps = steps
        self._idle = idle

    def step(self) -> bool:
        """Do one thing for each authority; False when nothing is due at any."""
        done = [each() for each in self._steps]  # all of them, whatever the first had to do
        return any(done)

    def refresh(self) -> None:
        """Do what is done when nothing is to be sent."""
        for each in self._idle:
            each()


def _going_out(registry: Registry, traffic: Traffic, settings: TokenAddress, clock: Clock) -> Callable[[], bool]:
    means = _means(settings.patience, lease_of(settings), clock)
    return Outgoing(registry, traffic, patience=settings.patience, means=means).step


def _means(patience: Patience, lease: timedelta, clock: Clock) -> Means:
    return Means(clock=clock, random_bytes=random_bytes, fraction=fraction, patience=patience, lease=lease)


def lease_of(settings: KbttSettings | TokenAddress) -> timedelta:
    """Return how long a claim holds: twice what one attempt can take at the longest, for a sender past half of it sends nothing."""
    return timedelta(seconds=2 * TRIES_IN_ONE * (settings.connect_seconds + settings.answer_seconds))


def send_due(process: AuthorityProcess, *, most: int, stopping: threading.Event) -> int:
    """Tell what is due now and end; returns how many steps were made."""
    registry = open_for_work(process.registry, process.vault)
    done = 0
    try:
        with sender(process, registry=registry, clock=system_clock()) as (sending, pause):
            while done < most and not stopping.is_set() and sending.step():
                done += 1
                stopping.wait(pause)
    finally:
        registry.close()
    return done


def run(process: AuthorityProcess) -> None:
    """Run until a signal asks us to stop; a registry that goes away while we run is waited for."""
    registry = open_for_work(process.registry, process.vault)
    stopping = stop_on_signals()
    log.info("authority process starts", settings=str(process.settings))
    try:
        with sender(process, registry=registry, clock=system_clock()) as (sending, pause):
            while not stopping.is_set():
                if _stepped(sending):
                    stopping.wait(pause)
                else:
                    _refreshed(sending.refresh)
                    stopping.wait(IDLE_SECONDS)
    finally:
        registry.close()
    log.info("authority process ended")


def stop_on_signals() -> threading.Event:
    """Return what SIGTERM and SIGINT set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping


def _stepped(sending: Senders) -> bool:
    try:
        return sending.step()
    except Exception as error:  # noqa: BLE001 - the registry's trouble, or ours; what was in hand is looked at again when its claim runs out
        log.warning("not told", error=type(error).__name__)
        return False


def _refreshed(refresh: Callable[[], None]) -> None:
    try:
        refresh()
    except Exception as error:  # noqa: BLE001 - an old catalogue stops nothing
        log.warning("catalogues not refreshed", error=type(error).__name__)
