"""The real sending pass, killed before and after every call it makes to the database and the network: nobody is told twice, nobody is forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kbtt_parts import told_to_kbtt

from luutru.processes.authority import lease_of

MOST = 24  # kills
LEAVING = 6  # guests who are told of, then leave early while senders are killed
SENDER = Path(__file__).with_name("killed_sender.py")


class Nursery:
    """Sends in children of a program that has everything loaded."""

    def __init__(self, told, offset):
        office = told.office
        command = [sys.executable, str(SENDER), office.url, str(office.vault_folder), str(told.file)]
        environment = {**os.environ, "LUUTRU_DEMO_CLOCK": str(offset)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def send(self, kill_at=0):
        """Let a child send; returns its exit status (minus a signal) and how many points it passed."""
        self.process.stdin.write(f"{kill_at}\n")
        self.process.stdin.flush()
        status, points = self.process.stdout.readline().split()
        return int(status), int(points) if points != "-" else None


@contextmanager
def nursery(told, offset):
    made = Nursery(told, offset)
    yield made
    made.process.stdin.close()
    assert made.process.wait(30) == 0
    made.process.stdout.close()


def test_killed_at_any_point_nobody_is_told_twice_and_nobody_is_forgotten(small_office, tmp_path):
    office, offset = small_office, tmp_path / "offset"
    offset.write_text("0")
    with told_to_kbtt(office, tmp_path) as told, nursery(told, offset) as children:
        told.kbtt._clock = lambda: datetime.now(UTC)
        declared = [say(told) for _ in range(LEAVING)]
        status, _ = children.send()
        assert (status, told.states()) == (0, ["accepted"] * LEAVING)
        declared.append(say(told))
        _, points = children.send()
        gone, killed = [], 0
        for turn, kill_at in enumerate(range(1, points, points // MOST)):
            if turn % 4 == 0 and len(gone) < LEAVING:
                leave(told, declared[len(gone)])
                gone.append(declared[len(gone)].person.personal_number)
            declared.append(say(told))
            killed += children.send(kill_at)[0] == -signal.SIGKILL
        assert killed > MOST // 2
        for _ in range(3):  # each pass finds the claims of the one before run out
            wait = lease_of(told.settings).total_seconds() + 60
            told.kbtt.ahead += timedelta(seconds=wait)
            offset.write_text(str(float(offset.read_text()) + wait))
            assert children.send()[0] == 0
        assert set(told.states()) <= {"accepted", "probably"}
        assert sorted(number for number, _ in told.held()) == sorted(each.person.personal_number for each in declared)
        assert {number for number, ended in told.held() if ended} == set(gone)
        assert sorted(number for _, _, number in told.kbtt.ledger.changes) == sorted(gone)


def say(told):
    now = told.office.clock.instant = datetime.now(UTC)
    return told.say(arrival=now.isoformat(), planned_departure=(now + timedelta(days=2)).isoformat())


def leave(told, declaration):
    now = told.office.clock.instant = datetime.now(UTC)
    return told.follow_up(declaration, "departure", planned_departure=now.isoformat())
