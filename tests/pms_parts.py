"""A hotel with bookings, played as one of three systems over real HTTP, and the real bridge between it and a real server."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from factories import EVENING
from simulators.pms import cloudbeds, mews, ohip
from simulators.pms.front import played

from luutru.processes.pms import bridge_of, source_of
from luutru_client import Api, Line
from luutru_client.line import Answer
from pms_bridge.kept import Kept
from pms_bridge.settings import CloudbedsSettings, OhipSettings, PropertySettings
from registry.api_clients import ApiClient, add_client
from residence.people.person import DocumentKind
from residence.stays.declaration import Reason

VENDORS = ("mews", "cloudbeds", "ohip")
PLAYED = {"mews": mews.PlayedMews, "cloudbeds": cloudbeds.PlayedCloudbeds, "ohip": ohip.PlayedOhip}
SECRETS = {"mews": mews.SECRETS, "cloudbeds": cloudbeds.SECRETS, "ohip": ohip.SECRETS}
OWN = "019f0000-0000-7000-8000-0000000000b1"
RECENT = EVENING - timedelta(minutes=20)


@dataclass
class Guest:
    ref: str = "G-1"
    given: str = "Thị Mẫu"
    family: str = "Lê"
    sex: str = "female"
    birth: str | None = "1990-03-05"
    nationality: str | None = "VN"
    number: str | None = "001190000118"


@dataclass
class Booked:
    name: str = "R-77"
    standing: str = "in-house"
    arrival: datetime = RECENT
    departure: datetime = EVENING + timedelta(days=2)
    room: str = "202"
    changed: datetime = RECENT
    left: datetime | None = None
    people: int = 1
    guests: list[Guest] = field(default_factory=lambda: [Guest()])


class Hotel:
    """What the system's people do; each change is noted a minute later."""

    def __init__(self):
        self.rooms = ("201", "202")
        self.bookings = {}

    def book(self, **changes):
        booked = Booked(**changes)
        self.bookings[booked.name] = booked
        return booked

    def change(self, name="R-77", **changes):
        booked = self.bookings[name]
        booked.changed += timedelta(minutes=1)
        for each, value in changes.items():
            setattr(booked, each, value)


class Carried:
    """Carries the bridge's requests to the application without a socket, and remembers each event and what was answered."""

    def __init__(self, world):
        self.client, self.events, self.before = world.client(), [], None

    def send(self, method, address, headers, body):
        if self.before is not None and "pms-events" in address:
            self.before(self)
        told = self.client.request(method, address.removeprefix("http://testserver"), headers=headers, content=body)
        if "pms-events" in address:
            self.events.append((body, told.status_code))
        return Answer(told.status_code, told.headers, told.content)


def property_of(vendor, base):
    return PropertySettings(
        premises_id="htl-sao-mai", vendor=vendor, base=base, secrets="pms", purpose_of_stay=Reason.TOURISM, calls_per_second=50,
        documents={"Passport": DocumentKind.PASSPORT, "passport": DocumentKind.PASSPORT, "PASSPORT": DocumentKind.PASSPORT},
        cloudbeds=CloudbedsSettings(property_id=cloudbeds.PROPERTY, nationality="custom:Quốc tịch"),
        ohip=OhipSettings(hotel_id=ohip.HOTEL, scope=ohip.SCOPE, enterprise_id=ohip.ENTERPRISE),
    )  # fmt: skip


class Stand:
    """A played system, a bridge and a server. ``round`` makes a new bridge each time, from the state as it was kept."""

    def __init__(self, world, vendor, system, base, folder):
        self.world, self.system, self.hotel, self.folder = world, system, system.hotel, folder
        self.carried, self.waited = Carried(world), []
        secret = secrets.token_urlsafe(24)
        own = OWN[:-1] + secrets.token_hex(1)[0]
        client = ApiClient(
            client_id=own, commune_code="demo-01", account_id="acc-clerk", label="PMS", grants=("declare",), created_at=EVENING
        )
        with world.registry.writing() as connection:
            add_client(connection, client, secret)
        now = lambda: world.clock.now().timestamp()  # noqa: E731
        line = Line(
            "http://testserver", client_id=own, client_secret=secret, send=self.carried.send, wait=self.waited.append, now=now
        )
        self.api = Api(line)
        self.settings = property_of(vendor, base)
        (folder / "pms.toml").write_text("".join(f'{name} = "{value}"\n' for name, value in SECRETS[vendor].items()))
        (folder / "pms.toml").chmod(0o600)
        # one source for all rounds, as a running bridge has: its token and its rooms are kept in memory
        self.source = source_of(self.settings, folder=folder, clock=world.clock, wait=self.waited.append)

    @property
    def state(self):
        return self.folder / "htl-sao-mai.json"

    def round(self):
        kept = Kept.opened(self.state)
        return bridge_of(self.settings, source=self.source, kept=kept, api=self.api, clock=self.world.clock).round()

    def said(self):
        """Return the kinds of the events delivered since last asked, with the status of each answer."""
        found = [(event_kind(body), status) for body, status in self.carried.events]
        self.carried.events.clear()
        return found


def event_kind(body):
    return body.partition(b'"type": "stay.guest.')[2].partition(b'"')[0].decode()


@contextmanager
def standing(world, vendor, folder):
    system = PLAYED[vendor](Hotel())
    with played(system) as base:
        yield Stand(world, vendor, system, base, folder)
