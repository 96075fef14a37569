"""The registry an invented neighbourhood lives in: what a gateway would record, when it would, and whom the sweep then writes about.

- Statements go through ``registry.recording.record``, registrations through the register's own functions, outages through the
  gateway's own watch; nothing is written past them.
- Who a notice or case is about is known by the pseudonym the truth gives, computed as the registry does.

Example: ``NeighbourhoodRegistry(folder, premises=60, people=people).record([(3, act)], now=now)``
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import select, update

from gateway.outage_watch import OutageWatch
from gateway.sweep import Swept, sweep
from luutru.benchmarks.fleet import COMMUNE
from luutru.benchmarks.neighbourhood import FIRST_DAY, Act, Neighbour, is_cut_off
from luutru.opening import open_registry
from luutru.system import random_bytes
from registry import tables
from registry.database import upgrade
from registry.gateway_reports import GatewayReport, write_report
from registry.households import Registration, add_household, add_person, add_residences
from registry.kiosks import Enrolment, enrol_kiosk, keep_state
from registry.premises import add_premises
from registry.presences import pseudonym_of
from registry.recording import Source, Statement, record
from residence.clock import rfc3339, uuid7_text
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Person
from residence.places.premises import Premises, PremisesKind
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.stays.rules import load_rule_book
from residence.wire.messages import PRESENCE, STAY_DECLARATION, Presence
from residence.wire.signing import SigningKey
from residence.wire.state import KioskState
from residence.wire.topics import SHARDS

_WORKER = "gateway"
_LONG_AGO = "2015-01-01"


class _FortnightClock:
    """The fortnight's own time, on the wall and running: nobody sets it forward."""

    instant = FIRST_DAY

    def now(self) -> datetime:
        return self.instant

    def monotonic_ns(self) -> int:
        return int((self.instant - FIRST_DAY).total_seconds() * 1e9)


