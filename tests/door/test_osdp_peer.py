"""Our reader before an independent panel (the ``osdp`` package, pure Python, in an environment of its own), and then before ours."""

import json
import subprocess
from pathlib import Path

from osdp_parts import CARD, INSTALLING, Table

from edge_agent.sim.osdp_reader import SimulatedReader

ROOT = Path(__file__).resolve().parents[2]


def test_an_independent_panel_installs_our_reader_hears_it_and_ours_goes_on_with_that_key(tmp_path):
    link = tmp_path / "peer"
    with SimulatedReader(link, address=5, **INSTALLING) as reader:
        command = [ROOT / ".tools/osdp-peer/bin/python", ROOT / "tests/osdp_peer.py", link, "5"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as peer:

            def told():
                return json.loads(peer.stdout.readline())

            secure = told()
            assert secure["secure"]
            assert reader.key.hex() == secure["key"], "both hold one key, set under the key that everybody knows"
            reader.hold("wiegand", 26, CARD)
            assert told() == {"card": [1, 26, CARD.hex()]}
            reader.press("1234#")
            assert told()["keys"].startswith("31323334")
            reader.tamper(on=True)
            assert told() == {"tamper": True}
            peer.stdin.close()
            peer.wait(20)
        key = reader.key
    table = Table(tmp_path, key=key, reader={"key": key, "installing": False})
    assert table.turn(10, lambda: table.secure)
    table.reader.hold("wiegand", 26, CARD)
    assert table.turn(10, lambda: bool(table.cards))
    table.close()
