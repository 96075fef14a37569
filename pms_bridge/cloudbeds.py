"""Cloudbeds, by its PMS API v1.3: GET, an API key in a header, pages by number, one call for each booking's guests.

- Days, not hours, are kept of an arrival: the hour is when the booking was changed, if that was the same night (``port.arrival_on``).
- A guest's country is where they live, not their nationality, and no documented field is that: the settings say where the house keeps it.
- Its documentation allows a property five requests a second; an answer that says ``success: false`` is a no.

Example: ``Cloudbeds(property_, line=line, secrets=secrets, now=now).in_house()``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pms_bridge.line import VendorLine, good
from pms_bridge.port import (
    Booking,
    Glimpse,
    PmsDocument,
    PmsGuest,
    Sex,
    Standing,
    arrival_on,
    full_name,
    three_letters,
    vietnam_time,
)  # fmt: skip
from pms_bridge.settings import CloudbedsSettings, PropertySettings
from residence.clock import VIETNAM
from residence.errors import Refused

NEEDED: Final = ("api_key",)
PATH: Final = "/api/v1.3/"
PAGE: Final = 100
STANDINGS: Final[Mapping[str, Standing]] = {
    "checked_in": "in-house", "checked_out": "left", "canceled": "cancelled", "no_show": "no-show",
}  # fmt: skip
SEXES: Final[Mapping[str, Sex]] = {"M": "male", "F": "female"}
CUSTOM: Final = "custom:"


class Cloudbeds:
    """One property of Cloudbeds."""

    def __init__(
        self,
        settings: PropertySettings,
        *,
        line: VendorLine,
        secrets: Callable[[], Mapping[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        if settings.cloudbeds is None:
            raise Refused("pms.property_incomplete", "/cloudbeds")
        self._settings: Final = settings
        self._own: Final[CloudbedsSettings] = settings.cloudbeds
        self._line: Final = line
        self._secrets: Final = secrets
        self._now: Final = now

    def in_house(self) -> Sequence[Glimpse]:
        """Return the reservations with status ``checked_in``."""
        found: list[Glimpse] = []
        page = 1
        while True:
            told = self._call("getReservations", {"status": "checked_in", "pageNumber": page, "pageSize": PAGE})
            rows = told["data"]
            found += [Glimpse(reservation=each["reservationID"], changed=each.get("dateModified") or "") for each in rows]
            if len(rows) < PAGE:
                return found
            page += 1

    def read(self, reservations: Sequence[str]) -> Iterator[Booking]:
        """Yield reservations with their guests, one call each."""
        for each in reservations:
            told = self._call("getReservation", {"reservationID": each}, or_nothing=True)
            yield self._booking(told["data"]) if told else self._unknown(each)

    def _booking(self, row: Mapping[str, Any]) -> Booking:
        changed = self._instant(row.get("dateModified")) or self._now()
        standing = STANDINGS.get(row["status"], "expected")
        guests = row.get("guestList") or {}
        people = [int(row[name]) for name in ("adults", "children") if str(row.get(name) or "").isdigit()]
        return Booking(
            reservation=row["reservationID"],
            standing=standing,
            changed=vietnam_time(changed),
            arrival=arrival_on(
                row["startDate"], changed=changed if standing == "in-house" else None, check_in_hour=self._settings.check_in_hour
            ),
            departure=str(row["endDate"])[:10],
            left=vietnam_time(changed) if standing == "left" else None,
            guests=tuple(self._guest(each) for each in guests.values() if not each.get("isAnonymized"))
            if standing == "in-house"
            else (),
            people=sum(people) or None,
        )

    def _guest(self, row: Mapping[str, Any]) -> PmsGuest:
        number = row.get("guestDocumentNumber")
        document = None
        if number:
            expiry = str(row.get("guestDocumentExpirationDate") or "")[:10] or None
            issuer = three_letters(row.get("guestDocumentIssuingCountry"))
            document = PmsDocument(kind=row.get("guestDocumentType") or "", number=number, issuer=issuer, expiry=expiry)
        rooms = [each.get("roomName") for each in row.get("rooms") or ()] or [row.get("roomName")]
        return PmsGuest(
            ref=str(row["guestID"]),
            full_name=full_name(row.get("guestLastName"), row.get("guestFirstName")),
            room=rooms[-1],
            birth=str(row.get("guestBirthdate") or "")[:10] or None,
            sex=SEXES.get(row.get("guestGender") or ""),
            nationality=self._nationality(row),
            document=document,
        )

    def _nationality(self, row: Mapping[str, Any]) -> str | None:
        field = self._own.nationality
        if not field.startswith(CUSTOM):
            return three_letters(row.get(field)) if field else None
        wanted = field.removeprefix(CUSTOM)
        named = (each.get("customFieldValue") for each in row.get("customFields") or () if each.get("customFieldName") == wanted)
        return three_letters(next(named, None))

    def _unknown(self, reservation: str) -> Booking:
        now = vietnam_time(self._now())
        return Booking(reservation=reservation, standing="unknown", changed=now, arrival=now)

    def _instant(self, text: object) -> datetime | None:
        if not text:
            return None
        try:
            read = datetime.fromisoformat(str(text))
        except ValueError as error:
            raise Refused("pms.vendor_answer", detail="a time that is none") from error
        zone = UTC if self._own.clock == "utc" else VIETNAM
        return read if read.tzinfo else read.replace(tzinfo=zone)

    def _call(self, method: str, asked: Mapping[str, Any], *, or_nothing: bool = False) -> Mapping[str, Any]:
        headers = {"x-api-key": self._secrets()["api_key"], "X-PROPERTY-ID": self._own.property_id}
        query = {"propertyID": self._own.property_id, **asked}
        told = good(self._line.call("GET", f"{PATH}{method}", headers=headers, query=query))
        if not isinstance(told, dict):
            raise Refused("pms.vendor_answer", detail=method)
        if told.get("success") is not True:
            if or_nothing:
                return {}
            raise Refused("pms.vendor_answer", detail=method)
        return told
