"""The played KBTT without its network: tokens, declarations and changes, as one answer to one request.

- Everything goes through ``answer``; the lock makes each request one step, as a database would.
- A fault that says *after* is played when the work is done, so the next try meets what was recorded.
- Tokens are random, end by the authority's clock, and a refresh ends the pair it replaces.

Example: ``Office(clock=clock, random_bytes=random_bytes).answer(Request(method="GET", path="/cms-backend/public/dm-tinh-tp/get-all"))``
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from luutru.sandbox.kbtt_behaviour import CLIENT, FACILITIES, SENTENCES, Behaviour, Facility, Fault
from luutru.sandbox.kbtt_catalogues import PATHS, catalogue, codes
from luutru.sandbox.kbtt_rules import Ledger, document_of, shape_faults

AUTHORIZATION: Final = "/authorization-service/oauth"
VIETNAMESE: Final = "/client-service/kbtt-vn/kbtt-3th"
FOREIGN: Final = "/client-service/kbtt/kbtt-3th"
CHANGE: Final = "/doi-ngay-sandbox"  # the rest of this path is not in the document
OK: Final = 200
BAD: Final = 400


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}  # names in lower case
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. ``fate``: what the network does with it."""

    status: int = OK
    body: bytes = b""
    headers: dict[str, str] = {}
    fate: str = "sent"  # "sent" | "silence" | "cut"


