"""The kiosk's page over HTTP: who may talk to it, what it says, and what it never says."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager

import httpx
import pytest
from kiosk_page_parts import CARD, DESK, LOBBY, running_kiosk, served

from edge_agent.kiosk.states import ConfirmPerson, Idle, Result, Review


@pytest.fixture
def kiosk():
    with running_kiosk() as kiosk:
        yield kiosk


@pytest.fixture
def page(kiosk):
    with browser(kiosk) as page:
        yield page


@contextmanager
def browser(kiosk):
    with served(kiosk) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        yield Browser(client)


class Browser:
    """A browser without script: it fills forms in and follows redirects."""

    def __init__(self, client):
        self.client = client
        self.origin = str(client.base_url).rstrip("/")

    def open(self, path: str = "/"):
        return self.client.get(path)

    def hidden(self):
        html = self.open().text
        return {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("token", "screen")}

    def press(self, do: str, *, origin: str | None = "own", **fields):
        headers = {"Origin": self.origin if origin == "own" else origin} if origin is not None else {}
        return self.client.post("/act", data={**self.hidden(), "do": do, **fields}, headers=headers)


def to_review(kiosk, page, lang="vi"):
    page.press(f"start:{lang}")
    page.press("purpose:stay")
    kiosk.show()
    page.press("yes")
    page.press("unit:1203")
    page.press("nights:2")
    page.press("reason:visit")
    assert isinstance(kiosk.screen, Review)


def test_the_whole_way_works_without_script(kiosk, page):
    to_review(kiosk, page)
    answer = page.press("confirm")
    assert answer.status_code == 200  # sent back to "/", and shown
    assert isinstance(kiosk.screen, Result)
    assert "Đã lưu" in answer.text
    assert kiosk.screen.code in answer.text
    assert len(kiosk.outbox.messages) == 1


def test_the_typed_way_works_without_script(kiosk, page):
    page.press("start:vi")
    page.press("purpose:stay")
    page.press("no-card")
    page.press("typed", value="Nguyễn Thị Bình")
    page.press("typed", day="5", month="11", year="1967")
    page.press("typed:female")
    page.press("typed:VNM")
    page.press("typed", value="001167000228")
    answer = page.press("skip")
    assert "Nguyễn Thị Bình" in answer.text
    assert "05/11/1967" in answer.text
    assert "••• ••• ••• 228" in answer.text
    assert "001167000228" not in answer.text


def test_a_birth_date_of_a_year_alone_may_leave_day_and_month_empty(kiosk, page):
    for do in ("start:vi", "purpose:stay", "no-card"):
        page.press(do)
    page.press("typed", value="Nguyễn Thị Bình")
    page.press("typed", day="", month="", year="1967")
    assert kiosk.screen.typed.birth.value == "1967"


def test_every_answer_carries_the_strict_headers(kiosk, page):
    for path in ("/", "/screen", "/static/kiosk.css", "/static/kiosk.js", "/health", "/nowhere", "/receipt.svg", "/wiped"):
        headers = page.client.get(path, follow_redirects=False).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["content-security-policy"].startswith("default-src 'self';"), path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path


def test_the_pages_hold_nothing_inline(kiosk, page):
    to_review(kiosk, page)
    for html in (page.open().text, page.press("confirm").text):
        assert not re.search(r"<script(?![^>]*src=)", html)
        assert not re.search(r"<style|\sstyle=|\son\w+=|https?://", html)


FOREIGN_HOSTS = ["evil.example", "evil.example:8800", "127.0.0.1.evil.example", "192.168.1.5:8800"]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_gets_nothing(page, host):
    assert page.client.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "", None])
def test_a_form_from_elsewhere_does_nothing(kiosk, page, origin):
    answer = page.press("start:vi", origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "page.foreign")
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["type"], told["title"], told["status"]) == ("urn:luutru:problem:page.foreign", "Forbidden", 403)
    assert told["detail"]
    assert isinstance(kiosk.screen, Idle)


def test_a_form_without_the_sessions_token_does_nothing(kiosk, page):
    answer = page.press("start:vi", token="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (403, "page.stale")
    assert isinstance(kiosk.screen, Idle)


def test_a_session_nobody_gave_out_does_nothing(kiosk, page):
    hidden = page.hidden()
    page.client.cookies.clear()
    page.client.cookies.set("luutru_kiosk-lobby-1", "made.up")
    answer = page.client.post("/act", data={**hidden, "do": "start:vi"}, headers={"Origin": page.origin})
    assert answer.json()["code"] == "page.foreign"


def test_a_form_of_the_visit_before_does_nothing(kiosk, page):
    page.press("start:vi")
    old = page.hidden()
    page.press("stop")
    kiosk.show()
    answer = page.client.post("/act", data={**old, "do": "purpose:resident"}, headers={"Origin": page.origin})
    assert answer.json()["code"] == "page.stale"


def test_an_act_for_another_screen_is_late_and_changes_nothing(kiosk, page):
    page.press("start:vi")
    page.press("yes", screen="person")
    assert page.hidden()["screen"] == "purpose"


@pytest.mark.parametrize("do", ["", "fly", "start:xx", "nights:many", "reason:spying", "purpose:rob", "language:"])
def test_an_unknown_act_is_refused_in_words(kiosk, page, do):
    answer = page.press(do)
    assert (answer.status_code, answer.json()["code"]) == (400, "page.unknown_act")
    assert answer.json()["message"]["vi"]


def test_own_words_are_kept_to_the_last_one_the_field_takes_and_too_many_are_said(kiosk, page):
    for do, fields in (
        ("start:vi", {}),
        ("purpose:stay", {}),
        ("no-papers", {}),
        ("typed", {"value": "Bé Không Giấy"}),
        ("skip", {}),
        ("skip", {}),
        ("typed:VNM", {}),
    ):
        page.press(do, **fields)
    most = int(re.search(r'name="value"[^>]*maxlength="(\d+)"', page.open().text)[1])
    page.press("typed", value="lũ cuốn trôi " * 50)
    assert (kiosk.screen.asked, kiosk.screen.problem.pointer) == ("words", "/note")
    words = ("lũ " * most)[: most - 1] + "x"
    page.press("typed", value=words)
    assert (kiosk.screen.asked, kiosk.screen.typed.words) == ("helper", words)


def test_a_second_press_of_the_confirmation_keeps_nothing_twice(kiosk, page):
    to_review(kiosk, page)
    hidden = page.hidden()
    for _ in range(3):
        page.client.post("/act", data={**hidden, "do": "confirm"}, headers={"Origin": page.origin})
    assert len(kiosk.outbox.messages) == 1


def test_a_huge_form_is_not_read(page):
    answer = page.client.post("/act", data={"do": "x" * 100_000}, headers={"Origin": page.origin})
    assert answer.status_code == 413


def test_a_form_in_pieces_that_never_end_is_cut_off(page):
    """Its length is not said, so only what has come can be counted; the page has to answer while more is still being sent."""
    host = page.origin.removeprefix("http://")
    with socket.create_connection(tuple(host.split(":")), timeout=20) as line:
        line.sendall(f"POST /act HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(17):
            line.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert line.recv(20).startswith(b"HTTP/1.1 413")


def test_a_form_in_pieces_that_is_small_is_a_form(kiosk, page):
    pieces = [f"{name}={value}&".encode() for name, value in {**page.hidden(), "do": "start:vi"}.items()]
    headers = {"Origin": page.origin, "Content-Type": "application/x-www-form-urlencoded"}
    answer = page.client.post("/act", content=iter(pieces), headers=headers)
    assert answer.status_code == 200
    assert not isinstance(kiosk.screen, Idle)


def test_the_session_is_bound_to_the_browser_and_new_after_a_visit(kiosk, page):
    page.open()
    cookie = page.client.cookies["luutru_kiosk-lobby-1"]
    header = page.client.get("/wiped", follow_redirects=False)
    assert header.headers["clear-site-data"] == '"cache", "storage"'
    set_cookie = header.headers["set-cookie"].lower()
    assert "httponly" in set_cookie
    assert "samesite=strict" in set_cookie
    assert page.client.cookies["luutru_kiosk-lobby-1"] != cookie


def test_the_number_is_never_whole_on_any_page(kiosk, page):
    seen = []
    page.press("start:vi")
    page.press("purpose:stay")
    kiosk.show()
    for do in ("yes", "unit:1203", "nights:2", "reason:visit", "confirm", "language:en"):
        seen.append(page.open().text)
        seen.append(page.press(do).text)
    text = " ".join(seen)
    assert "Trần Văn An" in text
    assert not [each for each in ("001095000117", "095000117", "1995-02-01", "01/02/1995", "Láng Hạ") if each in text]


def test_after_the_time_out_the_page_knows_nothing(kiosk, page):
    to_review(kiosk, page)
    kiosk.clock.pass_time(seconds=51)
    kiosk.wait_for(lambda: isinstance(kiosk.screen, Idle))
    html = page.open().text
    assert "Trần" not in html
    assert "••• 117" not in html


def test_the_warning_is_a_dialogue_in_words_with_a_way_to_stay(kiosk, page):
    to_review(kiosk, page)
    kiosk.clock.pass_time(seconds=31)
    kiosk.wait_for(lambda: kiosk.agent.view().state.warning)
    html = page.open().text
    assert 'role="alertdialog"' in html
    assert "Tôi cần thêm thời gian" in html
    page.press("more-time")
    assert not kiosk.agent.view().state.warning
    assert isinstance(kiosk.screen, Review)


SAID = {
    "kept with a network": ("up", "kept", {}, ["Đã lưu", "Đang gửi"]),
    "kept without a network": ("waiting", "kept", {}, ["Đã lưu", "Chưa có mạng", "sẽ tự gửi khi có mạng"]),
    "sent": ("up", "sent", {}, ["Đã gửi đi", "cho đến khi có biên nhận"]),
    "received": ("up", "received", {}, ["Cơ quan đã nhận"]),
    "accepted": ("up", "accepted", {}, ["Đã ghi nhận", "không cần làm gì thêm"]),
    "accepted too late": (
        "up",
        "accepted",
        {"due": "2026-07-10T23:00:00+07:00", "on_time": False},
        ["ghi nhận sau hạn 23:00 ngày 10/7"],
    ),
    "refused": ("up", "refused", {}, ["Bị từ chối", "Lý do"]),
    "conflicting": ("up", "conflicting", {}, ["Cần xem lại", "không bị coi là chưa khai báo"]),
}


@pytest.mark.parametrize("case", SAID)
def test_the_result_says_truthfully_where_the_declaration_is(kiosk, page, case):
    line, standing, receipt, expected = SAID[case]
    kiosk.line[0] = line
    to_review(kiosk, page)
    page.press("confirm")
    declaration_id = kiosk.screen.declaration_id
    if standing == "sent":
        kiosk.outbox.settlements[declaration_id].state = "sent"
    elif standing != "kept":
        kiosk.outbox.settle(declaration_id, standing, **receipt)
    kiosk.wait_for(lambda: kiosk.screen.standing == standing)
    html = page.open().text
    assert not [each for each in expected if each not in html]


def test_a_refusal_gives_the_reason_in_words(kiosk, page):
    from residence.wire.messages import ReceiptFinding

    to_review(kiosk, page)
    page.press("confirm")
    findings = (
        ReceiptFinding(code="kiosk.unit_unknown", severity="error"),
        ReceiptFinding(code="a.code_of_next_year", severity="error"),
    )
    kiosk.outbox.settle(kiosk.screen.declaration_id, "refused", findings=findings)
    kiosk.wait_for(lambda: kiosk.screen.standing == "refused")
    html = page.open().text
    assert "Không có căn hộ hoặc phòng này ở đây" in html
    assert "Cơ quan đăng ký cần xem lại" in html
    assert "code_of_next_year" not in html


def test_a_full_disk_is_said_before_and_after(kiosk, page):
    kiosk.outbox.full = True
    to_review(kiosk, page)
    html = page.press("confirm").text
    assert "Chưa khai báo được" in html
    page.press("stop")
    assert "tạm thời không nhận khai báo" in page.open().text


def test_a_broken_outbox_is_not_called_kept(kiosk, page):
    kiosk.outbox.broken = True
    to_review(kiosk, page)
    html = page.press("confirm").text
    assert "Chưa khai báo được" in html
    assert "Đã lưu" not in html


def test_the_receipt_is_drawn_as_a_picture_without_a_script_and_only_while_it_is_shown(kiosk, page):
    assert page.client.get("/receipt.svg").status_code == 404
    to_review(kiosk, page)
    page.press("confirm")
    answer = page.client.get("/receipt.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "<script" not in answer.text
    page.press("stop")
    assert page.client.get("/receipt.svg").status_code == 404


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, "AAAA-BBBB-CCCC"),
        ("https://x.test/r", "https://x.test/r?code=AAAA-BBBB-CCCC"),
        ("https://x.test/r?code=", "https://x.test/r?code=AAAA-BBBB-CCCC"),
        ("https://x.test/r/{code}", "https://x.test/r/AAAA-BBBB-CCCC"),
    ],
)
def test_the_receipts_code_leads_to_where_it_can_be_checked(url, expected):
    from edge_agent.kiosk.look_up import look_up_text

    assert look_up_text(url, "AAAA-BBBB-CCCC") == expected


def test_the_desk_speaks_of_the_guest():
    with running_kiosk(DESK) as kiosk, browser(kiosk) as page:
        page.press("start:vi")
        html = page.open().text
        assert "thẻ của khách" in html
        kiosk.show()
        assert "Có đúng là khách này?" in page.open().text


def test_health_is_open_and_names_nobody(kiosk, page):
    to_review(kiosk, page)
    page.press("confirm")
    health = page.client.get("/health").json()
    assert health["outbox_depth"] == 1
    assert "Trần" not in str(health)


def test_changes_are_told_at_once_and_say_nothing_of_the_person(kiosk):
    with served(kiosk) as url, httpx.stream("GET", f"{url}/events", timeout=10) as stream:
        lines = stream.iter_lines()
        seen = [next(lines) for _ in range(3)]
        assert seen[:2] == ["retry: 1000", "event: state"]
        kiosk.show(CARD)
        kiosk.clock.pass_time(seconds=60)
        for line in lines:
            seen.append(line)
            if line == "event: wipe":
                break
        text = "\n".join(seen)
        assert "card-read" in text
        assert "Trần" not in text


def test_the_first_screen_is_vietnamese_and_names_each_language_in_itself(page):
    html = page.open().text
    assert '<html lang="vi">' in html
    assert ">Tiếng Việt<" in html
    assert 'lang="en"' in html
    assert ">English<" in html


def test_the_lobby_profile_offers_the_entrance_and_another_does_not(kiosk, page):
    assert "Qua cửa" in page.press("start:vi").text
    with running_kiosk(LOBBY.replace("presence = true", "presence = false")) as other, browser(other) as without:
        assert "Qua cửa" not in without.press("start:vi").text


def test_a_card_at_the_page_asks_for_confirmation(kiosk, page):
    page.press("start:en")
    page.press("purpose:stay")
    kiosk.show()
    assert isinstance(kiosk.screen, ConfirmPerson)
    assert "Is this you?" in page.open().text
