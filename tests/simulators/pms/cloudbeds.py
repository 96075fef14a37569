"""Cloudbeds as its PMS API v1.3 documents it: GET with a query, an API key in a header, pages of at most a hundred, ``success`` in every answer."""

from __future__ import annotations

from datetime import timedelta

from simulators.pms.front import Played, need

SECRETS = {"api_key": "cbat_invented"}
PROPERTY = "3170"
STATUS = {"expected": "confirmed", "in-house": "checked_in", "left": "checked_out", "cancelled": "canceled", "no-show": "no_show"}
TAKES = {
    "getReservations": {"propertyID", "status", "pageNumber", "pageSize", "modifiedFrom", "modifiedTo"},
    "getReservation": {"propertyID", "reservationID"},
}
LOCAL = timedelta(hours=7)


class PlayedCloudbeds(Played):
    def __init__(self, hotel):
        super().__init__()
        self.hotel = hotel

    def answer(self, asked):
        need(asked.method == "GET", 405, "only GET")
        need(asked.headers.get("x-api-key") == SECRETS["api_key"], 401, "key")
        method = asked.path.removeprefix("/api/v1.3/")
        need(method in TAKES, 404, "no such method")
        query = {name: values[0] for name, values in asked.query.items()}
        strange = query.keys() - TAKES[method]
        need(not strange, 400, f"not in the documents: {strange}")
        need(query.get("propertyID") == PROPERTY, 403, "property")
        return self._all(query) if method == "getReservations" else self._one(query)

    def _all(self, query):
        size, number = int(query.get("pageSize", 100)), int(query.get("pageNumber", 1))
        need(1 <= size <= 100 and number >= 1, 400, "page")
        need(query.get("status") in STATUS.values(), 400, "status")
        found = [each for each in self.hotel.bookings.values() if STATUS[each.standing] == query["status"]]
        piece = found[(number - 1) * size : number * size]
        rows = [
            {"reservationID": each.name, "status": STATUS[each.standing], "dateModified": _local(each.changed)} for each in piece
        ]
        return 200, {}, {"success": True, "data": rows, "count": len(rows), "total": len(found)}

    def _one(self, query):
        need("reservationID" in query, 400, "reservationID is required")
        booking = self.hotel.bookings.get(query["reservationID"])
        if booking is None:
            return 200, {}, {"success": False, "message": "Reservation not found"}
        row = {
            "reservationID": booking.name, "propertyID": PROPERTY, "status": STATUS[booking.standing], "dateModified": _local(booking.changed),
            "startDate": _local(booking.arrival)[:10], "endDate": _local(booking.departure)[:10], "adults": booking.people, "children": 0,
            "guestList": {each.ref: self._guest(each, booking.room) for each in booking.guests}, "balance": 12.5, "source": "Website",
        }  # fmt: skip
        return 200, {}, {"success": True, "data": row}

    def _guest(self, guest, room):
        return {
            "guestID": guest.ref, "guestFirstName": guest.given, "guestLastName": guest.family, "guestGender": {"male": "M", "female": "F"}[guest.sex],
            "guestBirthdate": guest.birth, "guestCountry": "VN", "guestDocumentType": "passport" if guest.nationality != "VN" else "dni", "guestDocumentNumber": guest.number or "",
            "guestDocumentIssuingCountry": guest.nationality, "guestDocumentExpirationDate": "", "isAnonymized": False, "isMainGuest": True, "assignedRoom": True,
            "roomName": room, "rooms": [{"roomID": f"{room}-0", "roomName": room}], "guestEmail": "private@example.com",
            "customFields": [{"customFieldName": "Quốc tịch", "customFieldValue": guest.nationality}],
        }  # fmt: skip


def _local(instant):
    return (instant + LOCAL).strftime("%Y-%m-%d %H:%M:%S")
