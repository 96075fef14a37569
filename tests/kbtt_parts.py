"""The played KBTT in a test: an office on a standing clock, declarations as its document has them, and a client of it."""

from __future__ import annotations

import base64
from contextlib import contextmanager

import httpx
from factories import EVENING, StandingClock

from luutru.sandbox.kbtt import playing
from luutru.sandbox.kbtt_behaviour import CLIENT, Behaviour
from luutru.sandbox.kbtt_office import AUTHORIZATION, CHANGE, FOREIGN, VIETNAMESE, Office
from luutru.system import random_bytes

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
        self.http = httpx.Client(base_url=address, timeout=5)
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


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


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
