"""The whole way of an installer: ``luutru chip read`` through the real pcscd and a virtual reader, card laid down, read, pulled away.

One test, for there is one service and one virtual reader on a machine.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulators.card import pki
from simulators.card.citizen import NUMBER, QR, Citizen
from simulators.card.vpcd import CardInReader, pcscd
from typer.testing import CliRunner

from edge_agent.readers.pcsc import PcscCard, Service
from luutru.commands.chip import app
from residence.errors import Refused


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

    laid = CardInReader(Citizen(country).card())
    status, answer = read("--qr", QR)
    assert status == 0, answer
    assert (answer["protocol"], answer["level"], answer["downgraded"]) == ("PACE-ECDH-GM-AES-128-CAN", 5, False)
    assert set(answer["checks"].values()) == {"passed", "not_performed"}
    assert answer["files"]["DG14"]["hash_ok"] is True
    assert answer["apdus"] <= 30
    status, answer = read("--qr", QR, "--personal")
    assert answer["fields"]["zone"]["personal_number"] == NUMBER
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
