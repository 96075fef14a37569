"""A stolen kiosk, a short run of the campaign: of everything on its disk only the note that the control left says who was there."""

from tests.faults.stolen_kiosk import ByForms, run
from tests.faults.verdict import Verdict


def test_of_a_kiosks_disk_only_a_note_left_on_purpose_says_who_was_there():
    verdict = run(Verdict("kiosk"), count=2, seed=20261128, visitor=ByForms, leak=True)
    assert (verdict.kinds["check-in"], verdict.facts["kept"], verdict.wrongs["too few"]) == (2, 2, 0)
    assert [each.partition(" says ")[0] for each in verdict.examples] == [
        "lost: running: tmp/note",
        "lost: after an abort: tmp/note",
    ]
