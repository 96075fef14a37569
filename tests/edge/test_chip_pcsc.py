"""The whole way of an installer: ``luutru chip read`` through the real pcscd and a virtual reader, card laid down, read, pulled away.

There is one service and one virtual reader on a machine: these tests stay in one group, one after another.
"""

from __future__ import annotations

import json
import queue
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from simulators.card import pki
from simulators.card.citizen import MRZ, MRZ_KEY, NUMBER, QR, Citizen
from simulators.card.vpcd import CardInReader, pcscd
from typer.testing import CliRunner

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from edge_agent.readers import pcsc
from edge_agent.readers.pcsc import PcscCard, Service
from luutru.commands.chip import app
from luutru.system import SystemClock, random_bytes
from residence.credentials.chip import tlv
from residence.errors import Refused

DETAILS = tlv.encode(0x6B, tlv.encode(0x5C, b"\x5f\x13") + tlv.encode(0x5F13, "thợ mộc".encode()))
pytestmark = pytest.mark.xdist_group("pcscd")


@pytest.fixture
def service():
    if not Path("/usr/sbin/pcscd").exists() or not list(Path("/usr/lib/pcsc/drivers/serial").glob("*vpcd*")):
        pytest.fail("pcscd or vsmartcard-vpcd is not installed: run scripts/bootstrap test")
    try:
        with pcscd() as process:
            if process.poll() is not None:
                pytest.fail("pcscd does not run for this account")
            yield process
    except RuntimeError as error:
        pytest.fail(str(error))


def test_an_installer_reads_a_card_on_a_real_reader_service(service, tmp_path):
    country = pki.Country()
    (tmp_path / "csca.der").write_bytes(country.authority.der)
    now = datetime.now(UTC)
    (tmp_path / "vn.crl").write_bytes(country.revocation_list(this=now - timedelta(days=1)))
    runner = CliRunner()

    def read(*options):
        result = runner.invoke(app, ["read", "--json", "--trust", str(tmp_path), *options])
        assert NUMBER not in result.stdout or "--personal" in options
        return result.exit_code, json.loads(result.stdout)

    status, answer = read("--can", "123456", "--wait", "0.2")
    assert (status, answer["code"]) == (1, "chip.no_card")

    made = Citizen(country)
    made.groups |= {11: DETAILS, 12: DETAILS}  # of the twelfth, what it holds is of another kind
    laid = CardInReader(made.card())
    status, answer = read("--qr", QR)
    assert status == 0, answer
    assert (answer["protocol"], answer["level"], answer["downgraded"]) == ("PACE-ECDH-GM-AES-128-CAN", 5, False)
    assert set(answer["checks"].values()) == {"passed", "not_performed"}
    assert answer["files"]["DG14"]["hash_ok"] is True
    assert answer["apdus"] <= 30
    assert answer["groups"] == {}
    assert not {"DG2", "DG11"} & set(answer["files"])
    groups = ("--group", "DG2", "--group", "dg11", "--group", "DG12", "--group", "DG16")
    status, answer = read("--qr", QR, *groups)
    assert [(each["kind"], each["bytes"] > 2000) for each in answer["groups"]["DG2"]["pictures"]] == [("JPEG", True)]
    assert answer["groups"]["DG11"] == {"holds": ["profession"], "others": {}}
    assert answer["groups"]["DG12"] == {"unreadable": "chip.tlv"}
    assert (answer["files"]["DG11"]["hash_ok"], answer["missing"]["DG16"]) == (True, "not listed")
    assert "thợ mộc" not in json.dumps(answer, ensure_ascii=False)
    status, answer = read("--qr", QR, "--personal", *groups)
    assert answer["groups"]["DG11"]["texts"] == {"profession": ["thợ mộc"]}
    assert answer["fields"]["zone"]["personal_number"] == NUMBER
    status, answer = read("--mrz", " ".join(MRZ))
    assert (answer["protocol"], answer["level"]) == ("PACE-ECDH-GM-AES-128-MRZ", 5)
    assert answer["checks"]["cross_check"] == "passed"
    status, answer = read("--can", "654321")
    assert (status, answer["code"]) == (1, "chip.not_opened")

    line = Service()
    name = line.names()[0]
    with PcscCard(line, name) as card:
        puller = threading.Thread(target=laid.take_away)
        puller.start()
        puller.join()
        assert line.wait_for_card(name, seconds=20, present=False)
        with pytest.raises(Refused, match=r"chip\.card_gone"):
            card.transceive(bytes.fromhex("00A4020C02011C"))
    line.close()


class CardThatIsPulled:
    """A genuine card that stops answering in the middle, for somebody takes it away."""

    def __init__(self, card, *, after):
        self.card, self.after = card, after
        self.moment = threading.Event()

    def reset(self):
        self.card.reset()

    def transceive(self, raw):
        if len(self.card.log) >= self.after:
            self.moment.set()
            raise OSError
        return self.card.transceive(raw)


