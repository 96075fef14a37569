"""The bridge killed with SIGKILL at any point of a round tells every guest once and loses nobody: real processes, sockets, files and server."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from factories import EVENING
from pms_parts import OWN, PLAYED, SECRETS, VENDORS, Guest, Hotel
from server_parts import World, free_address
from simulators.pms import cloudbeds, ohip
from simulators.pms.front import played
from sqlalchemy import select

from registry import tables
from registry.api_clients import ApiClient, add_client

POINTS = 9  # of each system's round, spread over all there are
OWN_PARTS = {
    "mews": "",
    "cloudbeds": f'cloudbeds = {{property_id = "{cloudbeds.PROPERTY}", nationality = "custom:Quốc tịch"}}',
    "ohip": f'ohip = {{hotel_id = "{ohip.HOTEL}", scope = "{ohip.SCOPE}", enterprise_id = "{ohip.ENTERPRISE}"}}',
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"), base_url=free_address())
    secret = secrets.token_urlsafe(24)
    own = ApiClient(
        client_id=OWN, commune_code="demo-01", account_id="acc-clerk", label="PMS", grants=("declare",), created_at=EVENING
    )
    with world.registry.writing() as connection:
        add_client(connection, own, secret)
    with world.serving():
        yield world, secret
    world.close()


def lay(folder, vendor, *, server, base, secret):
    """Lay the bridge's settings and secrets."""
    (folder / "secrets").mkdir(parents=True)
    (folder / "pms.toml").write_text(
        f'[server]\naddress = "{server}"\n[[property]]\npremises_id = "htl-sao-mai"\nvendor = "{vendor}"\nbase = "{base}"\n'
        f'secrets = "{vendor}"\npurpose_of_stay = "tourism"\ncalls_per_second = 50\n{OWN_PARTS[vendor]}\n',
        "utf-8",
    )
    for name, texts in (("luutru", {"client_id": OWN, "client_secret": secret}), (vendor, SECRETS[vendor])):
        path = folder / "secrets" / f"{name}.toml"
        path.write_text("".join(f'{key} = "{value}"\n' for key, value in texts.items()))
        path.chmod(0o600)
    return folder / "pms.toml"


class Bridges:
    """A process that forks bridges."""

    def __init__(self, settings):
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("killed_bridge.py"), settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self, kill_at=0):
        """Return how one bridge ended (-9: killed) and how many points it passed."""
        self.process.stdin.write(f"{kill_at}\n")
        self.process.stdin.flush()
        ended, points = self.process.stdout.readline().split()
        return int(ended), points

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


def people(number):
    """Return two foreigners of one booking, in no other."""
    family = "".join(chr(65 + int(digit)) for digit in f"{number:03}")
    return [
        Guest(ref=f"G-{number}-{given}", given=given, family=family, nationality="DE", number=f"C{number:03}0{given[0]}1")
        for given in ("Anna", "Bernd")
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_bridge_killed_anywhere_tells_each_guest_once_and_each_departure_once(vendor, served, tmp_path):
    world, secret = served
    hotel = Hotel()
    first = VENDORS.index(vendor) * 100  # so that no two systems speak of the same people
    arrived, left = EVENING - timedelta(hours=3), EVENING - timedelta(minutes=10)
    system = PLAYED[vendor](hotel)

    def come(number):
        hotel.book(name=f"R-{number}", arrival=arrived, changed=arrived, people=2, guests=people(number))

    with played(system) as base:
        bridges = Bridges(lay(tmp_path / vendor, vendor, server=world.settings.base_url, base=base, secret=secret))
        come(first)
        ended, points = bridges.round()
        assert ended == 0
        every = max(1, int(points) // POINTS)
        killed = Counter()
        for place in range(POINTS):
            hotel.change(f"R-{first + place}", standing="left", left=left)
            come(first + place + 1)
            killed[bridges.round(kill_at=place * every + 1)[0]] += 1
            assert bridges.round()[0] == 0
        bridges.close()
    assert not system.faults
    assert killed == {-9: POINTS}
    with world.registry.reading() as connection:
        stays = connection.execute(select(tables.stays)).all()
        kinds = Counter(connection.scalars(select(tables.declarations.c.kind)))
    done = VENDORS.index(vendor) + 1
    assert Counter(each.status for each in stays) == {"ended": 2 * POINTS * done, "open": 2 * done}
    assert Counter(len(each.declaration_ids) for each in stays) == {2: 2 * POINTS * done, 1: 2 * done}
    assert kinds == {"arrival": 2 * (POINTS + 1) * done, "departure": 2 * POINTS * done}
