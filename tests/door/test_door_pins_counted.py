"""A PIN is counted before anything is told of it: no mains switch, no full disk and no dead card makes a guess cheaper."""

import pytest
from door_parts import Kiosk, entry, listing, token_of
from small_disks import small_disk_in

from edge_agent.door.machine import Ticked
from edge_agent.door.shown import Typed
from residence.wire.door_list import token_hash

RIGHT, DURESS, WRONG = "204966", "204967", "204960"
OPEN, SHUT = ("granted", True), ("denied", False)


class Told(list):
    """What the reader is told; notes what stands on the disk at that moment."""

    def __init__(self, kiosk):
        super().__init__()
        self.kiosk, self.counted = kiosk, []

    def append(self, said):
        self.counted.append(counted_on_disk(self.kiosk))
        super().append(said)


def door_at(folder, **changes):
    return Kiosk(folder, papers=[listing(entry("an", pin=RIGHT))], exit_readers=("inside",), least="token-and-pin", **changes)


def counted_on_disk(kiosk):
    wrong = kiosk.papers.remembered("lobby", now_ns=0).wrong_pins
    return len(wrong.get(token_hash(token_of("an"), "pass"), ()))


def typed(kiosk, pin):
    """Show a pass, type a PIN, and return what lamp and lock say."""
    kiosk.clock.pass_time(seconds=20)
    kiosk.show("an")
    kiosk.keeper.turn(Typed(pin=pin))
    seen = kiosk.signalled[-1][1], bool(kiosk.relay.driven)
    kiosk.pass_time(6)
    return seen


@pytest.mark.parametrize(("pin", "left"), [(RIGHT, 0), (DURESS, 0), (WRONG, 1)])
def test_a_look_is_on_the_disk_before_lamp_or_lock_tell_of_it_and_a_right_one_is_taken_back(tmp_path, pin, left):
    kiosk = door_at(tmp_path)
    kiosk.show("an")
    kiosk.signalled, drive, counted = Told(kiosk), kiosk.relay.drive, []

    def driven(lease):
        counted.append(counted_on_disk(kiosk))
        drive(lease)

    kiosk.relay.drive = driven
    kiosk.keeper.turn(Typed(pin=pin))
    assert (kiosk.signalled.counted[0], counted[0]) == (1, 1), "who cuts the power now has spent a guess"
    assert counted_on_disk(kiosk) == left


def test_duress_is_told_to_the_authority_for_an_hour_and_nobody_at_the_door_sees_it(tmp_path):
    calm, forced = door_at(tmp_path / "a"), door_at(tmp_path / "b")
    assert typed(calm, RIGHT) == typed(forced, DURESS) == OPEN
    assert calm.keeper.view() == forced.keeper.view()
    assert (calm.keeper.told(), forced.keeper.told()) == ("normal:locked", "duress:locked")
    forced.outbox.close()
    again = door_at_restart(tmp_path / "b", forced)
    again.pass_time(1)
    assert again.keeper.told() == "duress:locked", "to switch the mains off is no way to silence it"
    again.clock.pass_time(seconds=3600)
    again.keeper.turn(Ticked())
    assert again.keeper.told() == "normal:locked"
    again.outbox.close()
    assert door_at_restart(tmp_path / "b", forced).keeper.told() == "normal:unknown"


def test_on_a_full_disk_or_a_dead_card_no_pin_is_looked_at_until_memory_alone_has_counted_for_an_hour(tmp_path):
    with small_disk_in(tmp_path) as disk:
        kiosk = door_at(disk)
        assert typed(kiosk, WRONG) == SHUT
        disk.use_up()
        assert [typed(kiosk, pin) for pin in (WRONG, RIGHT, DURESS)] == [SHUT] * 3, "nothing is learnt of a PIN nobody counts"
        kiosk.show("an", reader="inside")
        assert kiosk.relay.driven, "out goes whoever is on the list"
        kiosk.clock.pass_time(seconds=3600)
        assert typed(kiosk, RIGHT) == OPEN
        assert [typed(kiosk, WRONG) for _ in range(5)] == [SHUT] * 5
        kiosk.clock.pass_time(seconds=60)
        assert typed(kiosk, RIGHT) == SHUT, "memory counts as the disk would"
        kiosk.outbox.close()

        disk.may_be_written(allowed=False)
        dead = door_at_restart(disk, kiosk)
        assert typed(dead, RIGHT) == SHUT, "a restart forgets what memory counted"
        dead.clock.pass_time(seconds=3600)
        assert typed(dead, RIGHT) == OPEN
        dead.outbox.close()

        disk.may_be_written(allowed=True)
        disk.make_room()
        well = door_at_restart(disk, kiosk)
        assert typed(well, RIGHT) == OPEN
        well.outbox.close()


def door_at_restart(disk, before):
    return Kiosk(disk, clock=before.clock, exit_readers=("inside",), least="token-and-pin")
