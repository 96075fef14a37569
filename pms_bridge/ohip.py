"""Oracle OHIP, by its property APIs: a bearer token for an hour, the application's key and the hotel's id in headers, pages by offset.

- Who is in the house is asked of the reservations, not taken from the queue of business events: reading empties that queue, so what is taken from it
  and not kept is lost for ever.
- Days, not hours, are kept of an arrival (``port.arrival_on``).
- Where a profile keeps a birth date, a nationality and documents is a setting with a default, for a house may keep them elsewhere.
- Its documentation throttles above fifty requests a second for all of an environment's callers together.

Example: ``Ohip(property_, line=line, secrets=secrets, now=now).in_house()``
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from pms_bridge.line import NO_CONTENT, NOT_FOUND, Answer, VendorLine, good
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
from pms_bridge.settings import OhipSettings, PropertySettings
from residence.clock import VIETNAM
from residence.errors import Refused

NEEDED: Final = ("client_id", "client_secret", "app_key")
PAGE: Final = 100
UNAUTHORIZED: Final = 401
SEXES: Final[Mapping[str, Sex]] = {"male": "male", "female": "female"}
STANDINGS: Final[Mapping[str, Standing]] = {
    "InHouse": "in-house", "CheckedOut": "left", "Cancelled": "cancelled", "NoShow": "no-show", "DueOut": "in-house",
}  # fmt: skip


class Ohip:
    """One hotel of OPERA Cloud."""

    def __init__(
        self,
        settings: PropertySettings,
        *,
        line: VendorLine,
        secrets: Callable[[], Mapping[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        if settings.ohip is None:
            raise Refused("pms.property_incomplete", "/ohip")
        self._settings: Final = settings
        self._own: Final[OhipSettings] = settings.ohip
        self._line: Final = line
        self._secrets: Final = secrets
        self._now: Final = now
        self._token: tuple[str, datetime] | None = None

    def in_house(self) -> Sequence[Glimpse]:
        """Return the reservations a search for ``InHouse`` finds."""
        found: list[Glimpse] = []
        while True:
            asked = {"searchType": "InHouse", "limit": PAGE, "offset": len(found)}
            answer = self._get(f"/rsv/v1/hotels/{self._hotel}/reservations", asked)
            if answer.status == NO_CONTENT:
                return found
            told = good(answer)["reservations"]
            rows = told.get("reservationInfo") or []
            found += [Glimpse(reservation=_own_id(each), changed=each.get("lastModifyDateTime") or "") for each in rows]
            if not told.get("hasMore") or not rows:
                return found

    def read(self, reservations: Sequence[str]) -> Iterator[Booking]:
        """Yield reservations with the profiles of their guests, one call for each."""
        for each in reservations:
            answer = self._get(f"/rsv/v1/hotels/{self._hotel}/reservations/{quote(each, safe='')}", {})
            rows = [] if answer.status in {NO_CONTENT, NOT_FOUND} else good(answer)["reservations"].get("reservation") or []
            yield self._booking(each, rows[0]) if rows else self._unknown(each)

    @property
    def _hotel(self) -> str:
        return quote(self._own.hotel_id, safe="")

    def _booking(self, reservation: str, row: Mapping[str, Any]) -> Booking:
        stay = row["roomStay"]
        changed = _instant(row.get("lastModifyDateTime")) or self._now()
        standing = STANDINGS.get(row.get("reservationStatus") or "", "expected")
        room = (stay.get("currentRoomInfo") or {}).get("roomId") or stay.get("roomId")
        counts = stay.get("guestCounts") or {}
        here = standing == "in-house"
        return Booking(
            reservation=reservation,
            standing=standing,
            changed=vietnam_time(changed),
            arrival=arrival_on(
                stay["arrivalDate"], changed=changed if here else None, check_in_hour=self._settings.check_in_hour
            ),
            departure=str(stay["departureDate"])[:10],
            left=vietnam_time(changed) if standing == "left" else None,
            guests=tuple(self._guests(row, room)) if here else (),
            people=sum(int(counts.get(name) or 0) for name in ("adults", "children")) or None,
        )

    def _guests(self, row: Mapping[str, Any], room: str | None) -> Iterator[PmsGuest]:
        for each in row.get("reservationGuests") or ():
            ids = [known["id"] for known in each["profileInfo"].get("profileIdList") or () if known.get("type") == "Profile"]
            if ids:
                yield self._guest(str(ids[0]), room)

    def _guest(self, profile_id: str, room: str | None) -> PmsGuest:
        asked = {"fetchInstructions": list(self._own.profile_parts)}
        told = good(self._get(f"/crm/v1/profiles/{quote(profile_id, safe='')}", asked))
        names = at(told, "profileDetails/customer/personName") or []
        name = next((each for each in names if each.get("nameType") == "Primary"), names[0] if names else {})
        return PmsGuest(
            ref=profile_id,
            full_name=full_name(name.get("surname"), name.get("middleName"), name.get("givenName")),
            room=room,
            birth=str(at(told, self._own.birth) or "")[:10] or None,
            sex=SEXES.get(str(at(told, self._own.sex) or "").lower()),
            nationality=three_letters(at(told, self._own.nationality)),
            document=self._document(at(told, self._own.identifications) or []),
        )

    def _document(self, rows: Sequence[Mapping[str, Any]]) -> PmsDocument | None:
        open_ones = [each.get("identification") or each for each in rows]
        numbered = [each for each in open_ones if each.get("idNumber")]
        best = min(numbered, key=lambda each: each.get("idType") not in self._settings.documents, default=None)
        if best is None:
            return None
        return PmsDocument(
            kind=best.get("idType") or "",
            number=best["idNumber"],
            issuer=three_letters(best.get("issuedCountry")),
            expiry=str(best.get("expirationDate") or "")[:10] or None,
        )

    def _unknown(self, reservation: str) -> Booking:
        now = vietnam_time(self._now())
        return Booking(reservation=reservation, standing="unknown", changed=now, arrival=now)

    def _get(self, path: str, query: Mapping[str, Any]) -> Answer:
        answer = self._asked(path, query)
        if answer.status == UNAUTHORIZED:  # a token may be ended before its time
            self._token = None
            answer = self._asked(path, query)
        return answer

    def _asked(self, path: str, query: Mapping[str, Any]) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._bearer()}",
            "x-app-key": self._secrets()["app_key"],
            "x-hotelid": self._own.hotel_id,
        }
        return self._line.call("GET", path, headers=headers, query=query)

    def _bearer(self) -> str:
        now = self._now()
        if self._token is None or now >= self._token[1]:
            secrets = self._secrets()
            pair = b64encode(f"{secrets['client_id']}:{secrets['client_secret']}".encode()).decode()
            headers = {
                "Authorization": f"Basic {pair}",
                "x-app-key": secrets["app_key"],
                "Content-Type": "application/x-www-form-urlencoded",
            }
            if self._own.scope:
                form = {"grant_type": "client_credentials", "scope": self._own.scope}
                headers["enterpriseId"] = self._own.enterprise_id
            else:
                form = {
                    "grant_type": "password",
                    "username": secrets.get("username", ""),
                    "password": secrets.get("password", ""),
                }
            told = good(self._line.call("POST", "/oauth/v1/tokens", headers=headers, body=urlencode(form).encode()))
            self._token = (told["access_token"], now + timedelta(seconds=max(0, int(told.get("expires_in") or 0) - 60)))
        return self._token[0]


def at(told: Any, path: str) -> Any:
    """Return what lies at a path of an answer, None where there is nothing.

    >>> at({"a": {"b": 1}}, "a/b"), at({"a": None}, "a/b")
    (1, None)
    """
    for part in path.split("/"):
        told = told.get(part) if isinstance(told, dict) else None
    return told


def _own_id(row: Mapping[str, Any]) -> str:
    ids = row.get("reservationIdList") or ()
    return str(next(each["id"] for each in ids if each.get("type") == "Reservation"))


def _instant(text: object) -> datetime | None:
    if not text:
        return None
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Refused("pms.vendor_answer", detail="a time that is none") from error
    return read.replace(tzinfo=VIETNAM) if read.tzinfo is None else read.astimezone(UTC)
