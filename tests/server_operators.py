"""What operators' pages show, for tests: gateways that reported for an hour, and dead letters as the gateway sets them aside."""

from __future__ import annotations

from datetime import timedelta

from factories import EVENING
from server_parts import COMMUNE, World
from unit_tables import TABLE

from registry.gateway_reports import GatewayReport, KioskLag, Spread, write_report
from registry.kiosks import Enrolment, enrol_kiosk
from registry.premises import add_premises
from registry.quarantine import DeadLetter, set_aside
from registry.unit_asking import ask_about_premises
from registry.unit_questions import list_questions
from registry.units import Provenance, import_file
from residence.clock import rfc3339
from residence.places.premises import Premises, PremisesKind
from residence.wire.messages import Receipt
from residence.wire.receipts import receipt_code, sign_receipt

SPREAD = Spread(count=9, p50_ms=12.5, p99_ms=80.0, total_ms=300.0)
SECRET = b"Secret of Tran Van An"
DECLARATION = "019800aa-0000-7000-8000-00000000{:04d}"


def fill(world: World) -> None:
    """Two workers: one lively for the hour but for ten minutes, one silent since a while."""
    world.enrol_kiosks()
    with world.registry.writing() as connection:
        elsewhere = Enrolment(kiosk_id="kiosk-elsewhere", premises_id="htl-xa", commune_code="demo-02", profile="desk")
        enrol_kiosk(connection, elsewhere, keys=(), now=EVENING)
        now = world.clock.now()
        for minute in range(60):
            at = now - timedelta(minutes=59 - minute)
            if not 19 <= minute < 29:
                write_report(connection, make_report("luutru-gateway-aaaa", at, committed=30 * (minute + 1)), now=now)
            if minute < 40:
                write_report(connection, make_report("luutru-gateway-bbbb", at), now=now)


def make_report(worker, at, **changes):
    fields = {
        "seconds": 3.0, "connection": "connected", "shards": "0-31", "committed": 300, "batch": SPREAD, "in_hand": 12, "oldest_unacked_seconds": 0.5,
        "stages": {"collect": SPREAD, "read": SPREAD, "commit": SPREAD}, "receipts_not_sent": 3, "rss_mib": 150, "batch_size_p50": 40,
        "lags": (
            KioskLag(kiosk_id="kiosk-elsewhere", seconds=9000, time_state="synced"),
            KioskLag(kiosk_id="kiosk-lobby-1", seconds=600, time_state="rtc_only"),
        ),
    }  # fmt: skip
    return GatewayReport(worker=worker, at=at, **fields | changes)


def put_aside(world, code="message.schema_unknown", *, answer="received", commune=COMMUNE, number=1):
    """Set a letter aside as the gateway does, and return its id."""
    declaration_id = DECLARATION.format(number)
    receipt = Receipt(
        declaration_id=declaration_id, code=receipt_code(declaration_id), state=answer or "refused", schema="stay-declaration/2",
        body_digest="00" * 32, accepted_at=rfc3339(world.clock.now()),
    )  # fmt: skip
    letter = DeadLetter(
        code=code, payload=SECRET + code.encode() + bytes([number]), received_at=world.clock.now(), commune_code=commune, detail="/schema",
        kiosk_id="kiosk-lobby-1", declaration_id=declaration_id if answer else None, genuine=answer is not None,
        receipt_bytes=sign_receipt(receipt, world.signer) if answer else None,
    )  # fmt: skip
    with world.registry.writing() as connection:
        return set_aside(connection, [letter], vault=world.vault, now=world.clock.now())[0].quarantine_id


def ask_about_a_split_ward(world, *, commune=COMMUNE):
    """A house at Lê Lợi in an old ward that was split between the commune and another; return the question's id."""
    house = Premises(
        premises_id="hsh-old", kind=PremisesKind.HOUSEHOLD, commune_code="90004", name="Nhà mẫu", address_text="12 Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh"
    )  # fmt: skip
    table = TABLE.replace("90001", commune).encode()
    with world.registry.writing() as connection:
        add_premises(connection, house, vault=world.vault, now=EVENING)
        provenance = Provenance(file_name="t.csv", source="invented", licence="CC0-1.0", by="test")
        assert import_file(connection, table, provenance, now=EVENING).problems == ()
        assert ask_about_premises(connection, vault=world.vault, now=EVENING) == 1
        return list_questions(connection, None)[0].question_id
