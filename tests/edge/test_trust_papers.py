"""Whom a kiosk trusts about chips, as the authority sends it: in pieces, verified whole, never an older one, kept over a restart."""

from __future__ import annotations

import contextlib
import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from chip_parts import pki
from factories import EVENING
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_parts import KEYS, make_outbox

from edge_agent.life_sign import life_sign
from edge_agent.line import Line
from edge_agent.session_count import Session
from edge_agent.store import open_store
from edge_agent.trust_papers import TrustPapers
from edge_agent.vitals import Vitals
from luutru.throwaway import throwaway_keys
from registry.kiosks import KioskOnList
from residence.errors import Malformed, Refused, Untrusted
from residence.wire import cbor
from residence.wire.state import CHIP_TRUST, decode_kiosk_state
from residence.wire.trust_bundle import TrustBundle, sign_bundle
from residence.wire.trust_pieces import MOST_PIECES, PIECE_BYTES, Gathered, cut, read_piece
from server.operators.kiosk_health import health_of

COUNTRY = pki.Country()
STRANGER = throwaway_keys("a stranger")


def signed(version, *, signer=KEYS.updates, days=30, more=b""):
    bundle = TrustBundle(
        version=version,
        issued=EVENING,
        expires=EVENING + timedelta(days=days),
        certificates=(COUNTRY.authority.der, *((more,) if more else ())),
        lists=(COUNTRY.revocation_list(),),
    )
    return sign_bundle(bundle, signer)


class Kiosk:
    """A kiosk's store and what it holds in it."""

    def __init__(self, path):
        self.path = path
        self.store = open_store(path)
        self.start()

    def start(self):
        self.papers = TrustPapers(self.store, keyring=lambda: KEYS.keyring)

    def hears(self, bundle, *, at=EVENING):
        """Take every piece, in any order; tell whether it was new."""
        pieces = list(cut(bundle))
        random.Random(7).shuffle(pieces)
        return [self.papers.take(each, at=at) for each in pieces][-1]

    @property
    def version(self):
        return self.papers.store.version


@pytest.fixture
def kiosk(tmp_path):
    kiosk = Kiosk(tmp_path / "kiosk.db")
    yield kiosk
    kiosk.store.close()


def test_a_bundle_of_many_pieces_is_taken_once_it_is_whole_and_is_there_after_a_restart(kiosk):
    bundle = signed(7, more=random.Random(1).randbytes(40_000))
    pieces = cut(bundle)
    assert len(pieces) > 4
    for piece in pieces[1:]:
        assert not kiosk.papers.take(piece, at=EVENING)
    assert kiosk.version == 0
    assert kiosk.papers.take(pieces[0], at=EVENING)
    assert (kiosk.version, len(kiosk.papers.store.anchors)) == (7, 1)
    assert not kiosk.hears(bundle)  # as it comes with every connection
    kiosk.start()
    assert (kiosk.version, kiosk.papers.health(EVENING)) == (7, "ok")


BAD = {
    "an older one": (lambda: signed(6), "trust.rollback"),
    "another of the same version": (lambda: signed(7, days=31), "trust.rollback"),
    "one that a stranger signed": (lambda: signed(8, signer=STRANGER.updates), "signature.bad"),
    "one that a key for something else signed": (lambda: signed(8, signer=KEYS.receipt), "key.wrong_use"),
    "bytes nobody signed": (lambda: b"\x00" * 100, "sign1.malformed"),
}


@pytest.mark.parametrize(("make", "code"), BAD.values(), ids=BAD)
def test_what_does_not_hold_leaves_the_last_good_one_in_force_and_is_told(kiosk, make, code):
    kiosk.hears(signed(7))
    with pytest.raises((Malformed, Untrusted)) as refused:
        kiosk.hears(make())
    assert refused.value.code == code
    assert (kiosk.version, kiosk.papers.health(EVENING)) == (7, f"degraded:{code}")
    kiosk.start()
    assert kiosk.version == 7
    kiosk.hears(signed(8))
    assert (kiosk.version, kiosk.papers.health(EVENING)) == (8, "ok")