def laid_anew(readers, reader, card):
    """Lay a card until the reader sees it: after a command that broke off, vpcd may drop the next connection."""
    for _ in range(3):
        laid = CardInReader(card)
        if readers.wait_for_card(reader, seconds=5):
            return laid
        laid.take_away()
    pytest.fail("the virtual reader does not see the card")


def test_a_card_pulled_away_in_the_middle_is_told_and_the_next_one_is_read_anew(service, tmp_path):
    country = pki.Country()
    pulled = CardThatIsPulled(Citizen(country).card(), after=14)
    laid = CardInReader(pulled)
    puller = threading.Thread(target=lambda: pulled.moment.wait(60) and laid.take_away())
    puller.start()

    result = CliRunner().invoke(app, ["read", "--json", "--can", "123456"])
    puller.join()
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["code"]) == (1, "chip.card_gone"), answer
    assert "files" not in answer

    with closing(Service()) as readers:
        reader = next(each for each in readers.names() if each.endswith("00 00"))
        assert readers.wait_for_card(reader, seconds=30, present=False)
        laid = laid_anew(readers, reader, Citizen(country).card())
    result = CliRunner().invoke(app, ["read", "--json", "--can", "123456"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer.get("level")) == (0, 3), answer
    laid.take_away()


class DriverWithout:
    """A library whose driver carries no command of extended length, before a card that would; no real one here refuses any."""

    def __init__(self, card, code):
        self.card, self.code = card, code

    def SCardConnect(self, *_):  # noqa: N802 - as PC/SC names it
        return 0

    SCardDisconnect = SCardReconnect = SCardConnect

    def SCardStatus(self, *given):  # noqa: N802
        given[5].value, given[6]._obj.value = b"\x3b\x80\x80\x01\x01", 5
        return 0

    def SCardTransmit(self, _handle, _request, apdu, *given):  # noqa: N802
        if len(apdu) > 5 and not apdu[4]:
            return self.code
        answer = self.card.transceive(apdu)
        given[2][: len(answer)], given[3]._obj.value = answer, len(answer)
        return 0


@pytest.mark.parametrize("code", [0x80100004, 0x80100016], ids=["parameter", "not transacted"])
@pytest.mark.parametrize("about", [{}, {"pace": None, "active": ""}], ids=["PACE", "BAC"])
def test_a_driver_that_refuses_extended_length_is_asked_for_short_pieces(code, about):
    driver = DriverWithout(Citizen(pki.Country(), **about).card(), code)
    with PcscCard(SimpleNamespace(library=driver, context=None), "a reader") as card:
        reader = ChipReader(card, draw=FromBytes(random_bytes), clock=SystemClock(), reset=card.reset)
        capture = reader.read(Opening(can="123456", mrz_keys=(MRZ_KEY,)), bound_to=(b"test",))
    assert {"COM", "SOD", "DG1", "DG13", "DG14"} <= set(capture.files)
    assert capture.chip is not None


def test_readers_and_cards_that_come_and_go_are_told_in_order():
    told, over = queue.Queue(), threading.Event()

    def watch():
        for event in pcsc.watch(lambda: not over.is_set(), pause=over.wait):
            if event.reader.endswith("00 00"):
                told.put(event.what)

    watcher = threading.Thread(target=watch)
    with pcscd():
        watcher.start()
        assert told.get(timeout=60) == "reader-there"
        laid = CardInReader(Citizen(pki.Country()).card())
        assert told.get(timeout=60) == "card-there"
        laid.take_away()
        assert told.get(timeout=60) == "card-gone"
        laid = CardInReader(Citizen(pki.Country()).card())
        assert told.get(timeout=60) == "card-there"
    # the service ends with the card on its reader: both are gone
    assert [told.get(timeout=60) for _ in range(2)] == ["card-gone", "reader-gone"]
    laid.take_away()
    with pcscd():
        assert told.get(timeout=60) == "reader-there"
        over.set()
        watcher.join(60)
    assert told.empty()


@pytest.mark.parametrize(
    "given",
    [
        ("--can", "12345"),
        ("--can", "１２３４５６"),
        ("--mrz", MRZ[0]),
        ("--mrz", " ".join(MRZ).replace("9512254M", "9512255M")),
        (),
        ("--can", "123456", "--group", "DG3"),
    ],
    ids=["short", "other digits", "one line", "a check digit", "nothing", "a group that is never read"],
)
def test_what_opens_no_chip_costs_the_card_no_attempt(given):
    result = CliRunner().invoke(app, ["read", *given])
    assert result.exit_code == 2


def test_an_installer_sees_the_readers(service):
    result = CliRunner().invoke(app, ["watch", "--seconds", "2", "--jsonl"])
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {each["what"] for each in events} == {"reader-there"}
    assert all("Virtual PCD" in each["reader"] for each in events)
