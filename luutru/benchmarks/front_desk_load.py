"""Two hundred desks at work, and hotel software sending batches: what a real server answers within, beside the bare cost of recording.

- The server runs as a process of its own on SQLite, durable. Each desk is a signed-in clerk of a house of its own whose page is open (its stream is
  held); every ``EVERY`` seconds it opens the form and declares a guest, at moments spread evenly.
- *Declare* is the sending of the form until the page with the receipt is there, redirect included. Opening the form is told beside it.
- *Batches* of 500 are sent by two programs at once, each declaration a person of its own.
- The baselines record the same kind of statements by the one path, in this process, into a registry of their own: one by one as a form is, and 500 at
  a time as a batch is.

Example: ``measure(Path("somewhere"), desks=200, seconds=40, batches=10)["figures"]["declare_p95_ms"]``
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import msgspec

from luutru.benchmarks.front_desk_houses import NOW, PREMISES, Standing, fill, house, open_house
from registry.recording import Statement, record
from residence.clock import uuid7
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import PartialDate, Person
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.wire.messages import STAY_DECLARATION

EVERY: Final = 20.0
BATCH: Final = 500
ONE_BY_ONE: Final = 200
FAMILIES: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đỗ", "Bùi", "Vũ")
GIVEN: Final = ("An", "Bình", "Chi", "Dung", "Giang", "Hương", "Khuê", "Linh", "Mai", "Nga", "Oanh", "Phúc")
HIDDEN: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def measure(folder: Path, *, desks: int, seconds: float, batches: int) -> dict[str, dict[str, Any]]:
    """Measure with a server in a process of its own."""
    fill(folder, desks=desks)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, port), daemon=True)
    server.start()
    try:
        _wait_for(port)
        opened, declared, failed = asyncio.run(_work(f"http://127.0.0.1:{port}", desks=desks, seconds=seconds))
        rate, taken = _send_batches(f"http://127.0.0.1:{port}", batches)
    finally:
        server.terminate()
        server.join(10)
    one, many = _bare(folder / "bare", batches=batches)
    p95 = _percentile(declared, 95)
    return {
        "figures": {
            "declare_p95_ms": p95,
            "declare_p50_ms": _percentile(declared, 50),
            "open_form_p95_ms": _percentile(opened, 95),
            "declared_at_desks": len(declared),
            "desks_failed": failed,
            "api_batch_per_second": round(rate),
            "api_batch_accepted": taken,
        },
        "baselines": {"record_one_p95_ms": one, "record_batch_per_second": round(many)},
        "ratios": {"declare_to_record_one": round(p95 / one, 1), "api_batch_to_record_batch": round(rate / many, 2)},
        "settings": {
            "desks": desks,
            "every_seconds": EVERY,
            "seconds": seconds,
            "batch": BATCH,
            "batches": batches,
            "server_processes": 1,
        },
    }


def _percentile(values: Sequence[float], share: int) -> float:
    return round(quantiles(values, n=100)[share - 1], 1) if len(values) > 1 else 0.0


def _serve(folder: Path, port: int) -> None:
    import uvicorn

    app, _ = open_house(folder, base_url=f"http://127.0.0.1:{port}", now=Standing())
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    message = "the server did not start"
    raise RuntimeError(message)


async def _work(address: str, *, desks: int, seconds: float) -> tuple[list[float], list[float], int]:
    """Let every desk work; returns milliseconds of each opened form and each declared guest, and how many failed."""
    import httpx

    opened: list[float] = []
    declared: list[float] = []
    failed: list[int] = []
    ends = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30, follow_redirects=True) as client:
        streams = [asyncio.create_task(_hold_stream(client, desk, desks=desks)) for desk in range(desks)]
        work = [_desk(client, desk, desks=desks, ends=ends, told=(opened, declared, failed)) for desk in range(desks)]
        await asyncio.gather(*work)
        for each in streams:
            each.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    return opened, declared, len(failed)


async def _hold_stream(client: Any, desk: int, *, desks: int) -> None:
    await asyncio.sleep(EVERY * desk / desks)  # nobody opens two hundred pages at once
    while True:
        async with client.stream(
            "GET", f"/desk/live?premises={PREMISES.format(desk)}", headers=_cookie(desk), timeout=None
        ) as answer:
            async for _ in answer.aiter_bytes():
                pass
        await asyncio.sleep(1)


async def _desk(client: Any, desk: int, *, desks: int, ends: float, told: tuple[list[float], list[float], list[int]]) -> None:
    opened, declared, failed = told
    await asyncio.sleep(EVERY * desk / desks)
    guests = 0
    while time.monotonic() < ends:
        began = time.perf_counter()
        page = await client.get(f"/desk/declare?premises={PREMISES.format(desk)}", headers=_cookie(desk))
        opened.append(1000 * (time.perf_counter() - began))
        form = _form(page.text, number=desk * 1000 + guests)
        began = time.perf_counter()
        answer = await client.post("/desk/declare", data=form, headers=_cookie(desk))
        if answer.status_code == 200 and "/receipts/" in str(answer.url):
            declared.append(1000 * (time.perf_counter() - began))
        else:
            failed.append(answer.status_code)
        guests += 1
        await asyncio.sleep(max(0.0, EVERY - (time.perf_counter() - began)))


def _cookie(desk: int) -> dict[str, str]:
    return {"cookie": f"luutru={token_of(desk)}"}


def token_of(desk: int) -> str:
    """Return a desk's session token."""
    return hashlib.sha256(f"desk {desk}".encode()).hexdigest()


