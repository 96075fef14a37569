"""The played KBTT in a test: an office on a standing clock, declarations as its document has them, and a client of it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import httpx
import msgspec
from factories import EVENING, StandingClock, make_id
from sqlalchemy import select

from gateway.authorities.kbtt import Kbtt
from gateway.authorities.sending import Means, Sender
from gateway.authorities.settings import parse_settings
from luutru.sandbox.kbtt import playing
from luutru.sandbox.kbtt_behaviour import CLIENT, Behaviour
from luutru.sandbox.kbtt_office import AUTHORIZATION, CHANGE, FOREIGN, VIETNAMESE, Office
from luutru.system import random_bytes
from registry import tables
from registry.authority_links import Binding, bind
from residence.people.person import Document, DocumentKind, PartialDate, Person

VIETNAMESE_GUEST = {
    "hoTen": "Trần Văn An",
    "gioiTinh": "M",
    "ngayThangNamSinhStr": "1995-02-01",
    "loaiGiayTo": 1,
    "soGiayTo": "001095000117",
    "ngayDenCsltStr": "2026-07-10 13:00:00",
    "ngayDiDuKienStr": "2026-07-12 12:00:00",
    "lyDoCuTru": 1,
    "soPhong": "301",
}
FOREIGN_GUEST = {
    "hoTen": "ANNA SAMPLE",
    "quocTich": "FRA",
    "soHoChieu": "X1234567",
    "gioiTinh": "F",
    "loaiNgayThangNamSinh": "D",
    "ngayThangNamSinhStr": "1990-05-06",
    "ngayDenCsltStr": "2026-07-10 13:00:00",
    "ngayDiDuKienStr": "2026-07-12 12:00:00",
    "thoiHanTamTruStr": "2026-09-01 00:00:00",
    "soPhong": "302",
}


class Desk:
    """A played authority and a plain client of it, logged in as one facility."""

    def __init__(self, office, address, username="sao-mai"):
        self.office = office
        self.address = address
        self.http = httpx.Client(base_url=address, timeout=20)
        self.token = self.log_in(username).json()

    def log_in(self, username="sao-mai", password=None, **changes):
        number = {"sao-mai": 1, "hoa-binh": 2, "nha-tro": 3}.get(username, 0)
        form = {"username": username, "password": password or f"sandbox-{number}", "grant_type": "api_cslt", **changes}
        return self.http.post(f"{AUTHORIZATION}/token", data=form, auth=CLIENT)

    def post(self, path, content):
        headers = {"Authorization": f"Bearer {self.token['AccessToken']}"}
        return self.http.post(path, json=content, headers=headers)

    def declare(self, *guests, foreign=False):
        return self.post(FOREIGN if foreign else VIETNAMESE, list(guests))

    def change(self, foreign=False, **content):
        who = {"soHoChieu": "X1234567"} if foreign else {"loaiGiayTo": 1, "soGiayTo": "001095000117"}
        return self.post((FOREIGN if foreign else VIETNAMESE) + CHANGE, {**who, **content})


@contextmanager
def played(*, now=EVENING, **behaviour):
    """An office that plays on a port, and its standing clock."""
    clock = StandingClock(now)
    office = Office(clock=clock.now, random_bytes=random_bytes, behaviour=Behaviour(**behaviour))
    with playing(office) as address:
        yield office, address, clock


@contextmanager
def desk(username="sao-mai", **behaviour):
    with played(**behaviour) as (office, address, _):
        made = Desk(office, address, username)
        yield made
        made.http.close()


def write_authorities(folder, address, *, facilities=("hoa-binh",), **settings):
    """A file of authorities for a played one, with its facilities' secrets beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    for facility in facilities:
        number = {"sao-mai": 1, "hoa-binh": 2, "nha-tro": 3}[facility]
        path = secrets / f"{facility}.toml"
        path.write_text(
            f'client_id = "{CLIENT[0]}"\nclient_secret = "{CLIENT[1]}"\nusername = "{facility}"\npassword = "sandbox-{number}"\n'
        )
        path.chmod(0o600)
    given = {"answer_seconds": 20, "connect_seconds": 20, "pause_seconds": 0, **settings}
    lines = [f"{name} = {_toml(value)}" for name, value in given.items()]
    paths = {
        "change": VIETNAMESE + CHANGE,
        "change_foreigner": FOREIGN + CHANGE,
        "nationalities": "/cms-backend/public/sandbox/quoc-tich",
        "wards": "/cms-backend/public/sandbox/phuong-xa",
        "reasons": "/cms-backend/public/sandbox/ly-do",
        "documents": "/cms-backend/public/sandbox/giay-to",
        "residences": "/cms-backend/public/sandbox/noi-cu-tru",
    }
    path = folder / "authorities.toml"
    path.write_text(
        "\n".join(["[kbtt]", f'base = "{address}"', *lines, "[kbtt.paths]", *(f'{a} = "{b}"' for a, b in paths.items())])
    )
    return path


