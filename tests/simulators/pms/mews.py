"""Mews as its Connector API documents it: POST and JSON only, three credentials in the body, required extents and limitations, limits of lists.

Anything the documents do not list in a request is refused, which the real one may not do.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from simulators.pms.front import Played, need

SECRETS = {"client_token": "CLIENT-1", "access_token": "ACCESS-1"}
STATES = {"Inquired", "Confirmed", "Started", "Processed", "Canceled", "Optional", "Requested"}
STATE_OF = {"expected": "Confirmed", "in-house": "Started", "left": "Processed", "cancelled": "Canceled", "no-show": "Canceled"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BASIC = {"ClientToken", "AccessToken", "Client", "LanguageCode", "CultureCode", "Limitation"}
TAKES = {
    "reservations/getAll/2023-06-06": {
        "ReservationIds": 1000,
        "ServiceIds": 1000,
        "States": None,
        "CollidingUtc": None,
        "UpdatedUtc": None,
    },
    "companionships/getAll": {"ReservationIds": 1000, "CustomerIds": 1000, "Extent": None},
    "identityDocuments/getAll": {"CustomerIds": 100, "Types": None},
    "resources/getAll": {"ResourceIds": 1000, "Extent": None},
}


def own(name):
    return str(uuid5(NAMESPACE_URL, name))


class PlayedMews(Played):
    def __init__(self, hotel, page=1000):
        super().__init__()
        self.hotel, self.page = hotel, page

    def answer(self, asked):
        need(asked.method == "POST", 405, "only POST")
        need(asked.headers.get("content-type") == "application/json", 415, "only JSON")
        operation = asked.path.removeprefix("/api/connector/v1/")
        need(operation in TAKES, 404, "no such operation")
        body = json.loads(asked.body)
        need(
            body.get("ClientToken") == SECRETS["client_token"] and body.get("AccessToken") == SECRETS["access_token"],
            401,
            "token",
        )
        need(body.get("Client"), 400, "Client is required")
        strange = body.keys() - BASIC - TAKES[operation].keys()
        need(not strange, 400, f"not in the documents: {strange}")
        for name, most in TAKES[operation].items():
            if most and name in body:
                need(0 < len(body[name]) <= most and all(UUID.fullmatch(each) for each in body[name]), 400, name)
        limits = body.get("Limitation") or {}
        need(isinstance(limits.get("Count"), int) and 1 <= limits["Count"] <= 1000, 400, "Limitation is required")
        rows = getattr(self, "_" + operation.partition("/")[0])(body)
        return self._paged(rows, limits)

    def _paged(self, rows, limits):
        name, items, extra = rows
        start = next((place + 1 for place, each in enumerate(items) if each["Id"] == limits.get("Cursor")), 0)
        piece = items[start : start + min(limits["Count"], self.page)]
        return 200, {}, {name: piece, **extra, "Cursor": piece[-1]["Id"] if piece else None}

    def _reservations(self, body):
        filters = {"ReservationIds", "CollidingUtc", "UpdatedUtc"} & body.keys()
        need(filters, 400, "a filter is required")
        need(set(body.get("States", ())) <= STATES, 400, "States")
        if "CollidingUtc" in body:
            start, end = (datetime.fromisoformat(body["CollidingUtc"][name]) for name in ("StartUtc", "EndUtc"))
            need(timedelta() < end - start <= timedelta(days=92), 400, "The interval must not exceed 3M1D.")
        found = [self._row(each) for each in self.hotel.bookings.values()]
        found = [each for each in found if each["Id"] in body.get("ReservationIds", [each["Id"]])]
        return "Reservations", [each for each in found if each["State"] in body.get("States", STATES)], {}

    def _row(self, booking):
        utc = lambda instant: instant.strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: E731
        state = STATE_OF[booking.standing]
        return {
            "Id": own(booking.name), "ServiceId": own("stay"), "AccountId": own("booker"), "AccountType": "Customer", "Number": "52",
            "State": state, "Origin": "Commander", "CreatedUtc": utc(booking.arrival), "UpdatedUtc": utc(booking.changed),
            "ScheduledStartUtc": utc(booking.arrival), "ScheduledEndUtc": utc(booking.departure),
            "ActualStartUtc": utc(booking.arrival) if state in {"Started", "Processed"} else None,
            "ActualEndUtc": utc(booking.left) if booking.left else None,
            "CancellationReason": "NoShow" if booking.standing == "no-show" else None,
            "AssignedResourceId": own(f"room {booking.room}"), "PersonCounts": [{"AgeCategoryId": own("adult"), "Count": booking.people}],
            "RateId": own("rate"), "GroupId": own("group"), "Options": {},
        }  # fmt: skip

    def _companionships(self, body):
        need(isinstance(body.get("Extent"), dict), 400, "Extent is required")
        need({"ReservationIds", "CustomerIds"} & body.keys(), 400, "a filter is required")
        rows, customers = [], {}
        for each in self.hotel.bookings.values():
            if own(each.name) in body["ReservationIds"]:
                for guest in each.guests:
                    rows.append({"Id": own(each.name + guest.ref), "CustomerId": own(guest.ref), "ReservationGroupId": own("group"), "ReservationId": own(each.name)})  # fmt: skip
                    customers[guest.ref] = self._customer(guest)
        wanted = body["Extent"].get("Customers")
        return "Companionships", rows, {"Customers": list(customers.values()) if wanted else None, "Reservations": None}

    def _customer(self, guest):
        return {
            "Id": own(guest.ref), "Number": "1", "FirstName": guest.given, "LastName": guest.family, "SecondLastName": None, "Sex": guest.sex.title(),
            "NationalityCode": guest.nationality, "BirthDate": guest.birth, "Email": "private@example.com", "Phone": "0900000000", "Notes": "likes a quiet room",
        }  # fmt: skip

    def _identityDocuments(self, body):  # noqa: N802
        need("CustomerIds" in body, 400, "CustomerIds is required")
        guests = {own(each.ref): each for booking in self.hotel.bookings.values() for each in booking.guests}
        rows = [
            {"Id": own(known + "document"), "CustomerId": known, "Type": "Passport" if each.nationality != "VN" else "IdentityCard", "Number": each.number, "ExpirationDate": None, "IssuingCountryCode": each.nationality}
            for known, each in guests.items()
            if known in body["CustomerIds"] and each.number
        ]  # fmt: skip
        return "IdentityDocuments", rows, {}

    def _resources(self, body):
        need(isinstance(body.get("Extent"), dict), 400, "Extent is required")
        rooms = {own(f"room {each}"): each for each in self.hotel.rooms}
        return (
            "Resources",
            [{"Id": each, "Name": rooms[each], "IsActive": True} for each in body["ResourceIds"] if each in rooms],
            {},
        )
