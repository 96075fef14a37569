"""A web process for tests: a real SQLite registry with two invented premises, one account per role, a clock that stands."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import shutil
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import msgspec
import uvicorn
from factories import EVENING, StandingClock, make_declaration, make_id, make_person
from laid_tables import laid_file

from luutru.paper_keys import make_paper_key
from registry import accounts, kiosks
from registry.accounts import KnownAccount
from registry.cases import open_case
from registry.database import connect
from registry.key_provider import FileKeyProvider
from registry.kiosks import Enrolment
from registry.notices import Notice, send_notice
from registry.premises import add_premises
from registry.presences import sightings
from registry.recording import Statement, record
from registry.sessions import BEARER, Beginning, open_session
from registry.vault import Vault
from residence.cases.notices import NoticeKind
from residence.cases.undeclared import Undeclared
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.places.premises import Premises, PremisesKind
from residence.stays.rules import load_rule_book
from residence.wire.messages import PRESENCE, STAY_DECLARATION, Presence
from residence.wire.signing import SigningKey
from residence.wire.state import KioskState
from server.app import create_app
from server.settings import ServerSettings

COMMUNE = "demo-01"
BLOCK = Premises(
    premises_id="blk-hoa-binh", kind=PremisesKind.APARTMENT_BLOCK, commune_code=COMMUNE, name="Chung cư Hòa Bình", address_text="Số 1 Đường Mẫu",
    units=("1203", "1204"),
)  # fmt: skip
HOTEL = Premises(
    premises_id="htl-sao-mai", kind=PremisesKind.HOTEL, commune_code=COMMUNE, name="Khách sạn Sao Mai", address_text="Số 9 Phố Thử", units=("201", "202")
)  # fmt: skip
ELSEWHERE = Premises(premises_id="htl-xa", kind=PremisesKind.HOTEL, commune_code="demo-02", name="Khách sạn Xa", units=("1",))
ACCOUNTS = {
    "clerk": ("le-tan", ("htl-sao-mai",)),
    "officer": ("cong-an", ()),
    "operator": ("van-hanh", ()),
    "resident": ("cu-dan", ()),
    "inspector": ("thanh-tra", ()),
}


class Client:
    """A browser without scripts: keeps cookies, follows redirects, speaks to the application without a socket."""

    def __init__(self, app, **headers: str) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers, follow_redirects=True
        )

    def get(self, path: str, **options):
        return self._runner.run(self._client.get(path, **options))

    def post(self, path: str, **options):
        return self._runner.run(self._client.post(path, **options))

    def request(self, method: str, path: str, **options):
        return self._runner.run(self._client.request(method, path, **options))

    @property
    def cookies(self):
        return self._client.cookies

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


class World:
    """The process and everything it was given."""

    def __init__(self, directory, base_url="http://testserver", issuers=(), url=None, **settings) -> None:
        self.clock = StandingClock()
        self._clients: list[Client] = []
        self.vault = Vault(
            FileKeyProvider(directory / "keys", random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes
        )
        directory.mkdir(exist_ok=True)
        if url is None:
            shutil.copyfile(laid_file(), directory / "registry.db")
        self.registry = connect(url or f"sqlite:///{directory}/registry.db", vault=self.vault)
        self.signer = SigningKey("receipt-1", bytes(32))
        self.rules = load_rule_book()
        # One look and an end: whoever reads page after page must not wait for a stream. A browser asks anew by itself.
        self.settings = ServerSettings(base_url=base_url, **{"live_for": timedelta(0), **settings})
        self.app = create_app(
            registry=self.registry,
            rules=self.rules,
            signer=self.signer,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
            settings=self.settings,
            door_signer=SigningKey("door-pass-1", bytes(range(32))),
            paper_key=make_paper_key(directory / "papers" / "server-paper.pem", name="Luutru thử", now=EVENING),
            issuers=issuers,
        )
        self._fill()

    def _fill(self) -> None:
        with self.registry.writing() as connection:
            for place in (BLOCK, HOTEL, ELSEWHERE):
                add_premises(connection, place, vault=self.vault, now=EVENING)
            for role, (name, areas) in ACCOUNTS.items():
                accounts.add_account(
                    connection,
                    KnownAccount(account_id=f"acc-{role}", commune_code=COMMUNE, sign_in_name=name, role=role, areas=areas, created_at=EVENING),
                )  # fmt: skip

    def client(self, role: str | None = None) -> Client:
        client = Client(self.app, **{"accept-language": "en"})
        self._clients.append(client)
        if role is not None:
            client.get("/sign-in")
            answer = client.post(
                "/sign-in/link", data={"csrf": csrf_of(client), "token": self.link(role)}, follow_redirects=False
            )
            assert answer.status_code == 303, answer.text
        return client

    @contextmanager
    def serving(self):
        """Serve on the port of the base address, from a thread, until the block ends."""
        port = urlsplit(self.settings.base_url).port
        server = uvicorn.Server(uvicorn.Config(self.app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.02)
            assert thread.is_alive(), "the server did not start"
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(10)

    def open_case(self, **seen) -> str:
        """Somebody seen past the deadline, the notice unanswered: what the sweep would do."""
        came = self.see_somebody(kind="night_check", **seen)
        now = self.clock.now()
        with self.registry.writing() as connection:
            found = sightings(connection, ["blk-hoa-binh"], since=now - timedelta(days=2))
            (sighting,) = [each for each in found if each.presence_id == came.declaration_id]
            notice = Notice(
                kind=NoticeKind.PLEASE_DECLARE, about=sighting.presence_id, who=sighting.who, premises_id="blk-hoa-binh", commune_code=COMMUNE,
                addressee="host", unit="1204", due=now, rule="seen_past_deadline", rule_set="stay-2026-07-01", article="Art. 30",
            )  # fmt: skip
            notice_id = send_notice(connection, notice, now=now, random_bytes=secrets.token_bytes)
            undeclared = Undeclared(
                who=sighting.who, premises_id="blk-hoa-binh", unit="1204", step="case", rule="night_check", first_seen=now, last_seen=now, due=now,
                rule_set="stay-2026-07-01", article="Residence Law Art. 30", presence_ids=(sighting.presence_id,),
                explanations_tried=("stay_here", "resident_here", "stay_pending"), notice_id=notice_id,
            )  # fmt: skip
            return open_case(connection, undeclared, commune_code=COMMUNE, now=now, random_bytes=secrets.token_bytes)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.registry.close()

    def link(self, role: str) -> str:
        token = secrets.token_urlsafe(32)
        with self.registry.writing() as connection:
            account = accounts.find_account(connection, ACCOUNTS[role][0])
            accounts.add_link(connection, account, token, now=self.clock.now(), lifetime=timedelta(hours=24))
        return token

    def bearer(self, role: str) -> dict[str, str]:
        token = secrets.token_urlsafe(32)
        with self.registry.writing() as connection:
            account = accounts.find_account(connection, ACCOUNTS[role][0])
            bearer = Beginning(method=BEARER)
            open_session(connection, account, token, beginning=bearer, now=self.clock.now(), lifetime=timedelta(days=30))
        return {"authorization": f"Bearer {token}"}

    def record(self, message, schema=STAY_DECLARATION, origin="desk", source=None):
        body = msgspec.json.encode(message)
        statement = Statement(
            schema=schema,
            message=message,
            body=body,
            body_digest=hashlib.sha256(body).hexdigest(),
            received_at=self.clock.now(),
            origin=origin,
            source=source,
        )
        with self.registry.writing() as connection:
            return record(
                connection,
                [statement],
                vault=self.vault,
                rules=self.rules,
                signer=self.signer,
                now=self.clock.now(),
                random_bytes=secrets.token_bytes,
            )[0]

    def declare_guest(self, **changes):
        return self.record(make_declaration(**({"premises_id": "htl-sao-mai", "unit": "201"} | changes)))

    def see_somebody(self, **changes):
        presence = Presence(
            declaration_id=make_id(self.clock.now()),
            seen_at=rfc3339(self.clock.now()),
            kind="entry",
            premises_id="blk-hoa-binh",
            unit="1204",
            person=make_person(full_name="Phạm Thị Thử Nghiệm", personal_number="001195000222", sex="female"),
            evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="camera:zxing"),
        )
        return self.record(msgspec.structs.replace(presence, **changes), schema=PRESENCE)

    def enrol_kiosks(self) -> None:
        with self.registry.writing() as connection:
            for name, place, profile in (("kiosk-lobby-1", "blk-hoa-binh", "lobby"), ("kiosk-desk-1", "htl-sao-mai", "desk")):
                enrolment = Enrolment(kiosk_id=name, premises_id=place, commune_code=COMMUNE, profile=profile)
                kiosks.enrol_kiosk(connection, enrolment, keys=(), now=EVENING)
            state = KioskState(
                kiosk_id="kiosk-lobby-1", session=3, online=True, at=rfc3339(self.clock.now()), outbox_depth=2, time_state="synced",
                oldest_unsent_at=rfc3339(self.clock.now() - timedelta(hours=1)), readers={"camera": "ok", "serial": "lost:reader.gone"}, version="0.1.0",
            )  # fmt: skip
            kiosks.keep_state(connection, state, now=self.clock.now())


def csrf_of(client: Client, path: str = "/receipts") -> str:
    """Return the token of the forms this client is shown."""
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)[1]


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the last form of a page."""
    last = page[page.rindex("<form") :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', last))


def free_address() -> str:
    """Return http://localhost with a port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://localhost:{probe.getsockname()[1]}"
