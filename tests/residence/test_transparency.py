"""The log's mathematics and formats: against the RFC's definition written out, against an independent implementation, and against tampering."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint as TheirCheckpoint
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from residence.errors import LuutruError, Malformed, Untrusted
from residence.transparency.checkpoints import Checkpoint, open_checkpoint, sign_checkpoint
from residence.transparency.merkle import (
    EMPTY_ROOT,
    Position,
    among,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from residence.transparency.notes import LOG, WITNESS, Signer, read_signer, read_vkey
from residence.transparency.tiles import Tiles, grown, pack, tile_path, unpack
from residence.transparency.witnessing import Refusal, Request, decide, read_request, request_text

# The roots of RFC 6962's own test entries at sizes 1 to 8, as certificate-transparency's tests publish them.
ENTRIES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]  # fmt: skip
LOG_KEY = Signer("example.org/luutru", LOG, bytes(range(32)))
WITNESS_KEY = Signer("witness.example/w1", WITNESS, bytes(range(1, 33)))


def leaves_of(count):
    return [leaf_hash(str(number).encode()) for number in range(count)]


def test_the_published_roots_come_out():
    assert [root_of([leaf_hash(each) for each in ENTRIES[:size]]).hex() for size in range(1, 9)] == ROOTS
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 300), data=st.data())
def test_our_proofs_hold_here_and_with_an_independent_verifier_and_no_other_proof_does(size, data):
    leaves = leaves_of(size)
    root, index = root_of(leaves), data.draw(st.integers(0, size - 1))
    path = inclusion_path(Position(index, size), among(leaves))
    assert verify_inclusion(leaves[index], Position(index, size), path, root)
    InclusionProof(index, size, list(path)).check(leaves[index], root)
    old = data.draw(st.integers(0, size))
    steps, before = consistency_path(Position(old, size), among(leaves)), root_of(leaves[:old])
    assert verify_consistency(Position(old, size), steps, before, root)
    ConsistencyProof(old, size, list(steps)).check(before, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index) if size > 1 else st.just(size))
    assert not verify_inclusion(leaves[index], Position(other, size), path, root)
    assert not verify_inclusion(leaf_hash(b"never"), Position(index, size), path, root)
    assert not verify_inclusion(leaves[index], Position(index, size), (*path, root), root)
    assert not verify_consistency(Position(old, size), (*steps, root), before, root)
    if 0 < old < size:
        assert not verify_consistency(Position(old, size), steps, leaf_hash(b"never"), root)
        assert not verify_consistency(Position(old, size), steps[1:], before, root)
        assert not verify_consistency(Position(old, size), steps, before, leaf_hash(b"never"))


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_a_log_grown_step_by_step_in_tiles_is_read_by_somebody_elses_reader(steps):
    files, entries = {}, []

    def fetch(path):
        if path not in files:
            raise Malformed("log.file_missing", "", path)
        return files[path]

    for step in steps:
        more = [f"entry {len(entries) + number}".encode() for number in range(step)]
        files.update(grown(Tiles(len(entries), fetch), more))
        entries += more
    tiles, root = Tiles(len(entries), fetch), root_of([leaf_hash(each) for each in entries])
    assert list(tiles.entries(0, len(entries))) == entries
    theirs = TilesReader(type("Files", (), {"get": staticmethod(lambda *parts: files.get("/".join(parts)))}))
    theirs.set_size(len(entries))
    assert theirs.calculate_root_hash() == root
    assert theirs.get_entry(len(entries) - 1) == entries[-1]
    proof = theirs.get_inclusion_proof(steps[0] - 1, len(entries))
    assert tuple(proof.node_hashes) == inclusion_path(Position(steps[0] - 1, len(entries)), tiles.at)
    steps_between = theirs.get_consistency_proof(steps[0], len(entries))
    assert tuple(steps_between.node_hashes) == consistency_path(Position(steps[0], len(entries)), tiles.at)
    assert files[tile_path(0, 0, min(256, len(entries)))][:32] == leaf_hash(entries[0])


def test_a_bundle_that_ends_too_soon_is_refused():
    whole = pack([b"one", b"two"])
    assert unpack(whole) == [b"one", b"two"]
    for cut in (1, 4, 6, 9):
        with pytest.raises(Malformed, match="bundle"):
            unpack(whole[:cut])
    with pytest.raises(Malformed, match="entry"):
        pack([bytes(65_536)])


def test_our_checkpoints_and_cosignatures_hold_with_an_independent_reader():
    checkpoint = Checkpoint(origin="example.org/luutru", size=7, root=bytes(range(32)))
    note = sign_checkpoint(checkpoint, LOG_KEY) + WITNESS_KEY.cosign(checkpoint.text, seconds=1_780_000_000)
    theirs = TheirCheckpoint.from_text(note)
    assert (theirs.origin, theirs.size, theirs.root_hash) == ("example.org/luutru", 7, bytes(range(32)))
    for key in (LOG_KEY.key, WITNESS_KEY.key):
        theirs.verify(Vkey.from_string(key.line))
    opened = open_checkpoint(note, log=LOG_KEY.key, witnesses=[WITNESS_KEY.key])
    assert opened.checkpoint == checkpoint
    assert [each.seconds for each in opened.witnesses] == [1_780_000_000]


BROKEN_NOTES = {
    "a changed size": (lambda note: note.replace("\n7\n", "\n8\n"), "log.signature_bad"),
    "a changed name": (lambda note: note.replace("example.org/luutru\n7", "example.org/other\n7"), "log.signature_bad"),
    "no signature": (lambda note: note.split("\n\n")[0] + "\n\n", "log.note_malformed"),
    "signed by somebody else": (lambda note: note.split("\n\n")[0] + "\n\n" + WITNESS_KEY.sign("x"), "log.unsigned"),
    "a carriage return": (lambda note: note.replace("\n7\n", "\n7\r\n"), "log.note_malformed"),
}


@pytest.mark.parametrize(("change", "code"), BROKEN_NOTES.values(), ids=BROKEN_NOTES)
def test_a_checkpoint_that_was_touched_is_not_believed(change, code):
    note = sign_checkpoint(Checkpoint(origin="example.org/luutru", size=7, root=bytes(32)), LOG_KEY)
    with pytest.raises(LuutruError) as refused:
        open_checkpoint(change(note), log=LOG_KEY.key)
    assert refused.value.code == code


def test_another_logs_checkpoint_is_not_taken_even_from_the_same_key():
    note = sign_checkpoint(Checkpoint(origin="example.org/else", size=7, root=bytes(32)), LOG_KEY)
    with pytest.raises(Untrusted, match="other"):
        open_checkpoint(note, log=LOG_KEY.key)


def test_keys_are_lines_that_come_back_and_a_changed_letter_is_noticed():
    assert read_signer(LOG_KEY.line).key == LOG_KEY.key
    assert read_vkey(WITNESS_KEY.key.line) == WITNESS_KEY.key
    for broken in (
        "x",
        LOG_KEY.key.line.replace("luutru", "luutrv"),
        LOG_KEY.key.line[:-4],
        "a b+00000000+" + base64.b64encode(bytes(33)).decode(),
    ):
        with pytest.raises(Malformed, match="key"):
            read_vkey(broken)


def checkpoint_of(leaves):
    return Checkpoint(origin="example.org/luutru", size=len(leaves), root=root_of(leaves))


def request_for(known, leaves):
    path = consistency_path(Position(known, len(leaves)), among(leaves))
    return Request(old=known, path=path, note=sign_checkpoint(checkpoint_of(leaves), LOG_KEY))


def test_a_witness_cosigns_what_continues_and_nothing_else():
    leaves = leaves_of(12)
    known = checkpoint_of(leaves[:5])
    request = read_request(request_text(request_for(5, leaves)))
    assert decide(request, known=known, log=LOG_KEY.key).checkpoint == checkpoint_of(leaves)
    assert decide(request_for(0, leaves), known=None, log=LOG_KEY.key).checkpoint.size == 12
    assert decide(request_for(5, leaves[:5]), known=known, log=LOG_KEY.key).checkpoint == known
    forked = [*leaves[:3], leaf_hash(b"other"), *leaves[4:]]
    cases = [
        (request_for(5, forked), 422, True),  # a view with another past
        (request_for(5, forked[:5]), 409, True),  # of the same size, with another root
        (request_for(3, leaves), 409, False),  # the witness knows more than the asker thinks
        (Request(old=5, path=(), note=sign_checkpoint(checkpoint_of(leaves[:4]), LOG_KEY)), 400, False),  # shorter than it was
        (Request(old=5, path=(), note=sign_checkpoint(checkpoint_of(leaves), WITNESS_KEY)), 403, False),
    ]
    for asked, status, evidence in cases:
        with pytest.raises(Refusal) as refused:
            decide(asked, known=known, log=LOG_KEY.key)
        assert (refused.value.status, refused.value.evidence) == (status, evidence)


@pytest.mark.parametrize("body", ["", "old 1\n", "old 01\n\nx", "old x\n\nx", "old 1\nnohash\n\nx", "new 1\n\nx"])
def test_a_request_that_cannot_be_read_is_refused(body):
    with pytest.raises(Malformed, match="request"):
        read_request(body)
