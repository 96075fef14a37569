"""What a gateway does beside its intake, in a thread of its own: deadlines each minute, reminders and lapses each hour, the night's work, messages.

- Deadlines, reminders and lapses are the sweeping gateway's. The rest is done by whichever gateway comes first; a gateway may be told to leave either to another.
- Messages are sent only where it is said how they leave; else they wait in the outbox. Kiosks' certificates are made only where the authority's folder is.

Example: ``with build_beside(settings, registry=registry, clock=clock, stopping=stopping).running(): worker.run(stopping)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from gateway.beside import Beside
from gateway.certifying import Certifying
from gateway.giving_way import GivingWay, Progress
from gateway.mail_settings import MailSettings
from gateway.mailing import send_due
from gateway.nightly import Night, tend
from gateway.orders import orders_duty
from gateway.worker import Duty
from luutru.processes.gateway_duties import side_duties
from luutru.system import random_bytes
from registry.database import Registry
from registry.retention_policy import Policy
from residence.choices import Choices
from residence.clock import Clock

TEND_EVERY: Final = timedelta(minutes=1)  # how often to ask whether a night's work is due
MAIL_EVERY: Final = timedelta(minutes=1)
CERTIFY_EVERY: Final = timedelta(seconds=1)


class BesideSettings(Protocol):
    """What of a gateway's settings is for this."""

    @property
    def sweep_every(self) -> timedelta | None:
        """How often it sweeps; None: another gateway does, and reminds."""

    @property
    def night_hour(self) -> int | None:
        """From when on the night's work is due; None: another process does it."""

    @property
    def retention(self) -> Policy:
        """What is deleted when."""

    @property
    def choices(self) -> Choices:
        """What the register is looked after by."""

    @property
    def mail(self) -> MailSettings | None:
        """How messages leave; None: they do not."""

    @property
    def name(self) -> str:
        """The gateway's name at the broker."""

    @property
    def kiosk_authority(self) -> Path | None:
        """The folder with which certificates of kiosks are made; None: another process makes them."""


def build_beside(
    settings: BesideSettings, *, registry: Registry, clock: Clock, stopping: threading.Event, intake: Callable[[], Progress]
) -> Beside:
    """Put together what runs beside the intake, whose progress ``intake`` tells."""
    duties = side_duties(settings.sweep_every, settings.choices, registry)
    if settings.sweep_every:
        duties.append(orders_duty(registry, random_bytes=random_bytes))
    go_on = lambda: not stopping.is_set()  # noqa: E731 - asked by both
    if settings.night_hour is not None:
        turns = GivingWay(intake=intake, stopping=stopping, monotonic_ns=clock.monotonic_ns)
        night = Night(
            hour=settings.night_hour,
            retention=settings.retention,
            choices=settings.choices.cleaning,
            second_view_percent=settings.choices.second_view_percent,
            publish_least=settings.choices.publish_least,
            key_times=settings.choices.keys,
            go_on=turns,
        )
        duties.append(
            Duty("night's work", TEND_EVERY, lambda _now: tend(registry, night=night, clock=clock, random_bytes=random_bytes))
        )
    if settings.mail is not None:
        sending = partial(send_due, registry, settings=settings.mail, clock=clock, go_on=go_on)
        duties.append(Duty("messages", MAIL_EVERY, lambda _now: sending()))
    if settings.kiosk_authority is not None:
        certifying = Certifying(registry, folder=settings.kiosk_authority, gateway=settings.name, random_bytes=random_bytes)
        duties.append(Duty("kiosk certificates", CERTIFY_EVERY, certifying.perform))
    return Beside(duties, clock=clock, stopping=stopping)