class NeighbourhoodRegistry:
    """One registry with its premises, a kiosk at each, and the people registered from the start."""

    def __init__(self, folder: Path, *, premises: int, people: Sequence[Neighbour]) -> None:
        url = f"sqlite:///{folder / 'registry.db'}"
        upgrade(url)
        self.registry = open_registry(url, folder / "vault")
        self.rules = load_rule_book()
        self.people = people
        self._signer = SigningKey("receipt-neighbourhood", random_bytes(32))
        self._clock = _FortnightClock()
        self._watch = OutageWatch(
            worker=_WORKER, shards=range(SHARDS), signer=self._signer, clock=self._clock, random_bytes=random_bytes
        )
        self._noticed: set[str] = set()
        self._answers: list[tuple[datetime, str]] = []
        self._sequence = 0
        self._premises = premises
        start = min(act.at for each in people for act in each.acts) - timedelta(days=1)
        with self.registry.writing() as connection:
            for number in range(premises):
                add_premises(connection, _premises(number), vault=self.registry.vault, now=start)
                enrolment = Enrolment(kiosk_id=_kiosk(number), premises_id=_id(number), commune_code=COMMUNE, profile="lobby")
                enrol_kiosk(connection, enrolment, keys=(), now=start)
        for each in people:
            if each.parent is not None:
                self._register_family(each, each.parent, now=start)
        self._whose = {self._who(each): whose for whose, each in enumerate(people)}

    def close(self) -> None:
        """Close the database."""
        self.registry.close()

    def record(self, arrived: Sequence[tuple[int, Act]], *, now: datetime) -> None:
        """Record what has arrived since the last time."""
        statements = []
        for whose, act in arrived:
            neighbour = self.people[whose]
            if act.deed == "registered":
                self._register(neighbour, act, now=now)
            elif act.deed == "declared":
                statements.append(self._statement(neighbour, self._declaration(neighbour, act), now))
            else:
                statements.append(self._statement(neighbour, self._presence(neighbour, act), now))
        for start in range(0, len(statements), 500):
            with self.registry.writing() as connection:
                record(
                    connection,
                    statements[start : start + 500],
                    vault=self.registry.vault,
                    rules=self.rules,
                    signer=self._signer,
                    now=now,
                    random_bytes=random_bytes,
                )

    def sweep(self, now: datetime, *, everything: bool = False) -> Swept:
        """Let hosts answer whose time has come, and sweep."""
        with self.registry.writing() as connection:
            for at, who in [each for each in self._answers if each[0] <= now]:
                columns = tables.notices.c
                connection.execute(update(tables.notices).where(columns.who == who).values(answered_at=at, answer="visitor"))
            self._answers = [each for each in self._answers if each[0] > now]
        return sweep(self.registry, rules=self.rules, now=now, random_bytes=random_bytes, everything=everything)

    def newly_noticed(self) -> list[int]:
        """Return whom a notice has gone out about since this was asked last."""
        with self.registry.reading() as connection:
            whos = set(connection.scalars(select(tables.notices.c.who)))
        fresh, self._noticed = whos - self._noticed, self._noticed | whos
        return sorted(self._whose[each] for each in fresh)

    @property
    def about(self) -> set[int]:
        """Return whom cases are about."""
        with self.registry.reading() as connection:
            return {self._whose[each] for each in connection.scalars(select(tables.cases.c.who))}

    def answer(self, whose: int, at: datetime) -> None:
        """Answer the notice about somebody: a visitor who does not stay."""
        self._answers.append((at, self._who(self.people[whose])))

    def was_away(self, began: datetime, ended: datetime) -> None:
        """Let the worker be heard again after having been away."""
        with self.registry.writing() as connection:
            write_report(connection, _report(began), now=began)
            self._clock.instant = ended
            self._watch.reporting(connection, now=ended)

    def cut_off(self, now: datetime) -> None:
        """Let kiosks be heard for the last time, and their connections end."""
        self._states(now, session=1, online=True)
        self._states(now, session=1, online=False)

    def is_back(self, now: datetime) -> None:
        """Let them be heard again."""
        self._states(now, session=2, online=True)

    def _states(self, now: datetime, *, session: int, online: bool) -> None:
        self._clock.instant = now
        with self.registry.writing() as connection:
            for number in filter(is_cut_off, range(self._premises)):
                state = KioskState(kiosk_id=_kiosk(number), session=session, online=online, at=rfc3339(now))
                self._watch.kiosks_heard(connection, [state], now=now)
                keep_state(connection, state, now=now)

    def _who(self, neighbour: Neighbour) -> str:
        return pseudonym_of(neighbour.read_as, _id(neighbour.premises), self.registry.vault).hex()

    def _register(self, neighbour: Neighbour, act: Act, *, now: datetime, household: str | None = None) -> None:
        self._add(neighbour.person, neighbour.premises, until=act.until, now=now, household=household)

    def _register_family(self, child: Neighbour, parent: Person, *, now: datetime) -> None:
        """Register a parent here, and the child in the same household's book until last year: its own line has lapsed."""
        household = uuid7_text(now, random_bytes(10))
        with self.registry.writing() as connection:
            add_household(connection, household, commune_code=COMMUNE, premises_id=_id(child.premises), unit=None, now=now)
        self._add(parent, child.premises, until=None, now=now, household=household)
        self._add(child.person, child.premises, until=now - timedelta(days=200), now=now, household=household)

    def _add(self, person: Person, premises: int, *, until: datetime | None, now: datetime, household: str | None) -> None:
        with self.registry.writing() as connection:
            person_id = add_person(
                connection, person, commune_code=COMMUNE, vault=self.registry.vault, now=now, random_bytes=random_bytes
            )
            lives = Registration(
                person_id=person_id,
                premises_id=_id(premises),
                kind="permanent" if until is None else "temporary",
                valid_from=_LONG_AGO,
                valid_to=until.date().isoformat() if until else None,
                household_id=household,
            )
            add_residences(connection, [lives], commune_code=COMMUNE, now=now, random_bytes=random_bytes)

    def _declaration(self, neighbour: Neighbour, act: Act) -> StayDeclaration:
        arrival = max(each.at for each in neighbour.acts if each.deed == "seen" and each.at <= act.at)
        first = min(each.at for each in neighbour.acts if each.deed == "seen")
        return StayDeclaration(
            declaration_id=uuid7_text(act.at, random_bytes(10)),
            declared_at=rfc3339(act.at),
            person=neighbour.read_as,
            evidence=_evidence(),
            declarant=Declarant(role="self"),
            premises_id=_id(neighbour.premises),
            arrival=rfc3339(min(first, arrival)),
            planned_departure=rfc3339(act.until) if act.until else None,
            reason=Reason.VISIT,
        )

    def _presence(self, neighbour: Neighbour, act: Act) -> Presence:
        return Presence(
            declaration_id=uuid7_text(act.at, random_bytes(10)),
            seen_at=rfc3339(act.at),
            kind="night_check" if act.deed == "found_at_night" else "entry",
            premises_id=_id(neighbour.premises),
            person=neighbour.read_as,
            evidence=_evidence(),
        )

    def _statement(self, neighbour: Neighbour, message: StayDeclaration | Presence, now: datetime) -> Statement:
        self._sequence += 1
        body = random_bytes(16) + msgspec.json.encode(message)
        return Statement(
            schema=STAY_DECLARATION if isinstance(message, StayDeclaration) else PRESENCE,
            message=message,
            body=body,
            body_digest=hashlib.sha256(body).hexdigest(),
            received_at=now,
            origin="kiosk",
            source=Source(
                kiosk_id=_kiosk(neighbour.premises),
                epoch="0197f000-0000-7000-8000-000000000001",
                sequence=self._sequence,
                signed=b"",
            ),
        )


def _id(premises: int) -> str:
    return f"rnt-{premises:03d}"


def _kiosk(premises: int) -> str:
    return f"kiosk-{premises:03d}"


def _premises(number: int) -> Premises:
    return Premises(
        premises_id=_id(number),
        kind=PremisesKind.RENTAL_HOUSE,
        commune_code=COMMUNE,
        name=f"Nhà trọ {number}",
        address_text="Đường Thử Nghiệm",
    )


def _report(at: datetime) -> GatewayReport:
    return GatewayReport(worker=_WORKER, at=at, seconds=3.0, connection="connected", shards="0-63")


def _evidence() -> Evidence:
    return Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="camera:zxing")
