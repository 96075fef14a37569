"""What the front desk waits for: 200 desks at work, batches of hotel software, and a list of 10,000 guests, each beside the bare recording.

- The list is invented: one house with a room for every two guests, all of one day, written as the XLSX a spreadsheet would save.
- Ours: unpacked, counted twice, kept sealed; checked by the recording path and rolled back; then declared, piece by piece, on SQLite, durable.
- The baseline: the same statements, ready made, recorded in batches as large as a piece into another registry: the bare cost of the largest part.
- The desks' latency and the API's rate are measured by ``front_desk_load.py`` and told in the same result.

Example: ``run(quick=True).figures["import_10000_rows_seconds"]``
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import select

from luutru.benchmarks.front_desk_load import measure
from luutru.benchmarks.result import BenchResult
from luutru.system import random_bytes, rss_mib
from registry import tables
from registry.accounts import KnownAccount, add_account
from registry.database import Registry, connect, upgrade
from registry.guest_lists import PIECE
from registry.key_provider import FileKeyProvider
from registry.premises import add_premises
from registry.recording import Statement, record
from registry.vault import Cell, Vault
from residence.places.premises import Premises, PremisesKind
from residence.stays.declaration import StayDeclaration
from residence.stays.rules import load_rule_book
from residence.wire.messages import STAY_DECLARATION
from residence.wire.signing import SigningKey
from server.app import create_app
from server.desk.list_giving import Given, give
from server.desk.list_steps import step
from server.settings import ServerSettings
from server.visitor import account_of
from server.wiring import Server

FULL, QUICK = 10_000, 300
_NOW: Final = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)
_COMMUNE: Final = "bench-01"
_NAMES: Final = ("Nguyễn Văn", "Trần Thị", "Lê Minh", "Phạm Thu", "Hoàng Quốc", "Đỗ Khánh", "Bùi Ngọc", "Vũ Hải")
_GIVEN: Final = ("An", "Bình", "Chi", "Dũng", "Giang", "Hương", "Khoa", "Linh", "Mai", "Nam", "Oanh", "Phúc")
_HEADINGS: Final = ("STT", "Họ và tên", "Ngày sinh", "Giới tính", "Số giấy tờ", "Số phòng", "Ngày đến", "Ngày đi", "Lý do")


class _Clock:
    """Stands at one evening: the list is of that day."""

    def now(self) -> datetime:
        return _NOW

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


def run(*, quick: bool) -> BenchResult:
    """Measure a list."""
    rows, load = QUICK if quick else FULL, os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="luutru-list-") as name:
        folder = Path(name)
        server, premises, account = _house(folder / "ours", rows)
        data = _list(rows)
        with server.registry.writing() as connection:
            read, given = _timed(
                lambda: give(server, connection, account, premises=premises, file=Given(name="khach.xlsx", data=data))
            )
        checked, _ = _timed(lambda: _through(server, account, given.list_id, "check"))
        cpu = time.process_time()
        declared, _ = _timed(lambda: _through(server, account, given.list_id, "declare"))
        cpu = time.process_time() - cpu
        bare = _bare(server, folder / "bare", rows)
        taken = _accepted(server.registry)
        server.registry.close()
        desks, work, batches = (20, 12.0, 2) if quick else (200, 60.0, 12)
        load_of = measure(folder / "load", desks=desks, seconds=work, batches=batches)
    seconds = read + checked + declared  # as a clerk waits for it: nothing is declared before everything was checked
    return BenchResult(
        figures=load_of["figures"]
        | {
            "import_rows": rows,
            "import_accepted": taken,
            "import_10000_rows_seconds": round(seconds * FULL / rows, 2),
            "read_seconds": round(read, 2),
            "check_seconds": round(checked, 2),
            "declare_seconds": round(declared, 2),
            "declare_cpu_seconds": round(cpu, 2),
            "import_rss_mib": rss_mib(),
        },
        baselines=load_of["baselines"] | {"record_seconds": round(bare, 2)},
        ratios=load_of["ratios"] | {"import_to_record": round(seconds / bare, 2)},
        settings=load_of["settings"] | {"engine": "sqlite", "piece": PIECE, "quick": quick, "load_before": round(load, 1)},
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _house(folder: Path, rows: int) -> tuple[Server, Premises, Any]:
    folder.mkdir()
    upgrade(f"sqlite:///{folder}/registry.db")
    vault = Vault(FileKeyProvider(folder / "vault", random_bytes=random_bytes), random_bytes=random_bytes)
    registry = connect(f"sqlite:///{folder}/registry.db", vault=vault)
    premises = Premises(
        premises_id="bench-hotel",
        kind=PremisesKind.HOTEL,
        commune_code=_COMMUNE,
        name="Khách sạn Đo",
        units=tuple(str(1000 + number) for number in range(rows // 2 + 1)),
    )
    clerk = KnownAccount(
        account_id="bench-clerk",
        commune_code=_COMMUNE,
        sign_in_name="le-tan",
        role="clerk",
        areas=(premises.premises_id,),
        created_at=_NOW,
    )
    with registry.writing() as connection:
        add_premises(connection, premises, vault=vault, now=_NOW)
        add_account(connection, clerk)
    app = create_app(
        registry=registry,
        rules=load_rule_book(),
        signer=SigningKey("bench-1", bytes(32)),
        clock=_Clock(),
        random_bytes=random_bytes,
        settings=ServerSettings(),
    )
    return app.state.server, premises, account_of(clerk)


def _list(rows: int) -> bytes:
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate((_HEADINGS, *_guests(rows))):
            for place, value in enumerate(cells):
                sheet.write(number, place, value)
    return out.getvalue()


def _guests(rows: int) -> Iterator[tuple[str | int, ...]]:
    """Yield invented guests; their numbers agree with sex and year, and lose their zeros as in a spreadsheet."""
    for number in range(rows):
        woman, year = number % 2, 1950 + number % 50
        personal = 1_000_000_000 + woman * 100_000_000 + year % 100 * 1_000_000 + number
        name = f"{_NAMES[number % len(_NAMES)]} {_GIVEN[number // len(_NAMES) % len(_GIVEN)]}"
        sex = "Nữ" if woman else "Nam"
        born = f"{1 + number % 28:02}/{1 + number % 12:02}/{year}"
        yield number + 1, name, born, sex, personal, str(1000 + number // 2), "10/07/2026 13:30", "11/07/2026", "1 - Du lịch"


def _through(server: Server, account: Any, list_id: str, phase: Any) -> None:
    while not step(server, account, list_id=list_id, phase=phase):
        pass


def _accepted(registry: Registry) -> int:
    with registry.reading() as connection:
        return len(connection.execute(select(tables.receipts.c.code).where(tables.receipts.c.state == "accepted")).all())


def _bare(server: Server, folder: Path, rows: int) -> float:
    """Record what the list declared, opened beforehand, into a registry of its own."""
    bodies = list(_bodies(server.registry))
    other, _, _ = _house(folder, rows)
    statements = [
        Statement(
            schema=STAY_DECLARATION,
            message=msgspec.json.decode(body, type=StayDeclaration),
            body=body,
            body_digest=hashlib.sha256(body).hexdigest(),
            received_at=_NOW,
            origin="import",
        )
        for body in bodies
    ]

    def recorded() -> None:
        for at in range(0, len(statements), PIECE):
            with other.registry.writing() as connection:
                record(
                    connection,
                    statements[at : at + PIECE],
                    vault=other.registry.vault,
                    rules=other.rules,
                    signer=other.signer,
                    now=_NOW,
                    random_bytes=random_bytes,
                )

    taken, _ = _timed(recorded)
    other.registry.close()
    return taken


def _bodies(registry: Registry) -> Iterator[bytes]:
    columns = tables.declarations.c
    with registry.reading() as connection:
        rows = connection.execute(select(columns.declaration_id, columns.subject_id, columns.body_sealed)).all()
        keys = registry.vault.load_keys(connection, {row.subject_id for row in rows})
    for row in rows:
        yield registry.vault.open(keys[row.subject_id], Cell("declarations", "body", row.declaration_id), row.body_sealed)
