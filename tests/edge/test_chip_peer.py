"""PACE against a card side by other people: Debian's libeac3, all curves and ciphers, with the right and a wrong number."""

from __future__ import annotations

import pytest
from simulators.card.libeac import LibeacCard, load

from edge_agent.chip.apdu import Channel
from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.pace import can_secret, run_pace
from luutru.system import random_bytes
from residence.credentials.chip.groups import STANDARD, DhGroup
from residence.credentials.chip.security_infos import PaceInfo
from residence.credentials.chip.suites import BY_ID
from residence.errors import Refused

DRAW = FromBytes(random_bytes)
# libeac reads GENERAL AUTHENTICATE data as we write it for elements that fit a short command; the curves all do.
CURVES = [number for number, group in STANDARD.items() if not isinstance(group, DhGroup)]


@pytest.fixture(scope="module")
def libraries():
    try:
        return load()
    except OSError as error:
        pytest.fail(f"libeac3 is not installed: {error}; run scripts/bootstrap test")


@pytest.mark.parametrize("cipher", sorted(BY_ID))
@pytest.mark.parametrize("parameter", CURVES)
def test_libeac_opens_with_the_right_number_only(libraries, parameter, cipher):
    info = PaceInfo(oid=f"0.4.0.127.0.7.2.2.4.2.{cipher}", mapping="GM", is_ec=True, suite=BY_ID[cipher], parameter=parameter)
    for can, opens in (("123456", True), ("123457", False)):
        card = LibeacCard(libraries, info, "123456")
        channel = Channel(card, monotonic_ns=lambda: 0, deadline_ns=1)
        if opens:
            run_pace(channel, info, can_secret(can), DRAW)
        else:
            with pytest.raises(Refused, match=r"chip\.wrong_key"):
                run_pace(channel, info, can_secret(can), DRAW)
        assert channel.is_protected is opens
        card.close()
