"""Whether a house's declaring works from end to end: each part tried now, with what it means when it does not.

- A synthetic guest goes the whole way: checked, recorded with keys and tables as they are, answered with a signed receipt that the public keyring
  verifies. Then all of it is rolled back: nobody was declared, nothing is told to anybody.
- What a house may leave out (a kiosk, an address, another authority) is said as left out, never passed over.
- No name and no number of anybody is shown; the guest is invented.

Example: ``[each.name for each in self_test(server, premises) if each.state == "failed"]``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection

from registry.alarm_channels import channels_of
from registry.authority_houses import telling_of
from registry.contact_points import addresses_of
from registry.credentials import tokens_of_house
from registry.desk_lists import Place
from registry.gateway_reports import is_silent, latest_reports
from registry.kiosks import keyring_entries, kiosks_of
from registry.recording import Recorded, Statement, record
from residence.cases.endings import step_before
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import LuutruError
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.places.premises import Premises
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.wire.keyring import Keyring
from residence.wire.messages import STAY_DECLARATION
from residence.wire.receipts import verify_receipt
from server.declaring import new_declaration_id
from server.operators.kiosk_health import health_of
from server.paper_signature import PaperKey
from server.wiring import Server

State = Literal["passed", "look", "failed", "left_out"]
REPORTED_WITHIN: Final = timedelta(minutes=2)
SYNTHETIC: Final = Person(
    full_name="Khách Thử Nghiệm",
    birth=PartialDate(value="1990-01-01", precision="day"),
    sex="female",
    document=Document(kind=DocumentKind.NONE),
)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One part: how it went, the code of what is wrong, and a moment or a number that belongs to it."""

    name: str
    state: State
    code: str = ""
    at: datetime | None = None
    fault: str = ""
    count: int = 0


def self_test(server: Server, premises: Premises) -> tuple[Tried, ...]:
    """Try every part of one house now."""
    now, place = server.clock.now(), Place(premises.commune_code, premises.premises_id)
    recorded, receipt = _synthetic_guest(server, premises, now=now)
    with server.registry.reading() as connection:
        kiosk, gateway = _kiosks(server, connection, place, now=now)
        addresses = addresses_of(connection, premises.premises_id, vault=server.registry.vault)
        parts = (
            recorded,
            receipt,
            _papers(server.paper_key, now=now),
            kiosk,
            gateway,
            _address(any(each.confirmed for each in addresses)),
        )
        return (*parts, *_channels(connection, place), *_authorities(connection, place), *_tokens(connection, place, now=now))


def _synthetic_guest(server: Server, premises: Premises, *, now: datetime) -> tuple[Tried, Tried]:
    said = StayDeclaration(
        declaration_id=new_declaration_id(server),
        declared_at=rfc3339(now),
        person=SYNTHETIC,
        evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader="desk:self-test"),
        declarant=Declarant(role="host"),
        premises_id=premises.premises_id,
        unit=premises.units[0] if premises.units else "1",
        arrival=rfc3339(now),
        planned_departure=rfc3339(now + timedelta(days=1)),
        reason=Reason.TOURISM,
    )
    try:
        recorded = _recorded_and_undone(server, said, now=now)
    except LuutruError as error:
        return Tried(name="record", state="failed", code=error.code), Tried(name="receipt", state="failed", code=error.code)
    if recorded.receipt.state != "accepted":
        code = next((each.code for each in recorded.receipt.findings if each.severity == "error"), "registry.dead_letter")
        return Tried(name="record", state="failed", code=code), Tried(name="receipt", state="failed", code=code)
    return Tried(name="record", state="passed"), _verified(server, recorded)


def _recorded_and_undone(server: Server, said: StayDeclaration, *, now: datetime) -> Recorded:
    body = msgspec.json.encode(said)
    statement = Statement(
        schema=STAY_DECLARATION,
        message=said,
        body=body,
        body_digest=sha256(body).hexdigest(),
        received_at=now,
        origin="desk",
    )
    with server.registry.writing() as connection:
        synthetic = connection.begin_nested()
        (recorded,) = record(
            connection,
            [statement],
            vault=server.registry.vault,
            rules=server.rules,
            signer=server.signer,
            now=now,
            random_bytes=server.random_bytes,
        )
        synthetic.rollback()
    return recorded


def _verified(server: Server, recorded: Recorded) -> Tried:
    with server.registry.reading() as connection:
        ring = Keyring(keyring_entries(connection))
    try:
        verify_receipt(recorded.receipt_bytes, keyring=ring)
    except LuutruError as error:
        return Tried(name="receipt", state="failed", code=error.code)
    return Tried(name="receipt", state="passed")


def _papers(key: PaperKey | None, *, now: datetime) -> Tried:
    """Return whether PDFs are signed, and until when."""
    if key is None:
        return Tried(name="paper", state="left_out")
    if not key.valid_from <= now <= key.valid_to:
        return Tried(name="paper", state="failed", at=key.valid_to)
    return Tried(name="paper", state="look" if step_before(key.valid_to, now=now) else "passed", at=key.valid_to)


def _kiosks(server: Server, connection: Connection, place: Place, *, now: datetime) -> tuple[Tried, Tried]:
    own = [each for each in kiosks_of(connection, place.commune_code) if each.premises_id == place.premises_id]
    standing = [each for each in own if each.retired_at is None]
    if not standing:
        return Tried(name="kiosk", state="left_out"), Tried(name="gateway", state="left_out")
    states = [health_of(each, now=now, silent_after=server.settings.kiosk_silent_after).state for each in standing]
    state: State = "failed" if "lost" in states else "look" if "degraded" in states else "passed"
    reports = latest_reports(connection, since=now - REPORTED_WITHIN)
    alive = any(not is_silent(each, now=now) for each in reports)
    lost = sum(each != "ok" for each in states)
    return Tried(name="kiosk", state=state, count=lost), Tried(name="gateway", state="passed" if alive else "failed")


def _address(confirmed: bool) -> Tried:  # noqa: FBT001 - the one thing it says
    return Tried(name="address", state="passed" if confirmed else "look")


def _channels(connection: Connection, place: Place) -> tuple[Tried, ...]:
    states: dict[str, State] = {"untried": "look", "works": "passed", "fails": "failed"}
    found = channels_of(connection, place.premises_id)
    if not found:
        return (Tried(name="channel", state="left_out"),)
    return tuple(
        Tried(name="channel", state=states[each.state], code=each.name, at=each.state_since, fault=each.fault or "")
        for each in found
    )


def _authorities(connection: Connection, place: Place) -> tuple[Tried, ...]:
    telling = telling_of(connection, place)
    if not telling.bound:
        return (Tried(name="authority", state="left_out"),)
    found = [Tried(name="authority", state="failed" if telling.shut else "passed", count=len(telling.shut))]
    if telling.untold:
        found.append(Tried(name="untold", state="failed", count=telling.untold))
    if telling.waiting:
        found.append(Tried(name="waiting", state="look", count=telling.waiting))
    return tuple(found)


def _tokens(connection: Connection, place: Place, *, now: datetime) -> tuple[Tried, ...]:
    tokens = tokens_of_house(connection, place, now=now)
    return tuple(
        Tried(name="token", state="look" if step_before(each.ends, now=now) else "failed", code=each.called, at=each.ends)
        for each in tokens
    )
