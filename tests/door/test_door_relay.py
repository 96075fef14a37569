"""The relay: real holders as real processes, killed and stopped at the worst moment, on pretended pins."""

import os
import selectors
import signal
import subprocess
import sys
import textwrap
import time

import msgspec
import pytest
from door_parts import DOOR

from edge_agent.door.holder import MOST_MS, Relay
from edge_agent.door.lease import Lease
from edge_agent.door.machine import ContactSaid, ExitAsked, FireSaid
from edge_agent.door.output import ANSWER_NS, BEGIN_NS, HeldOutput
from edge_agent.door.pins import open_pins
from edge_agent.door.wires import Wires
from residence.doors.words import DoorStatus

HOLDER = [sys.executable, "-m", "edge_agent.door.holder", "--pin", "17", "--pins", "pretend"]
AGENT = textwrap.dedent(
    """
    import os, sys, time
    while True:
        os.write(int(sys.argv[1]), b"1500\\n")
        time.sleep(0.05)
    """
)


def words(stream, seconds: float) -> list[tuple[float, str]]:
    """What a holder says, and when, until it ends or time is over."""
    said, end = [], time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if selector.select(left):
                chunk = os.read(stream.fileno(), 4096)
                if not chunk:
                    break
                said += [(time.monotonic(), word) for word in chunk.decode().split()]
    return said


def wait_until(holds, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_an_agent_killed_in_the_middle_of_a_pulse_leaves_no_relay_on():
    take, give = os.pipe()
    holder = subprocess.Popen(HOLDER, stdin=take, stdout=subprocess.PIPE)
    os.close(take)
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(give)], pass_fds=[give])
    os.close(give)
    assert os.read(holder.stdout.fileno(), 3) == b"on\n"
    os.kill(agent.pid, signal.SIGKILL)
    agent.wait()
    said = words(holder.stdout, 60)
    assert said[-1][1] == "off", "the lease ended by itself"
    assert holder.wait(60) == 0, "and then the holder"
    holder.stdout.close()


def test_a_holder_lets_go_when_it_is_asked_to_end_and_when_the_lease_is_over():
    for end in ("wait", "terminate"):
        with subprocess.Popen(HOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            os.write(holder.stdin.fileno(), b"200\n" if end == "wait" else b"5000\n")
            assert os.read(holder.stdout.fileno(), 3) == b"on\n"
            if end == "wait":
                assert os.read(holder.stdout.fileno(), 4) == b"off\n"
            holder.terminate()
            assert holder.wait(60) == 0


class TestTheRelayAlone:
    def relay(self):
        switched, said = [], []
        return Relay(switched.append, said.append), switched, said

    def test_its_first_act_is_to_let_go(self):
        assert self.relay()[1] == [False]

    @pytest.mark.parametrize("asked", [MOST_MS, MOST_MS + 1, 10**9])
    def test_nobody_can_ask_for_longer_than_the_longest_lease(self, asked):
        relay, switched, _ = self.relay()
        relay.hold(asked, now=100.0)
        assert relay.look(now=100.0 + MOST_MS / 1000 - 0.001) is not None
        assert relay.look(now=100.0 + MOST_MS / 1000) is None
        assert switched[-1] is False

    def test_a_renewal_counts_from_itself(self):
        relay, switched, said = self.relay()
        relay.hold(1000, now=100.0)
        relay.hold(1000, now=100.9)
        assert relay.look(now=101.8) is not None
        relay.hold(0, now=101.8)
        assert (switched[-1], said) == (False, ["on", "on", "off"])


class TestTheAgentsSide:
    def output(self):
        moment = [0]
        return HeldOutput(msgspec.structs.replace(DOOR, pins="pretend"), monotonic=lambda: moment[0]), moment

    def test_what_is_believed_is_what_the_holder_says(self):
        output, _ = self.output()
        assert output.driven is None
        output.drive(Lease(milliseconds=300))
        wait_until(lambda: output.driven is True)
        wait_until(lambda: output.driven is False)
        output.close()
        assert output.driven is None

    def test_a_holder_that_was_killed_is_missed_and_another_lets_go(self):
        output, moment = self.output()
        output.drive(Lease(milliseconds=5000))
        wait_until(lambda: output.driven is True)
        first = output.holder_pid
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: output.driven is None)
        moment[0] += 2_000_000_000
        output.drive(Lease(milliseconds=0))
        wait_until(lambda: output.driven is False)
        assert output.holder_pid != first
        output.close()

    def test_a_holder_that_hangs_is_ended(self):
        output, moment = self.output()
        output.drive(Lease(milliseconds=5000))
        wait_until(lambda: output.driven is True)
        os.kill(output.holder_pid, signal.SIGSTOP)
        first = output.holder_pid
        output.drive(Lease(milliseconds=0))
        moment[0] += ANSWER_NS + 1
        output.drive(Lease(milliseconds=0))
        wait_until(lambda: output.driven is False)
        assert output.holder_pid != first
        output.close()

    def test_a_machine_that_needs_long_to_begin_a_holder_comes_to_one(self):
        output, moment = self.output()
        output.drive(Lease(milliseconds=0))
        holders = [output.holder_pid]
        os.kill(output.holder_pid, signal.SIGSTOP)  # before its first word, as if it loaded for long
        for waited in (ANSWER_NS, BEGIN_NS):  # 3 s are no reason, 6 s are
            moment[0] = waited + 1
            output.drive(Lease(milliseconds=0))
            holders.append(output.holder_pid)
        assert holders[0] == holders[1] != holders[2]
        os.kill(output.holder_pid, signal.SIGSTOP)
        moment[0] += 2 * BEGIN_NS
        output.drive(Lease(milliseconds=0))
        assert output.holder_pid == holders[2], "twice as long"
        os.kill(output.holder_pid, signal.SIGCONT)
        wait_until(lambda: output.driven is False)
        output.close()


class TestWires:
    def wires(self, **changes):
        door = msgspec.structs.replace(DOOR, pins="pretend", contact_pin=27, exit_pin=22, fire_pin=23, **changes)
        pins, heard = open_pins("pretend"), []
        return Wires(door, pins=pins), pins, heard

    def test_a_start_says_what_is_and_asks_nobody_out(self):
        wires, _, heard = self.wires(exit_pressed="high")  # as if somebody leant on the button
        wires.start(heard.append)
        assert heard == [ContactSaid(status=DoorStatus.OPENED), FireSaid(on=True)], "loops that are cut"
        wires.stop()

    def test_changes_follow(self):
        wires, pins, heard = self.wires()
        wires.start(heard.append)
        heard.clear()
        for pin in (27, 22, 23):
            pins.pin(pin).drive_low()
        assert heard == [ContactSaid(status=DoorStatus.CLOSED), ExitAsked(), FireSaid(on=False)]
        pins.pin(22).drive_high()
        pins.pin(23).drive_high()
        assert heard[3:] == [FireSaid(on=True)], "letting go of the button is nothing"
        wires.stop()

    def test_the_other_polarity(self):
        wires, pins, heard = self.wires(contact_open="low")
        wires.start(heard.append)
        pins.pin(27).drive_low()
        assert [each.status for each in heard if isinstance(each, ContactSaid)] == [DoorStatus.CLOSED, DoorStatus.OPENED]
        wires.stop()
