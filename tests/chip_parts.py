"""Chips for tests beyond the reader: an invented citizen's simulated card, read in memory, and the evidence a kiosk makes of it."""

from __future__ import annotations

import threading
from datetime import date

import msgspec
from factories import EVENING
from simulators.card import pki
from simulators.card.citizen import CAN, NUMBER, QR, Citizen

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from luutru.system import SystemClock, random_bytes
from residence.credentials.chip.access_keys import has_details, keys_of
from residence.credentials.chip.carried import binding
from residence.credentials.chip.certificates import parse_certificate, parse_revocation_list
from residence.credentials.chip.claiming import claim
from residence.credentials.chip.trust_store import assemble
from residence.credentials.reading import read_mrz, read_payload
from residence.errors import Refused

__all__ = ["CAN", "NUMBER", "QR", "Citizen", "pki"]

READING = read_payload(QR, reader="camera:zxing", today=date(2026, 7, 10)).reading
PERSON = READING.person


# An invented traveller of a country whose throw-away authority tests make.
PASSPORT = ("P<SWEOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<", "X0S8217632SWE8108153F3207040<<<<<<<<<<<<<<06")
PASSPORT_KEY = "X0S821763281081533207040"
TRAVELLER = read_mrz(PASSPORT, reader="camera:mrz", today=date(2026, 7, 10)).reading


def passport(country, **how):
    """A passport's card, which has no access number and none of a Vietnamese card's details."""
    personality = {each: how.pop(each) for each in ("speaks_bac",) if each in how}
    made = Citizen(country, lines=PASSPORT, **how)
    return made.card(can="", mrz_key=PASSPORT_KEY, **personality)


class JudgingClock(SystemClock):
    """Real time for the card, the tests' evening for its judges."""

    def now(self):
        return EVENING


class Place:
    """A place for cards in memory: ``lay`` and ``take_away`` are a person's hands."""

    def __init__(self):
        self.lying = None
        self.changed = threading.Condition()
        self.closed = 0
        self.awaited = threading.Event()  # a reader waits for a card

    def lay(self, card):
        with self.changed:
            self.lying = card
            self.changed.notify_all()

    def take_away(self):
        self.lay(None)

    def wait(self, seconds, *, present):
        if present:
            self.awaited.set()
        with self.changed:
            return self.changed.wait_for(lambda: (self.lying is not None) is present, seconds)

    def card(self):
        return Held(self)

    def close(self):
        self.closed += 1


class Held:
    """The card that lies there; it ends when it is taken away."""

    def __init__(self, place):
        self.place, self.own = place, place.lying

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def about(self):
        return getattr(self.own, "about", b"usual")

    def transceive(self, apdu):
        if self.place.lying is not self.own:
            raise Refused("chip.card_gone")
        return self.own.transceive(apdu)

    def reset(self):
        self.own.reset()


def store_of(country, *revoked, version=0, **lists):
    """What trusts a country: its authority and a revocation list."""
    crl = parse_revocation_list(country.revocation_list(*revoked, **lists))
    return assemble([parse_certificate(country.authority.der)], [crl], version=version)


def read(card, bound_to, person=PERSON):
    reader = ChipReader(card, draw=FromBytes(random_bytes), clock=SystemClock(), reset=card.reset)
    keys = keys_of(person)
    return reader.read(Opening(can=keys.can, mrz_keys=keys.mrz_keys, details=has_details(person)), bound_to=bound_to)


def evidence(card, store, *, kiosk_id, declaration_id, reading=READING, now=EVENING):
    """What an honest kiosk puts into a declaration after reading this card."""
    bound = binding(kiosk_id, declaration_id)
    return claim(reading, read(card, bound, reading.person), store, now=now, bound_to=bound).evidence


def cloned(country, **how):
    """A card with everything a genuine one can be read of, and none of its private keys."""
    genuine, copy = Citizen(country, **how), Citizen(country, **how)
    copy.groups = genuine.groups
    return copy


def altered(country, **how):
    """A genuine card whose zone names somebody else: the security object is that of the card before."""
    forged = Citizen(country, **how)
    before = dict(forged.groups)
    forged.sod_options["covered"] = before
    forged.groups[1] = before[1].replace(b"KHOI", b"KHOA")
    return forged


def lying(found, level=5):
    """What a kiosk says that wants to be believed more."""
    checks = {**found.checks, "passive": "passed", "chip_auth": "passed", "issuer": "passed", "revocation": "passed"}
    return msgspec.structs.replace(found, level=level, checks=checks)
