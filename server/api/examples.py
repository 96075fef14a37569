"""What a caller may send, shown: one example of every body, about an invented guest at an invented house.

- The test of the document sends each of them and records what they state, so an example cannot grow old.

Example: ``BODIES["postChange"]["extend"]["value"]["until"]``
"""

from __future__ import annotations

from typing import Any, Final

DECLARATION: Final[dict[str, Any]] = {
    "declaration_id": "019f4b7e-8a10-7c31-9d5e-3b6f20a1c4d7",
    "declared_at": "2026-07-10T15:00:00+07:00",
    "person": {
        "full_name": "Trần Văn Mẫu",
        "birth": {"value": "1995-02-01", "precision": "day"},
        "sex": "male",
        "nationality": "VNM",
        "personal_number": "001095000117",
    },
    "evidence": {"level": 0, "source": "typed"},
    "declarant": {"role": "host"},
    "premises_id": "htl-sao-mai",
    "unit": "201",
    "arrival": "2026-07-10T14:30:00+07:00",
    "planned_departure": "2026-07-12T12:00:00+07:00",
    "reason": "tourism",
}
SECOND: Final[dict[str, Any]] = DECLARATION | {"declaration_id": "019f4b7e-8a11-7c31-9d5e-3b6f20a1c4d8", "unit": "202"}
GUEST: Final[dict[str, Any]] = {
    "reference": "R-1047",
    "full_name": "Trần Văn Mẫu",
    "number": "001095000117",
    "unit": "201",
    "arrival": "2026-07-10",
    "departure": "2026-07-12",
}
PMS_EVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "ev-90021",
    "source": "pms:htl-sao-mai",
    "type": "stay.guest.checked_in",
    "time": "2026-07-10T14:35:00+07:00",
    "data": {
        "premises_id": "htl-sao-mai",
        "reservation": "R-1048",
        "room": "202",
        "arrival": "2026-07-10T14:30:00+07:00",
        "departure_planned": "2026-07-12",
        "purpose_of_stay": "tourism",
        "person": {
            "ref": "P-1",
            "full_name": "Lê Thị Mẫu",
            "birth": {"value": "1990", "precision": "year"},
            "sex": "female",
            "personal_number": "001190000118",
        },
    },
}


def _later(kind: str, number: int, **data: str) -> dict[str, Any]:
    return PMS_EVENT | {"id": f"ev-9002{number}", "type": f"stay.guest.{kind}", "data": PMS_EVENT["data"] | data}


BODIES: Final[dict[str, dict[str, Any]]] = {
    "postDeclaration": {"arrival": {"summary": "A guest arrives.", "value": DECLARATION}},
    "checkDeclaration": {"arrival": {"summary": "A guest arrives.", "value": DECLARATION}},
    "postPmsEvent": {
        "checked_in": {"summary": "A guest checked in.", "value": PMS_EVENT},
        "moved": {"summary": "Another room.", "value": _later("moved", 2, room="201")},
        "extended": {"summary": "Two nights more.", "value": _later("extended", 3, departure_planned="2026-07-14")},
        "checked_out": {
            "summary": "The guest left.",
            "value": _later("checked_out", 4, departed_at="2026-07-12T09:30:00+07:00"),
        },
        "cancelled": {"summary": "It was a mistake.", "value": _later("cancelled", 5, why="mistake")},
    },
    "postBatch": {"two": {"summary": "Two rooms.", "value": {"declarations": [DECLARATION, SECOND]}}},
    "postCheckOut": {"then": {"summary": "The guest left at ten.", "value": {"left_at": "2026-07-12T10:00:00+07:00"}}},
    "postChange": {
        "extend": {"summary": "Two nights more.", "value": {"change": "extend", "until": "2026-07-14T12:00:00+07:00"}},
        "move": {"summary": "Another room.", "value": {"change": "move", "unit": "202"}},
        "withdraw": {"summary": "Did not come.", "value": {"change": "withdraw", "why": "no-show"}},
        "undo": {"summary": "The last word was a mistake.", "value": {"change": "undo"}},
    },
    "postWebhook": {
        "all": {"summary": "Everything, everywhere.", "value": {"url": "https://pms.example/luutru"}},
        "refusals": {
            "summary": "What was refused at one house, checked with a public key.",
            "value": {
                "url": "https://pms.example/luutru/refused",
                "signing": "ed25519",
                "premises_ids": ["htl-sao-mai"],
                "types": ["declaration.refused"],
            },
        },
    },
    "postWebhookStep": {
        "rotate": {"summary": "A new key.", "value": {"step": "rotate"}},
        "test": {"summary": "Is the way open?", "value": {"step": "test"}},
        "pause": {"summary": "Not now.", "value": {"step": "pause"}},
        "resume": {"summary": "Go on.", "value": {"step": "resume"}},
        "replay": {"summary": "Everything of today again.", "value": {"step": "replay", "since": "2026-07-10T00:00:00+07:00"}},
    },
    "postReconciliation": {"one": {"summary": "One guest in the house.", "value": {"guests": [GUEST]}}},
    "postClose": {
        "agrees": {"summary": "The list agrees.", "value": {"guests": [GUEST]}},
        "open": {
            "summary": "A guest whose papers are awaited.",
            "value": {
                "guests": [GUEST, {"reference": "R-1050", "full_name": "Đỗ Văn Mẫu", "unit": "202"}],
                "reasons": [{"kind": "not-declared", "about": "R-1050", "reason": "papers-awaited"}],
            },
        },
    },
}
# status of an operation -> what of its answer leads on: operation -> parameter -> where it stands in the answer
LINKS: Final[dict[tuple[str, int], dict[str, tuple[str, str]]]] = {
    ("postDeclaration", 201): {"getReceipt": ("declaration_id", "/receipt/declaration_id")},
    ("postBatch", 200): {"getBatch": ("batch_id", "/batch_id")},
    ("postCheckOut", 201): {"getReceipt": ("declaration_id", "/receipt/declaration_id")},
    ("postChange", 201): {"getReceipt": ("declaration_id", "/receipt/declaration_id")},
    ("getPremises", 200): {
        "getStays": ("premises_id", "/0/premises_id"),
        "postReconciliation": ("premises_id", "/0/premises_id"),
        "postClose": ("premises_id", "/0/premises_id"),
        "getCloses": ("premises_id", "/0/premises_id"),
    },
    ("getStays", 200): {
        "getStay": ("stay_id", "/items/0/stay_id"),
        "postChange": ("stay_id", "/items/0/stay_id"),
        "postCheckOut": ("stay_id", "/items/0/stay_id"),
    },
    ("postWebhook", 201): {"getWebhook": ("hook_id", "/hook_id"), "postWebhookStep": ("hook_id", "/hook_id")},
    ("getWebhooks", 200): {"getDeliveries": ("hook_id", "/0/hook_id"), "getWebhookKey": ("hook_id", "/0/hook_id")},
    ("getEvents", 200): {"getReceipt": ("declaration_id", "/items/0/id")},
}