def test_a_bundle_in_the_database_that_a_thief_wrote_counts_for_nothing(kiosk):
    kiosk.hears(signed(7))
    with kiosk.store.transaction() as cursor:
        cursor.execute("UPDATE trust_bundle SET payload = ?", (signed(9, signer=STRANGER.updates),))
    kiosk.start()
    assert kiosk.papers.store.is_empty


def test_a_bundle_that_has_ended_is_kept_and_told(kiosk):
    kiosk.hears(signed(7))
    later = EVENING + timedelta(days=31)
    assert kiosk.papers.health(later) == "degraded:trust.ended"
    assert len(kiosk.papers.store.anchors) == 1
    assert kiosk.hears(signed(8, days=1), at=later)  # even what has ended is better than what ended before
    assert (kiosk.version, kiosk.papers.health(later)) == (8, "degraded:trust.ended")


def test_a_full_disk_costs_the_bundle_no_more_than_the_next_start(kiosk, monkeypatch):
    def full(*, growing=False):
        raise Refused("outbox.disk_full", "", f"{growing}")

    kiosk.hears(signed(7))
    monkeypatch.setattr(kiosk.store, "transaction", full)
    assert kiosk.hears(signed(8))
    assert kiosk.version == 8
    kiosk.start()
    assert kiosk.version == 7


def test_operators_see_which_bundle_a_kiosk_holds_and_that_it_wants_another(tmp_path, kiosk):
    outbox = make_outbox(tmp_path / "outbox.db")
    line = Line(host="h", port=1, site="s", kiosk_id="kiosk-lobby-1", ca_file="", certificate_file="", key_file="")
    kiosk.hears(signed(7, days=0))
    outbox.clock.pass_time(seconds=60)
    state = decode_kiosk_state(
        life_sign(
            outbox, line, session=Session(number=1), online=True, vitals=Vitals(readers={"camera": "ok"}), trust=kiosk.papers
        )
    )
    outbox.close()
    assert (state.trust_version, state.readers) == (7, {"camera": "ok", CHIP_TRUST: "degraded:trust.ended"})
    now = datetime(2026, 7, 10, 7, 1, tzinfo=UTC)
    about = {each.name: None for each in msgspec.structs.fields(KioskOnList)} | {"seen_at": now, "online": True}
    listed = KioskOnList(**(about | {"readers": state.readers, "time_state": "synced"}))
    assert health_of(listed, now=now, silent_after=timedelta(minutes=5)).reasons == ("trust",)


def test_a_bundle_too_large_to_be_sent_is_not_cut():
    with pytest.raises(Malformed, match=r"trust\.malformed"):
        cut(b"x" * (PIECE_BYTES * MOST_PIECES + 1))


@given(data=st.binary(min_size=1, max_size=3 * PIECE_BYTES), other=st.binary(min_size=1, max_size=100), seed=st.integers())
@settings(max_examples=40, deadline=None)
def test_pieces_come_together_in_any_order_and_never_with_those_of_another(data, other, seed):
    pieces = [*cut(data), *cut(data)]
    random.Random(seed).shuffle(pieces)
    gathered = Gathered().with_piece(read_piece(cut(other)[0]))
    for piece in pieces:
        gathered = gathered.with_piece(read_piece(piece))
    assert gathered.whole == data


@given(
    payload=st.one_of(
        st.binary(max_size=200),
        st.tuples(st.binary(max_size=40), st.integers(), st.integers(), st.binary(max_size=20)).map(list).map(cbor.encode),
        st.tuples(st.just(bytes(32)), st.integers(-1, 3), st.integers(-1, 3), st.binary(max_size=20)).map(list).map(cbor.encode),
    )
)
@settings(max_examples=100, deadline=None)
def test_whatever_comes_as_a_piece_is_read_or_refused(payload):
    piece = None
    with contextlib.suppress(Malformed):
        piece = read_piece(payload)
    assert piece is None or 0 <= piece.place < piece.pieces <= MOST_PIECES