def _toml(value):
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


FOREIGNER = Person(
    full_name="ANNA SAMPLE",
    birth=PartialDate(value="1990-05-06", precision="day"),
    sex="female",
    nationality="D",
    document=Document(kind=DocumentKind.PASSPORT, number="C01X00T47", issuer="D"),
)


class Told:
    """An authority office whose first block is told of to a played KBTT, and a sender on the same standing clock."""

    def __init__(self, office, played_office, address, folder, **settings):
        self.office = office
        self.kbtt = played_office
        self.file = write_authorities(folder, address, **settings)
        self.settings = parse_settings(self.file.read_bytes()).kbtt
        self.bind(office.kiosk().premises_id)
        self.sender = self.new_sender()

    def bind(self, premises_id, facility="hoa-binh"):
        binding = Binding(premises_id=premises_id, authority="kbtt", facility=facility)
        with self.office.registry.writing() as connection:
            return bind(connection, binding, now=self.office.clock.now(), random_bytes=random_bytes)

    def new_sender(self, **changes):
        connector = Kbtt(
            self.settings, secrets=self.file.parent / "secrets", registry=self.office.registry, now=self.office.clock.now
        )
        means = Means(clock=self.office.clock, random_bytes=random_bytes, fraction=lambda: 0.0, **changes)
        self.connector = connector
        return Sender(self.office.registry, {"kbtt": connector}, means=means)

    def say(self, **changes):
        """A kiosk declares; returns the declaration."""
        kiosk = self.office.kiosk()
        declaration = self.office.declaration(kiosk, **changes)
        return self.say_as_it_is(declaration)

    def say_as_it_is(self, declaration):
        self.office.intake.take([self.office.deliver(self.office.kiosk(), declaration)])
        return declaration

    def follow_up(self, declaration, kind, **changes):
        changes = {
            "declaration_id": make_id(self.office.clock.now()),
            "about": declaration.declaration_id,
            "kind": kind,
            **changes,
        }
        return self.say_as_it_is(msgspec.structs.replace(declaration, **changes))

    def tell(self, most=50):
        """Do all steps that are due; returns how many."""
        return next(count for count in range(most) if not self.sender.step())

    @contextmanager
    def impatient(self):
        """Wait half a second for an answer and no longer; logged in already, so that only the telling can be without one."""
        self.connector._session("hoa-binh")._fresh()
        self.connector._client.timeout = httpx.Timeout(20, read=0.5)
        yield
        self.connector._client.timeout = httpx.Timeout(20)

    def pass_time(self, **parts):
        self.office.clock.pass_time(**parts)
        self.kbtt.ahead += timedelta(**parts)

    def rows(self):
        with self.office.registry.reading() as connection:
            return connection.execute(select(tables.authority_records).order_by(tables.authority_records.c.record_id)).all()

    def states(self):
        return [row.state for row in self.rows()]

    def held(self):
        return [(each.document[1], each.ended) for each in self.kbtt.ledger.held]

    def codes(self):
        return [row.code for row in self.rows()]

    def close(self):
        self.connector.close()


@contextmanager
def told_to_kbtt(office, folder, *, behaviour=None, **settings):
    with played(**(behaviour or {})) as (played_office, address, _):
        made = Told(office, played_office, address, folder / "told", **settings)
        yield made
        made.close()
