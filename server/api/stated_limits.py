"""Every limit a program or a list can meet, told where it can be asked for: limits are told, not discovered.

- Each number is the one the server decides by, taken from where it decides; a test finds every limit of the API that is not told here.
- ``text``: JSON pointer into a declaration -> how many letters may stand there.
- What is configured is told as it is configured here; the longest stay is that of the rule set of today.

Example: ``GET /v1/limits`` -> ``{"batch_declarations": 500, "import_lines": 50000, "text": {"/unit": 32, ...}, ...}``
"""

from __future__ import annotations

from typing import Final

import msgspec

from registry.api_requests import KEPT_FOR
from registry.day_closes import MOST as MOST_CLOSES
from registry.importing.lists import LARGEST_UNPACKED, MOST_LINES
from registry.importing.reading import LONGEST_CELL
from registry.webhooks import MOST as MOST_WEBHOOKS
from residence.people.names import LONGEST_NAME
from residence.stays.check import LONGEST, LONGEST_OF_STAFF
from residence.stays.check_person import LONGEST_NUMBER, LONGEST_RESIDENCE
from residence.wire.webhooks import GIVE_UP, SILENT_AT_MOST
from server.api.batches import LARGEST as LARGEST_BATCH
from server.api.batches import MOST as MOST_IN_A_BATCH
from server.api.declarations import LARGEST as LARGEST_DECLARATION
from server.api.once import LONGEST as LONGEST_KEY
from server.api.once import SHORTEST as SHORTEST_KEY
from server.api.paging import MOST as MOST_ON_A_PAGE
from server.api.pms_events import LONGEST_REF, MOST_VISITS
from server.api.reconciliation import LARGEST as LARGEST_HOUSE
from server.desk.house_list import MOST_GUESTS
from server.settings import Allowance
from server.webhooks import FURTHEST
from server.wiring import Server

TEXT: Final = (
    {f"/{name}": letters for name, letters in LONGEST.items()}
    | {"/person/full_name": LONGEST_NAME, "/person/residence_text": LONGEST_RESIDENCE, "/person/document/number": LONGEST_NUMBER}
    | dict.fromkeys(("/declarant/name", "/declarant/account", "/declarant/helper"), LONGEST_OF_STAFF)
    | dict.fromkeys(("/evidence/reader", "/evidence/attested_by"), LONGEST_OF_STAFF)
)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one request may hold, how many there may be, and what a declaration may hold. Times in the unit of the name."""

    declaration_bytes: int
    batch_declarations: int
    batch_bytes: int
    reconciliation_guests: int
    reconciliation_bytes: int
    page: int
    closes: int
    requests: int
    requests_per_seconds: int
    requests_of_everybody: int
    token_requests: int
    token_requests_per_seconds: int
    token_seconds: int
    receipt_look_ups: int
    receipt_look_ups_per_seconds: int
    idempotency_key_letters_least: int
    idempotency_key_letters: int
    idempotency_key_hours: int
    webhooks: int
    webhook_silent_minutes: int
    webhook_given_up_days: int
    webhook_replay_days: int
    pms_reference_letters: int
    pms_visits: int
    import_lines: int
    import_bytes: int
    import_unpacked_bytes: int
    import_cell_letters: int
    stay_minutes_least: int
    stay_days: int
    departure_ahead_minutes: int
    text: dict[str, int]


def limits_of(server: Server) -> Limits:
    """Return what this server takes."""
    settings, rules = server.settings, server.rules
    return Limits(
        declaration_bytes=min(LARGEST_DECLARATION, settings.largest_batch),
        batch_declarations=MOST_IN_A_BATCH,
        batch_bytes=min(LARGEST_BATCH, settings.largest_batch),
        reconciliation_guests=MOST_GUESTS,
        reconciliation_bytes=min(LARGEST_HOUSE, settings.largest_batch),
        page=MOST_ON_A_PAGE,
        closes=MOST_CLOSES,
        requests=settings.api_allowance.times,
        requests_per_seconds=_seconds(settings.api_allowance),
        requests_of_everybody=settings.api_allowance.together,
        token_requests=settings.token_allowance.times,
        token_requests_per_seconds=_seconds(settings.token_allowance),
        token_seconds=int(settings.api_token_lifetime.total_seconds()),
        receipt_look_ups=settings.receipt_allowance.times,
        receipt_look_ups_per_seconds=_seconds(settings.receipt_allowance),
        idempotency_key_letters_least=SHORTEST_KEY,
        idempotency_key_letters=LONGEST_KEY,
        idempotency_key_hours=int(KEPT_FOR.total_seconds() // 3600),
        webhooks=MOST_WEBHOOKS,
        webhook_silent_minutes=int(SILENT_AT_MOST.total_seconds() // 60),
        webhook_given_up_days=GIVE_UP.days,
        webhook_replay_days=FURTHEST.days,
        pms_reference_letters=LONGEST_REF,
        pms_visits=MOST_VISITS,
        import_lines=MOST_LINES,
        import_bytes=settings.largest_upload,
        import_unpacked_bytes=LARGEST_UNPACKED,
        import_cell_letters=LONGEST_CELL,
        stay_minutes_least=int(rules.shortest_stay.total_seconds() // 60),
        stay_days=rules.rule_set_for(server.clock.now()).max_days,
        departure_ahead_minutes=int(rules.departure_slack.total_seconds() // 60),
        text=TEXT,
    )


def _seconds(allowance: Allowance) -> int:
    return int(allowance.per.total_seconds())