def _form(page: str, *, number: int) -> dict[str, str]:
    hidden = dict(HIDDEN.findall(page[page.rindex('action="/desk/declare"') :]))
    person = guest(number)
    return hidden | {
        "full_name": person.full_name, "birth": person.birth.value if person.birth else "", "sex": "female", "nationality": "VNM",
        "personal_number": person.personal_number or "", "document_kind": "cccd-2021", "document_number": person.personal_number or "",
        "unit": str(100 + number % 100), "arrival": "2026-07-10T13:30", "planned_departure": "2026-07-12T12:00", "reason": "tourism",
    }  # fmt: skip


def guest(number: int) -> Person:
    """Return an invented guest whose number agrees with sex and year."""
    year = 1950 + number % 50
    return Person(
        full_name=f"{FAMILIES[number % 8]} Thị {GIVEN[number // 8 % 12]}",
        birth=PartialDate(value=f"{year}-02-01", precision="day"),
        sex="female",
        personal_number=f"001{1}{year % 100:02}{number % 1_000_000:06}",
    )


def _declarations(count: int, *, begin: int, premises_id: str) -> Iterator[StayDeclaration]:
    for number in range(begin, begin + count):
        yield StayDeclaration(
            declaration_id=str(
                uuid7(datetime(2026, 7, 10, 6, 59, tzinfo=UTC) + timedelta(milliseconds=number), secrets.token_bytes(10))
            ),
            declared_at="2026-07-10T13:59:00+07:00",
            person=guest(number),
            evidence=Evidence(level=EvidenceLevel.STATED, source="typed"),
            declarant=Declarant(role="host"),
            premises_id=premises_id,
            unit=str(100 + number % 100),
            arrival="2026-07-10T13:30:00+07:00",
            planned_departure="2026-07-12T12:00:00+07:00",
            reason=Reason.TOURISM,
        )


def _send_batches(address: str, batches: int) -> tuple[float, int]:
    """Send batches by two programs at once; returns declarations a second and how many were accepted."""
    import httpx

    bodies = [
        b'{"declarations":[' + b",".join(msgspec.json.encode(each) for each in _declarations(BATCH, begin=400_000 + at * BATCH, premises_id=PREMISES.format(at % 2))) + b"]}"
        for at in range(batches)
    ]  # fmt: skip
    taken: list[int] = []

    def send(which: int) -> None:
        with httpx.Client(base_url=address, timeout=120) as client:
            for at in range(which, batches, 2):
                headers = {
                    "authorization": f"Bearer {token_of(which)}",
                    "idempotency-key": f"bench-batch-{at}",
                    "content-type": "application/json",
                }
                told = client.post("/api/v1/batches", content=bodies[at], headers=headers).json()
                taken.append(sum(each["state"] == "accepted" for each in told["items"]))

    threads = [threading.Thread(target=send, args=(which,)) for which in (0, 1)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return batches * BATCH / (time.perf_counter() - began), sum(taken)


def _bare(folder: Path, *, batches: int) -> tuple[float, float]:
    """Record such statements without a server: milliseconds for one (95 of 100 within), and how many a second in pieces of a batch."""
    server, premises = house(folder)
    made = [_statement(each) for each in _declarations(ONE_BY_ONE + batches * BATCH, begin=0, premises_id=premises)]
    alone = [_timed(lambda each=each: _record(server, [each])) for each in made[:ONE_BY_ONE]]  # type: ignore[misc]
    began = time.perf_counter()
    for at in range(ONE_BY_ONE, len(made), BATCH):
        _record(server, made[at : at + BATCH])
    rate = batches * BATCH / (time.perf_counter() - began)
    server.registry.close()
    return _percentile([1000 * each for each in alone], 95), rate


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _statement(declaration: StayDeclaration) -> Statement:
    body = msgspec.json.encode(declaration)
    digest = hashlib.sha256(body).hexdigest()
    return Statement(schema=STAY_DECLARATION, message=declaration, body=body, body_digest=digest, received_at=NOW, origin="web")


def _record(server: Any, statements: Sequence[Statement]) -> None:
    with server.registry.writing() as connection:
        record(
            connection,
            list(statements),
            vault=server.registry.vault,
            rules=server.rules,
            signer=server.signer,
            now=NOW,
            random_bytes=secrets.token_bytes,
        )