class Office:
    """One played authority."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
        behaviour: Behaviour | None = None,
        facilities: Sequence[Facility] = FACILITIES,
    ) -> None:
        self.ahead: timedelta = timedelta()  # of the clock it was given
        self.behaviour: Behaviour = behaviour or Behaviour()
        self.ledger: Final = Ledger()
        self.requests: Final[Counter[str]] = Counter()  # path -> how often
        self._facilities = {each.username: each for each in facilities}
        self._clock = clock
        self._random_bytes = random_bytes
        self._tokens: dict[str, tuple[Facility, datetime]] = {}
        self._refresh: dict[str, tuple[Facility, str]] = {}
        self._recent: list[datetime] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return this authority's time."""
        return self._clock() + self.ahead

    def answer(self, request: Request) -> Answer:
        """Do what one request asks."""
        with self._lock:
            self.requests[f"{request.method} {request.path}"] += 1
            if request.path in PATHS and request.method == "GET":
                return self._catalogue(request)
            if request.path.startswith(AUTHORIZATION):
                return self._authorize(request)
            if request.method == "POST" and request.path in {VIETNAMESE, FOREIGN, VIETNAMESE + CHANGE, FOREIGN + CHANGE}:
                return self._work(request)
            return error(404, "Không có địa chỉ này")

    def _catalogue(self, request: Request) -> Answer:
        if self.behaviour.catalogues_away:
            return error(503, "Đang bảo trì")
        content = catalogue(PATHS[request.path], version=self.behaviour.catalogue_version)
        body = msgspec.json.encode({"code": "200", "message": "OK", "data": content})
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "max-age=3600"}
        if request.headers.get("if-none-match") == tag:
            return Answer(status=304, headers=headers)
        return Answer(body=body, headers=headers)

    def _authorize(self, request: Request) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(request.query).items()}
        match request.method, request.path.removeprefix(AUTHORIZATION):
            case "POST", "/token":
                return self._log_in(request)
            case "POST", "/refresh-token":
                kept = self._refresh.pop(asked.get("refresh_token", ""), None)
                if kept is None or self.behaviour.refuse_refresh:
                    return error(401, "Phiên đăng nhập đã hết hạn")
                facility, replaced = kept
                self._tokens.pop(replaced, None)
                return self._grant(facility)
            case "DELETE", "/revoke":
                known = self._tokens.pop(asked.get("access_token", ""), None)
                return success() if known else error(401, "Phiên đăng nhập không tồn tại")
            case _:
                return error(404, "Không có địa chỉ này")

    def _log_in(self, request: Request) -> Answer:
        wanted = base64.b64encode(":".join(CLIENT).encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return error(401, "Phần mềm không được phép")
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        facility = self._facilities.get(form.get("username", ""))
        if form.get("grant_type") != "api_cslt" or facility is None or facility.password != form.get("password"):
            return error(401, "Sai tên đăng nhập hoặc mật khẩu")
        return self._grant(facility)

    def _grant(self, facility: Facility) -> Answer:
        access, refresh = self._random_bytes(16).hex(), self._random_bytes(16).hex()
        until = self.now() + timedelta(seconds=self.behaviour.token_seconds)
        self._tokens[access] = (facility, until)
        self._refresh[refresh] = (facility, access)
        content = {
            "AccessToken": access,
            "RefreshToken": refresh,
            "Exp": int(until.timestamp()),
            "CsltId": facility.facility_id,
            "MaTT": "101",
            "MaPX": "101000001",
            "IsCsltChinh": True,
        }
        return success(content) if self.behaviour.token_in_data else Answer(body=msgspec.json.encode(content))

    def _work(self, request: Request) -> Answer:
        facility = self._facility_of(request)
        behaviour = self.behaviour
        if facility is None:
            return error(401, "Chưa đăng nhập")
        now = self.now()
        self._recent = [each for each in self._recent if each > now - timedelta(seconds=1)]
        if behaviour.per_second and len(self._recent) >= behaviour.per_second:
            return Answer(status=429, headers={"Retry-After": "1"}, body=_body("429", "Quá nhiều yêu cầu"))
        self._recent.append(now)
        fault: Fault = behaviour.faults.pop(0) if behaviour.faults else "none"
        spoilt = _spoilt_before(fault)
        if spoilt is not None:
            return spoilt
        done = success() if fault == "silent_success" else self._done(request, facility, now)
        return _spoilt_after(fault, done)

    def _facility_of(self, request: Request) -> Facility | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        facility, until = self._tokens.get(token, (None, self.now()))
        return facility if scheme == "Bearer" and until > self.now() else None

    def _done(self, request: Request, facility: Facility, now: datetime) -> Answer:
        if not request.headers.get("content-type", "").startswith("application/json"):
            return error(415, "Chỉ nhận JSON")
        try:
            content = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return self._refused("Không đọc được JSON")
        foreign = request.path.startswith(FOREIGN)
        if request.path.endswith(CHANGE):
            return self._change(content, facility=facility, foreign=foreign, now=now)
        if not isinstance(content, list) or not 0 < len(content) <= self.behaviour.largest_batch:
            return self._refused("Danh sách khai báo không hợp lệ")
        return self._declare(content, facility=facility, foreign=foreign, now=now)

    def _declare(self, batch: list[Any], *, facility: Facility, foreign: bool, now: datetime) -> Answer:
        version = self.behaviour.catalogue_version
        context = {
            "behaviour": self.behaviour,
            "nationalities": codes("nationalities", version=version),
            "reasons": codes("reasons", version=version),
            "documents": codes("documents", version=version),
            "maTT": codes("provinces", version=version),
            "maPX": codes("wards", version=version),
        }
        told, good, seen = [], [], set()
        for place, each in enumerate(batch):
            faults = self.ledger.faults_of(each, facility=facility, foreign=foreign, now=now, context=context)
            document = None if shape_faults(each, foreign=foreign) else document_of(each, foreign=foreign)
            if document is not None and document in seen:
                faults.append(("duplicate", ""))  # rule 9
            seen.add(document)
            if faults:
                said = ", ".join(SENTENCES[rule][self.behaviour.wording].format(field=name) for rule, name in faults)
                told.append(f"Bản khai báo {place + self.behaviour.first_number}: {said}")
            else:
                good.append(each)
        if not told or not self.behaviour.atomic:
            for each in good:
                self.ledger.take(each, facility=facility, foreign=foreign)
        return self._refused(", ".join(told)) if told else success()

    def _change(self, content: Any, *, facility: Facility, foreign: bool, now: datetime) -> Answer:
        if foreign and not self.behaviour.foreign_changes:
            return error(404, "Không có địa chỉ này")
        if self.behaviour.change_as_array:
            content = content[0] if isinstance(content, list) and len(content) == 1 else None
        faults = self.ledger.change(content, facility=facility, now=now, foreign=foreign)
        if not faults:
            return success()
        return self._refused(", ".join(SENTENCES[rule][self.behaviour.wording].format(field=name) for rule, name in faults))

    def _refused(self, message: str) -> Answer:
        return Answer(status=self.behaviour.error_status, body=_body("400", message))


def _spoilt_before(fault: Fault) -> Answer | None:
    """Return what is answered before anything is recorded, None where the work goes on."""
    match fault:
        case "timeout_before":
            return Answer(fate="silence")
        case "drop_before":
            return Answer(fate="cut")
        case "error_before":
            return error(500, "Lỗi hệ thống")
        case "unavailable":
            return Answer(status=503, headers={"Retry-After": "2"}, body=_body("503", "Đang bảo trì"))
        case "too_many":
            return Answer(status=429, headers={"Retry-After": "2"}, body=_body("429", "Quá nhiều yêu cầu"))
        case "token_expired":
            return error(401, "Phiên đăng nhập đã hết hạn")
        case "odd_refusal":
            return error(BAD, "Bản khai báo 1: lỗi, Bản khai báo 2: lỗi, khác")
        case _:
            return None


def _spoilt_after(fault: Fault, done: Answer) -> Answer:
    match fault:
        case "timeout_after":
            return Answer(fate="silence")
        case "drop_after":
            return Answer(fate="cut")
        case "error_after":
            return error(500, "Lỗi hệ thống")
        case "garbage":
            return Answer(body=b"<html>OK</html>", headers={"Content-Type": "text/html"})
        case _:
            return done


def success(data: Any = None) -> Answer:
    """Return the document's success."""
    return Answer(body=msgspec.json.encode({"code": "200", "message": "Thành công", "data": data}))


def error(status: int, message: str) -> Answer:
    """Return an error with its own HTTP status."""
    return Answer(status=status, body=_body(str(status), message))


def _body(code: str, message: str) -> bytes:
    return msgspec.json.encode({"code": code, "message": message, "data": None})
