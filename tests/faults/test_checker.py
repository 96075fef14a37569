"""The checker itself: a good history passes, and each thing that must not be is named."""

from __future__ import annotations

import pytest

from faults.campaign import Report, rate_bound
from faults.history import History
from faults.keys import Authority
from faults.virtual_time import BEGIN
from residence.clock import rfc3339
from residence.wire.messages import STAY_DECLARATION, Receipt
from residence.wire.receipts import receipt_code, sign_again, sign_receipt

ONE, OTHER = "019f4ad3-0000-7000-8000-000000000001", "019f4ad3-0000-7000-8000-000000000002"


def receipt(declaration_id, signer, **changes):
    fields = {
        "declaration_id": declaration_id,
        "code": receipt_code(declaration_id),
        "state": "accepted",
        "schema": STAY_DECLARATION,
        "body_digest": "00" * 32,
        "accepted_at": rfc3339(BEGIN),
        **changes,
    }
    return sign_receipt(Receipt(**fields), signer)


class Night:
    """A history in which one declaration went well."""

    def __init__(self):
        self.authority = Authority(["kiosk-lobby-1"])
        self.history = History()
        self.signer = self.authority.newest_receipt_key
        self.declare(ONE, 1)
        self.history.handed.add(ONE)
        self.history.acknowledged(ONE)
        self.answer(receipt(ONE, self.signer))
        self.history.settle_seconds = 1.0

    def declare(self, declaration_id, sequence):
        self.history.attempted.add(declaration_id)
        self.history.shown.add(declaration_id)
        self.history.declared.add(declaration_id)
        self.history.effect(declaration_id, "kiosk-lobby-1", "epoch", sequence)

    def answer(self, data):
        self.history.published(data, newest=self.signer.key_id)
        self.history.taken[ONE].append(data)

    def problems(self):
        return self.history.problems(keyring=self.authority.ring, settle_limit=240)


def lose(night):
    night.history.declared.add(OTHER)


def promise_and_lose(night):
    night.history.shown.add(OTHER)


def double(night):
    night.history.effect(ONE, "kiosk-lobby-1", "epoch", 2)


def use_a_number_twice(night):
    night.declare(OTHER, 1)


def record_what_nobody_said(night):
    night.history.effect(OTHER, "kiosk-lobby-1", "epoch", 2)


def acknowledge_early(night):
    night.history.acknowledged(OTHER)


def acknowledge_without_its_receipt(night):
    night.declare(OTHER, 2)
    night.history.acknowledged(OTHER)


def hold_without_a_row(night):
    night.history.published(receipt(OTHER, night.signer, state="received"), newest=night.signer.key_id)


def answer_early(night):
    night.history.published(receipt(OTHER, night.signer), newest=night.signer.key_id)


def answer_twice(night):
    night.answer(receipt(ONE, night.signer, state="refused"))


def answer_again_with_a_new_key(night):
    night.authority.rotate(at=BEGIN)
    night.answer(receipt(ONE, night.authority.newest_receipt_key))


def sign_again_without_need(night):
    night.authority.rotate(at=BEGIN)
    night.answer(sign_again(receipt(ONE, night.signer), night.authority.newest_receipt_key, now=BEGIN))


def forge(night):
    data = receipt(ONE, night.signer)
    night.history.published(data[:-1] + bytes([data[-1] ^ 1]), newest=night.signer.key_id)


def settle_by_what_nobody_sent(night):
    night.history.taken[ONE].append(receipt(ONE, night.signer, code="other"))


def settle_without_an_effect(night):
    night.history.taken[OTHER].append(b"")


def never_settle(night):
    night.history.settle_seconds = None


def hide_a_gap(night):
    night.history.true_gaps = 1


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        (lose, "lost"),
        (promise_and_lose, "lost"),
        (double, "doubled"),
        (use_a_number_twice, "one number, two declarations"),
        (record_what_nobody_said, "unexpected"),
        (acknowledge_early, "acknowledged before the commit"),
        (acknowledge_without_its_receipt, "acknowledged before the broker had its receipt"),
        (hold_without_a_row, "receipt before the commit"),
        (answer_early, "receipt before the commit"),
        (answer_twice, "two different receipts"),
        (answer_again_with_a_new_key, "two different receipts"),
        (sign_again_without_need, "signed again though its key holds"),
        (forge, "a receipt that does not verify"),
        (settle_by_what_nobody_sent, "settled by a receipt nobody sent"),
        (settle_without_an_effect, "settled without an effect"),
        (never_settle, "not settled"),
        (hide_a_gap, "gaps reported 0, gaps there were 1"),
    ],
)
def test_what_must_not_be_is_named(happens, sentence):
    night = Night()
    happens(night)
    assert any(each.startswith(sentence) for each in night.problems()), night.problems()


def test_a_good_night_has_no_problems():
    assert Night().problems() == []


def test_what_waited_in_a_store_that_was_wiped_may_be_missing_and_may_have_arrived():
    night = Night()
    night.history.declared.update({ONE, OTHER})
    night.history.wiped.update({ONE, OTHER})
    assert night.problems() == []


def test_a_receipt_may_be_signed_again_once_its_key_is_revoked():
    night = Night()
    night.authority.rotate(at=BEGIN)
    night.authority.revoke(at=BEGIN)
    night.answer(sign_again(receipt(ONE, night.signer), night.authority.newest_receipt_key, now=BEGIN))
    assert night.problems() == []


REPORT = {"campaign": "c", "first_seed": 0, "trials": 100, "counts": {"cut": 5}, "demanded": {"cut": 5}}


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"failures": {7: ["lost: x"]}}, False),
        ({"counts": {"cut": 4}}, False),
        ({"controls": {"delete on PUBACK": {"seed": 3, "found": "lost: x"}}}, True),
        ({"controls": {"delete on PUBACK": {"seed": None, "found": None}}}, False),
    ],
)
def test_a_report_passes_only_with_no_failure_enough_faults_and_every_planted_bug_found(changes, passed):
    report = Report(**{**REPORT, **changes})
    assert report.passed is passed
    assert list(report.lines())[-1] == ("passed" if passed else "FAILED")


@pytest.mark.parametrize(("trials", "bound"), [(0, 1.0), (5, 0.4507), (15, 0.1810), (500, 0.006), (100_000, 0.00003)])
def test_no_failure_in_so_many_trials_says_no_more_than_this(trials, bound):
    assert rate_bound(trials) == pytest.approx(bound, abs=1e-4 if trials < 100 else 1e-9)
