"""Oracle OHIP as its property APIs document it: a token for an hour, ``x-app-key`` and ``x-hotelid`` on every call, 204 for nothing found."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import timedelta
from urllib.parse import parse_qs

from simulators.pms.front import Played, need

SECRETS = {
    "client_id": "CLIENT",
    "client_secret": "SECRET",
    "app_key": "41ecd082-8997-4c69-af34-2f72b83645ff",
    "username": "",
    "password": "",
}
HOTEL, SCOPE, ENTERPRISE = "HTL1", "urn:invented:scope", "ENT123"
STATUS = {"expected": "Reserved", "in-house": "InHouse", "left": "CheckedOut", "cancelled": "Cancelled", "no-show": "NoShow"}
APP_KEY = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}")
LOCAL = timedelta(hours=7)


class PlayedOhip(Played):
    def __init__(self, hotel):
        super().__init__()
        self.hotel, self.tokens = hotel, 0

    def answer(self, asked):
        need(APP_KEY.fullmatch(asked.headers.get("x-app-key", "")), 400, "x-app-key")
        if asked.path == "/oauth/v1/tokens":
            return self._token(asked)
        need(asked.headers.get("authorization") == f"Bearer token-{self.tokens}", 401, "token")
        need(asked.headers.get("x-hotelid") == HOTEL, 403, "x-hotelid")
        need(asked.method == "GET", 405, "only GET")
        if asked.path == f"/rsv/v1/hotels/{HOTEL}/reservations":
            return self._search(asked.query)
        if asked.path.startswith(f"/rsv/v1/hotels/{HOTEL}/reservations/"):
            return self._one(asked.path.rpartition("/")[2])
        need(asked.path.startswith("/crm/v1/profiles/"), 404, "no such path")
        return self._profile(asked.path.rpartition("/")[2])

    def _token(self, asked):
        need(asked.method == "POST", 405, "only POST")
        need(asked.headers.get("content-type") == "application/x-www-form-urlencoded", 415, "a form")
        need(asked.headers.get("authorization") == "Basic " + b64encode(b"CLIENT:SECRET").decode(), 401, "client")
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        need(form == {"grant_type": "client_credentials", "scope": SCOPE}, 400, "grant")
        need(asked.headers.get("enterpriseid") == ENTERPRISE, 400, "enterpriseId")
        self.tokens += 1
        return 200, {}, {"access_token": f"token-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"}

    def _search(self, query):
        need(query.keys() <= {"searchType", "limit", "offset"}, 400, "query")
        need(query["searchType"] == ["InHouse"], 400, "searchType")
        limit, offset = int(query["limit"][0]), int(query["offset"][0])
        found = [each for each in self.hotel.bookings.values() if each.standing == "in-house"]
        piece = found[offset : offset + limit]
        if not piece:
            return 204, {}, None
        rows = [{"reservationIdList": _ids(each), "lastModifyDateTime": _local(each.changed), "roomStay": {}} for each in piece]
        return (
            200,
            {},
            {"reservations": {"reservationInfo": rows, "hasMore": offset + limit < len(found), "totalResults": len(found)}},
        )

    def _one(self, name):
        booking = self.hotel.bookings.get(name)
        if booking is None:
            return 404, {}, {"title": "not found"}
        row = {
            "reservationIdList": _ids(booking), "hotelId": HOTEL, "reservationStatus": STATUS[booking.standing], "lastModifyDateTime": _local(booking.changed),
            "roomStay": {"arrivalDate": _local(booking.arrival)[:10], "departureDate": _local(booking.departure)[:10], "currentRoomInfo": {"roomId": booking.room}, "guestCounts": {"adults": booking.people, "children": 0}},
            "reservationGuests": [{"profileInfo": {"profileIdList": [{"id": each.ref, "type": "Profile"}]}, "primary": not place} for place, each in enumerate(booking.guests)],
        }  # fmt: skip
        return 200, {}, {"reservations": {"reservation": [row]}}

    def _profile(self, ref):
        guest = next((each for one in self.hotel.bookings.values() for each in one.guests if each.ref == ref), None)
        need(guest is not None, 404, "profile")
        documents = [
            {
                "identification": {
                    "idType": "PASSPORT" if guest.nationality != "VN" else "CCCD",
                    "idNumber": guest.number,
                    "issuedCountry": guest.nationality,
                }
            }
        ]
        customer = {
            "personName": [{"givenName": "ALIAS", "surname": "X", "nameType": "Alternate"}, {"givenName": guest.given, "surname": guest.family, "nameType": "Primary"}],
            "birthDate": guest.birth, "gender": guest.sex.title(), "nationality": guest.nationality, "identifications": {"identificationInfo": documents if guest.number else []},
        }  # fmt: skip
        return (
            200,
            {},
            {
                "profileDetails": {
                    "customer": customer,
                    "emails": {"emailInfo": [{"email": {"emailAddress": "private@example.com"}}]},
                }
            },
        )


def _ids(booking):
    return [{"id": "C-1", "type": "Confirmation"}, {"id": booking.name, "type": "Reservation"}]


def _local(instant):
    return (instant + LOCAL).strftime("%Y-%m-%d %H:%M:%S.0")
