"""A memory card that goes read-only, as ext4 makes it when the card fails: nothing promised is lost, nothing new is promised, and it says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from factories import make_declaration
from kiosk_parts import answer, make_outbox

from edge_agent.event_book import EventBook
from edge_agent.memory_copy import PREFIX, MemoryCopy
from edge_agent.session_count import Session
from edge_agent.vitals import disk_of
from residence.errors import Refused
from residence.wire.envelope import read_header

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


def as_root(*command):
    subprocess.run([*AS_ROOT, *command], check=True)


class Card:
    """An ext4 of its own."""

    def __init__(self, folder):
        self.image, self.mount = folder / "card.img", folder / "card"
        self.mount.mkdir()
        with self.image.open("wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", f"root_owner={os.getuid()}:{os.getgid()}", str(self.image)], check=True)

    def put_in(self):
        as_root("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.mount))

    def fail(self):
        """Have ext4 give up, as it does on the first error of a dying card."""
        as_root("mount", "-o", "remount,abort", str(self.mount))

    def take_out(self):
        as_root("umount", str(self.mount))


@pytest.fixture
def card(tmp_path):
    made = Card(tmp_path)
    made.put_in()
    yield made
    subprocess.run([*AS_ROOT, "umount", "-l", str(made.mount)], check=False, capture_output=True)


def doors_of(outbox):
    return EventBook(outbox, random_bytes=bytes)


def promised(outbox):
    return [row.declaration_id for row in outbox.unsettled(100)]


def seen_from_outside(database):
    """Have another process open the database, count what waits, and close it."""
    look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(*c.execute('SELECT count(*) FROM outbox').fetchone()); c.close()"
    return int(subprocess.run([sys.executable, "-c", look, str(database)], check=True, capture_output=True).stdout)


def test_a_card_that_fails_under_a_running_kiosk_and_over_a_restart(card):
    database = card.mount / "kiosk.db"
    outbox = make_outbox(database)
    kept = [outbox.keep(make_declaration()).declaration_id for _ in range(5)]
    assert doors_of(outbox).append(door="lobby", what="granted")
    assert disk_of(database, full=False).state != "read-only"
    card.fail()

    outbox.rest()
    assert outbox.full, "the screen says so before anybody has answered a question"
    with pytest.raises(Refused, match=r"outbox\.disk_full"):
        outbox.keep(make_declaration())
    with pytest.raises(Refused, match=r"outbox\.disk_full"):
        outbox.settle(answer(outbox.unsettled(1)[0].envelope))
    assert not doors_of(outbox).append(door="lobby", what="granted")
    assert (promised(outbox), disk_of(database, full=True).state) == (kept, "read-only")
    outbox.rest()
    assert outbox.full
    outbox.close()

    again = make_outbox(database)
    assert (promised(again), again.full, len(doors_of(again).waiting(9))) == (kept, True, 1)
    with pytest.raises(Refused, match=r"outbox\.disk_full"):
        again.keep(make_declaration())
    assert not doors_of(again).append(door="lobby", what="granted"), "its number would be given out twice"
    again.settle(answer(again.unsettled(1)[0].envelope))
    assert promised(again) == kept[1:], "what waits is still delivered"
    in_memory = again.store.ballast.parent
    again.close()
    assert not in_memory.exists()

    card.take_out()
    card.put_in()
    mended = make_outbox(database)
    assert (promised(mended), mended.full) == (kept, False), "the card is as it was; what was delivered is delivered again"
    mended.keep(make_declaration())
    assert read_header(mended.unsettled(1, after=5)[0].envelope).sequence == 6
    mended.close()


def test_what_cannot_be_kept_is_counted_anew_and_says_so(card):
    database = card.mount / "kiosk.db"
    outbox = make_outbox(database)
    durable = [outbox.next_session(), outbox.next_session()]
    assert [(each.number, each.counting) for each in durable] == [(1, outbox.epoch), (2, outbox.epoch)]
    card.fail()
    lives = [[outbox.next_session(), outbox.next_session()]]
    outbox.close()
    for _ in range(2):
        outbox = make_outbox(database)
        lives.append([outbox.next_session(), outbox.next_session()])
        outbox.close()
    assert all(later.number > earlier.number and later.counting == earlier.counting for earlier, later in lives)
    assert len({durable[0].counting, *(life[0].counting for life in lives)}) == 4, "each start counts for itself"

    card.take_out()
    card.put_in()
    mended = make_outbox(database)
    assert mended.next_session() == Session(number=3, counting=mended.epoch)
    mended.close()


LIVES_ON = """
import sys, time
from pathlib import Path
from edge_agent.memory_copy import MemoryCopy
print(MemoryCopy(Path(sys.argv[1]), memory=Path(sys.argv[2])).path, flush=True)
time.sleep(60)
"""


def test_a_copy_that_a_killed_process_left_in_memory_is_swept_and_one_in_use_is_not(tmp_path):
    database = tmp_path / "kiosk.db"
    make_outbox(database).close()
    command = [sys.executable, "-c", LIVES_ON, str(database), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        theirs = Path(other.stdout.readline().strip())
        ours = MemoryCopy(database, memory=tmp_path)
        assert theirs.exists(), "another process works on it"
        assert ours.path.exists()
        other.kill()
    assert theirs.exists()
    again = MemoryCopy(database, memory=tmp_path)
    assert (theirs.parent.exists(), ours.path.exists(), again.path.exists()) == (False, True, True)
    again.drop()
    ours.drop()
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_to_look_at_the_disk_does_not_let_go_of_the_database(tmp_path):
    database = tmp_path / "kiosk.db"
    outbox = make_outbox(database)
    outbox.rest()
    outbox.keep(make_declaration())
    disk_of(database, full=False)
    assert seen_from_outside(database) == 1  # who looks last folds the log in and deletes it
    outbox.keep(make_declaration())
    assert seen_from_outside(database) == 2, "what was kept after that is in the database's own log, not in a deleted one"
    outbox.close()


def test_a_new_kiosk_on_a_card_that_cannot_be_written_starts_and_takes_nothing(card):
    card.fail()
    outbox = make_outbox(card.mount / "kiosk" / "kiosk.db")
    assert outbox.full
    with pytest.raises(Refused, match=r"outbox\.disk_full"):
        outbox.keep(make_declaration())
    outbox.close()
