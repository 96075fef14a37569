"""The whole pipeline under faults: a short run in which every kind strikes once, the checker names each thing that must not be, a kiosk
opens on a full disk, and nothing is left behind however a run ends. The long run is ``scripts/test-faults chaos``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.chaos import PLANTED
from faults.chaos_checker import Evidence, judge
from faults.chaos_record import Record, lines
from faults.chaos_strikes import STRIKES
from faults.keys import Authority
from faults.test_checker import ONE, OTHER, receipt
from faults.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env=PYTHONPATH"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": "tests"}
# Never kill(1) with a negative number: procps 4.0.2 reads "-2 -1573" as signal 2 to process -1, which is everybody.
SEND = """
import os, signal, sys
group, number = map(int, sys.argv[1:])
assert group > 1
os.killpg(group, number) if number == signal.SIGINT else os.kill(group, number)
"""
EVERY_KIND_ONCE = (
    "--seed",
    "20261128",
    "--faults",
    "1",
    "--pace",
    "0.25",
    "--lasting",
    "0.5",
    "--every",
    "0.05",
    "--resend",
    "2",
)
# Five of the worst, in a town that has little to do, and with time limits for a machine that has much: this is part of scripts/test.
FEW = (
    "kiosk lost its power",
    "gateway killed after a commit",
    "broker wiped with rows in it",
    "database killed",
    "cut off",
)
FEW_KINDS = (
    *("--seed", "20261129", "--faults", "1", "--kinds", *FEW),
    *("--pace", "0.3", "--every", "0.25", "--resend", "3", "--slack", "5"),
)
COMMITTED, AFTER = 2_000, 3_000


def told(event, own_id=ONE, **facts):
    return {"t": COMMITTED, "event": event, "id": own_id, **facts}


def a_good_run():
    authority = Authority(["kiosk-1"])
    data = receipt(ONE, authority.newest_receipt_key)
    return Evidence(
        told=[told("attempted"), told("shown"), told("settled", receipt=data.hex())],
        acknowledged=[{"t": AFTER, "event": "acknowledged", "ids": [ONE]}],
        effects=[(ONE, "kiosk-1", "epoch", 1, COMMITTED)],
        receipts=[(ONE, data)],
        kept_receipts=[(ONE, data)],
        keyring=authority.ring,
        settle_seconds=10.0,
    )


def shown_and_gone(run):
    run.told.append(told("shown", OTHER))


def found_and_gone(run):
    run.told.append(told("found", OTHER))


def recorded_twice(run):
    run.effects.append(run.effects[0])


def one_number_for_two(run):
    run.told += [told("attempted", OTHER), told("shown", OTHER)]
    run.effects.append((OTHER, *run.effects[0][1:]))


def a_number_left_out(run):
    run.effects[0] = (ONE, "kiosk-1", "epoch", 2, COMMITTED)


def never_attempted(run):
    run.effects.append((OTHER, "kiosk-1", "epoch", 2, COMMITTED))


def acknowledged_early(run):
    run.acknowledged.insert(0, {"t": COMMITTED - 1, "event": "acknowledged", "ids": [ONE]})


def another_receipt(run):
    run.receipts.append((ONE, receipt(ONE, Authority(["kiosk-1"]).newest_receipt_key, state="refused")))


def settled_by_a_forgery(run):
    run.kept_receipts.append((ONE, run.receipts[0][1][:-1] + bytes([run.receipts[0][1][-1] ^ 1])))


def too_late(run):
    run.settle_seconds = 61.0


def never(run):
    run.settle_seconds = None


def left_in_the_outbox(run):
    run.told.append(told("attempted", OTHER))
    run.effects.append((OTHER, "kiosk-1", "epoch", 2, COMMITTED))
    run.waiting.append(OTHER)


WRONG = {
    shown_and_gone: "lost",
    found_and_gone: "lost",
    recorded_twice: "doubled",
    one_number_for_two: "doubled",
    a_number_left_out: "left out",
    never_attempted: "unexpected",
    acknowledged_early: "early",
    another_receipt: "receipt",
    settled_by_a_forgery: "receipt",
    too_late: "unsettled",
    never: "unsettled",
    left_in_the_outbox: "unsettled",
}


def tell(path, event):
    record = Record(path)
    record.say(event, id=ONE)
    record.close()


def test_a_line_torn_by_a_kill_was_not_said_and_spoils_no_other(tmp_path):
    path = tmp_path / "teller.jsonl"
    tell(path, "attempted")
    with path.open("ab") as file:
        file.write(b'{"t":1,"event":"shown","id":"018f')
    tell(path, "settled")
    assert [each["event"] for each in lines(path)] == ["attempted", "settled"]


def test_a_good_run_is_good():
    assert not judge(a_good_run(), verdict=Verdict("good"), settle_limit=60).wrongs


@pytest.mark.parametrize(("spoil", "named"), WRONG.items(), ids=lambda each: getattr(each, "__name__", each))
def test_what_must_not_be_is_named(spoil, named):
    run = a_good_run()
    spoil(run)
    assert judge(run, verdict=Verdict("bad"), settle_limit=60).wrongs[named]


def run_town(options, history):
    """Run a campaign that passes, and return its result."""
    done = subprocess.run(
        [*AS_ROOT, sys.executable, "-m", "tests.faults.chaos", *options, "--history", history, "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_doubled_when_the_worst_strikes_and_every_planted_bug_is_found(tmp_path):
    result = run_town(FEW_KINDS, tmp_path)
    assert set(result["subjects"][0]["kinds"]) == set(FEW)
    assert {each["name"] for each in result["controls"]} == set(PLANTED)


@pytest.mark.chaos
def test_nothing_is_lost_or_doubled_when_every_kind_of_fault_strikes_and_every_planted_bug_is_found(tmp_path):
    result = run_town(EVERY_KIND_ONCE, tmp_path)
    assert set(result["subjects"][0]["kinds"]) == set(STRIKES)
    assert {each["name"] for each in result["controls"]} == set(PLANTED)


def test_a_kiosk_opens_its_outbox_on_a_full_disk_with_blocks_smaller_than_a_page():
    done = subprocess.run(
        [*AS_ROOT, sys.executable, "-m", "tests.faults.full_disk"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, f"{done.returncode} {done.stdout}{done.stderr}"


@pytest.mark.chaos
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_interrupted_or_killed_leaves_nothing_behind(number, tmp_path):
    before = loops()
    command = [*AS_ROOT, sys.executable, "-m", "tests.faults.chaos", "--faults", "500", "--history", str(tmp_path)]
    run = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "broker.log").exists() and time.monotonic() < end and run.poll() is None:
            time.sleep(0.1)
        assert ours(tmp_path), "it had begun"
        subprocess.run([*AS_ROOT, sys.executable, "-c", SEND, str(run.pid), str(number.value)], check=True)
        run.wait(60)
        end = time.monotonic() + 20
        # The kernel takes the mounts apart when the last process is gone, and not at once.
        while (ours(tmp_path) or towns_disks(before)) and time.monotonic() < end:
            time.sleep(0.05)
        assert not ours(tmp_path)
        assert not towns_disks(before)
    finally:
        if run.poll() is None:
            subprocess.run([*AS_ROOT, sys.executable, "-c", SEND, str(run.pid), str(signal.SIGKILL.value)], check=False)


def ours(history):
    """Return the processes that write into this history, as the outer machine sees them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(history) in (folder / "cmdline").read_bytes().decode("utf-8", "replace"):
                found.append(folder.name)
        except OSError:
            continue
    return found


def towns_disks(before):
    return {each for each in loops() - before if "/town/kiosk-" in each}


def loops():
    return set(subprocess.run([*AS_ROOT, "losetup", "-a"], capture_output=True, text=True, check=True).stdout.splitlines())
