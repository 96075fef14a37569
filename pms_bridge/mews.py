"""Mews, by its Connector API: POST and JSON, the two tokens in every body, pages by cursor.

- Who is in the house are the reservations in state ``Started`` that collide with the last ninety days; the documentation limits an interval to three
  months. Who occupies a room are the reservation's companions, not who booked it.
- Documents have a call of their own, for at most a hundred customers.
- Its documentation allows 200 requests in 30 seconds for a token and asks for a pause with 429 and ``Retry-After``.

Example: ``Mews(property_, line=line, secrets=secrets, now=now).in_house()``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from pms_bridge.line import VendorLine, good
from pms_bridge.port import (
    Booking,
    Glimpse,
    PmsDocument,
    PmsGuest,
    Sex,
    Standing,
    full_name,
    in_pieces,
    three_letters,
    vietnam_time,
)
from pms_bridge.settings import PropertySettings
from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed, Refused

NEEDED: Final = ("client_token", "access_token")
STANDINGS: Final[Mapping[str, Standing]] = {"Started": "in-house", "Processed": "left", "Canceled": "cancelled"}
SEXES: Final[Mapping[str, Sex]] = {"Male": "male", "Female": "female"}
PAGE: Final = 1000
DOCUMENTS_AT_ONCE: Final = 100
BACK: Final = timedelta(days=88)
Rows = list[dict[str, Any]]


class Mews:
    """One enterprise of Mews."""

    def __init__(
        self,
        settings: PropertySettings,
        *,
        line: VendorLine,
        secrets: Callable[[], Mapping[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        self._settings: Final = settings
        self._line: Final = line
        self._secrets: Final = secrets
        self._now: Final = now
        self._rooms: dict[str, str] = {}

    def in_house(self) -> Sequence[Glimpse]:
        """Return the reservations in state ``Started``."""
        now = self._now()
        asked: dict[str, Any] = {
            "States": ["Started"],
            "CollidingUtc": {"StartUtc": _utc(now - BACK), "EndUtc": _utc(now + timedelta(days=1))},
        }
        if self._settings.mews.services:
            asked["ServiceIds"] = list(self._settings.mews.services)
        return [Glimpse(reservation=each["Id"], changed=each["UpdatedUtc"]) for each in self._reservations(asked)]

    def read(self, reservations: Sequence[str]) -> Iterator[Booking]:
        """Yield reservations with their companions and the documents of these."""
        for piece in in_pieces(reservations, DOCUMENTS_AT_ONCE):
            rows = {each["Id"]: each for each in self._reservations({"ReservationIds": piece})}
            people = self._people([each for each in rows.values() if each["State"] == "Started"])
            self._learn_rooms({each["AssignedResourceId"] for each in rows.values() if each.get("AssignedResourceId")})
            for wanted in piece:
                row = rows.get(wanted)
                yield self._booking(row, people.get(wanted, [])) if row else _unknown(wanted, self._now())

    def _booking(self, row: Mapping[str, Any], people: Sequence[PmsGuest]) -> Booking:
        room = self._rooms.get(row.get("AssignedResourceId") or "")
        standing = STANDINGS.get(row["State"], "expected")
        if standing == "cancelled" and row.get("CancellationReason") == "NoShow":
            standing = "no-show"
        left = row.get("ActualEndUtc") or row.get("ScheduledEndUtc")
        return Booking(
            reservation=row["Id"],
            standing=standing,
            changed=_said(row["UpdatedUtc"]),
            arrival=_said(row.get("ActualStartUtc") or row["ScheduledStartUtc"]),
            departure=_said(row["ScheduledEndUtc"]),
            left=_said(left) if left and standing == "left" else None,
            guests=tuple(msgspec.structs.replace(each, room=room) for each in people),
            people=sum(each["Count"] for each in row.get("PersonCounts") or ()) or None,
        )

    def _people(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[PmsGuest]]:
        if not rows:
            return {}
        bound: list[tuple[str, str]] = []
        customers: dict[str, dict[str, Any]] = {}
        asked = {"ReservationIds": [each["Id"] for each in rows], "Extent": {"Customers": True}}
        for page in self._pages("companionships/getAll", asked):
            bound += [
                (each["ReservationId"], each["CustomerId"]) for each in page["Companionships"] or () if each.get("ReservationId")
            ]
            customers |= {each["Id"]: each for each in page["Customers"] or ()}
        documents = self._documents(sorted(customers))
        found: dict[str, list[PmsGuest]] = {}
        for reservation, customer in dict.fromkeys(bound):
            if customer in customers:
                found.setdefault(reservation, []).append(self._guest(customers[customer], documents.get(customer, [])))
        return found

    def _documents(self, customers: Sequence[str]) -> dict[str, Rows]:
        found: dict[str, Rows] = {}
        for piece in in_pieces(customers, DOCUMENTS_AT_ONCE):
            for page in self._pages("identityDocuments/getAll", {"CustomerIds": piece}):
                for each in page["IdentityDocuments"] or ():
                    found.setdefault(each["CustomerId"], []).append(each)
        return found

    def _guest(self, customer: Mapping[str, Any], documents: Rows) -> PmsGuest:
        known = self._settings.documents
        numbered = [each for each in documents if each.get("Number")]
        best = min(numbered, key=lambda each: (each["Type"] not in known, each["Type"]), default=None)
        return PmsGuest(
            ref=customer["Id"],
            full_name=full_name(customer.get("LastName"), customer.get("SecondLastName"), customer.get("FirstName")),
            birth=(customer.get("BirthDate") or "")[:10] or None,
            sex=SEXES.get(customer.get("Sex") or ""),
            nationality=three_letters(customer.get("NationalityCode")),
            document=_document(best) if best else None,
        )

    def _learn_rooms(self, ids: set[str]) -> None:
        for piece in in_pieces(sorted(ids - self._rooms.keys()), PAGE):
            for page in self._pages("resources/getAll", {"ResourceIds": piece, "Extent": {"Resources": True}}):
                self._rooms |= {each["Id"]: each["Name"] for each in page["Resources"] or ()}

    def _reservations(self, asked: Mapping[str, Any]) -> Rows:
        return [row for page in self._pages("reservations/getAll/2023-06-06", asked) for row in page["Reservations"]]

    def _pages(self, operation: str, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        cursor = None
        while True:
            limits = {"Count": PAGE} | ({"Cursor": cursor} if cursor else {})
            page = self._call(operation, {**asked, "Limitation": limits})
            yield page
            rows = max((len(each) for each in page.values() if isinstance(each, list)), default=0)
            if not page.get("Cursor") or page["Cursor"] == cursor or rows < PAGE:
                return
            cursor = page["Cursor"]

    def _call(self, operation: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        secrets = self._secrets()
        body = {
            "ClientToken": secrets["client_token"],
            "AccessToken": secrets["access_token"],
            "Client": self._settings.mews.client,
            **asked,
        }
        told = good(
            self._line.call(
                "POST",
                f"/api/connector/v1/{operation}",
                headers={"Content-Type": "application/json"},
                body=msgspec.json.encode(body),
            )
        )
        if not isinstance(told, dict):
            raise Refused("pms.vendor_answer", detail=operation)
        return told


def _document(row: Mapping[str, Any]) -> PmsDocument:
    expiry = (row.get("ExpirationDate") or "")[:10] or None
    return PmsDocument(kind=row["Type"], number=row["Number"], issuer=three_letters(row.get("IssuingCountryCode")), expiry=expiry)


def _unknown(reservation: str, now: datetime) -> Booking:
    return Booking(reservation=reservation, standing="unknown", changed=vietnam_time(now), arrival=vietnam_time(now))


def _utc(instant: datetime) -> str:
    return rfc3339(instant.replace(microsecond=0)).replace("+00:00", "Z")


def _said(text: str) -> str:
    try:
        return vietnam_time(parse_instant(text))
    except Malformed as error:
        raise Refused("pms.vendor_answer", detail="a time that is none") from error
