"""Fuzzing of everything that travels: envelopes, receipts, keyrings, trust bundles, states, outages, topics, and the CBOR under them.

- The first byte says which reader gets the rest. What is read only behind a signature is signed here with a throw-away key first, so that
  the fuzzer reaches it.
- A refusal is one of ours. What the CBOR reader takes has exactly one spelling, and a receipt's text comes back as it was.
- Seeds are the envelopes and receipts of ``tests/vectors`` and one good message of each other kind, made when asked for.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fuzz.targets import committed, refused

INSTRUMENTED = ["residence.wire", "residence.clock", "residence.stays", "residence.people"]
VECTORS = Path(__file__).parents[1] / "vectors"
AT = datetime(2026, 7, 10, 9, tzinfo=UTC)


@cache
def readers():
    from luutru.throwaway import throwaway_keys
    from residence.wire import (
        base45,
        cbor,
        envelope,
        header,
        keyring,
        messages,
        outages,
        receipts,
        signing,
        state,
        stay_proofs,
        topics,
        trust_bundle,
        trust_pieces,
        updates,
    )

    keys = throwaway_keys()
    ring = keys.keyring
    opener = envelope.EnvelopeOpener([keys.seal])

    def one_spelling(data):
        assert cbor.encode(cbor.decode(data, code="envelope.malformed")) == data

    def signed(payload, kind, signer):
        return signing.sign1(payload, kind, signer)

    def receipt_text(data):
        text = data.decode("latin-1")
        raw = receipts.parse_receipt_text(text)
        assert receipts.receipt_text(raw) == text.strip()

    def bundle(data):
        raw = signed(data, trust_bundle.TRUST_TYPE, keys.updates)
        store = trust_bundle.store_of(trust_bundle.accept_bundle(raw, keyring=ring, at=AT))
        store.has_run_out(AT)
        for each in (*store.anchors, *store.links):
            store.revocation_of(each, when=AT)
            store.deviation_for(each, "validity", when=AT)

    def letters(data):
        try:
            assert base45.encode(base45.decode(data.decode("latin-1"))).encode() == data
        except ValueError:
            return

    return {
        "bundle": bundle,
        "cbor": one_spelling,
        "declaration": lambda data: messages.decode_message("stay-declaration/1", data),
        "envelope": lambda data: opener.open(envelope.verify_envelope(data, keyring=ring, at=AT)),
        "gateway": state.decode_gateway_state,
        "header": header.decode_header,
        "keyring": keyring.load_keyring,
        "kiosk": state.decode_kiosk_state,
        "letters": letters,
        "outage": outages.read_outage,
        "own header": envelope.read_header,
        "proof of a stay": lambda data: stay_proofs.verify_proof(
            signed(data, stay_proofs.PROOF_TYPE, keys.receipt), keyring=ring
        ),
        "presence": lambda data: messages.decode_message("presence/1", data),
        "receipt": lambda data: receipts.verify_receipt(signed(data, signing.RECEIPT_TYPE, keys.receipt), keyring=ring),
        "receipt as sent": lambda data: receipts.verify_receipt(data, keyring=ring),
        "receipt code": lambda data: receipts.parse_receipt_code(data.decode("latin-1")),
        "receipt text": receipt_text,
        "receipts": receipts.unpack_receipts,
        "topic": lambda data: topics.parse_topic(data.decode("latin-1")),
        "trust piece": lambda data: trust_pieces.Gathered().with_piece(trust_pieces.read_piece(data)).whole,
        "update": lambda data: updates.accept_update(signed(data, signing.KEYRING_TYPE, keys.updates), keyring=ring, at=AT),
    }


def load() -> None:
    readers()


def judge(data: bytes) -> None:
    known = readers()
    refused(known[sorted(known)[data[0] % len(known)]] if data else known["cbor"], data[1:])


def seeds() -> dict[str, bytes]:
    from residence.wire import base45, receipts, signing
    from residence.wire.envelope import split_envelope

    names = sorted(readers())
    found = committed("wire", names)

    def add(reader, name, data):
        found[f"{reader.replace(' ', '-')}-{name}"] = bytes([names.index(reader)]) + data

    for path in sorted((VECTORS / "envelope").glob("*.json")):
        data = bytes.fromhex(json.loads(path.read_text("utf-8"))["envelope"])
        add("envelope", path.stem, data)
    good = bytes.fromhex(json.loads((VECTORS / "envelope" / "genuine-declaration.json").read_text("utf-8"))["envelope"])
    add("own header", "good", good)
    add("cbor", "good", good)
    add("header", "good", signing.read_sign1(split_envelope(good)[0]).payload)
    for path in sorted((VECTORS / "receipt").glob("*.json")):
        vector = json.loads(path.read_text("utf-8"))
        add("receipt text", path.stem, vector["text"].encode())
    text = json.loads((VECTORS / "receipt" / "genuine-accepted.json").read_text("utf-8"))["text"]
    raw = receipts.parse_receipt_text(text)
    add("letters", "good", base45.encode(raw).encode())
    add("receipt as sent", "good", raw)
    add("receipt", "good", signing.read_sign1(raw).payload)
    add("receipts", "good", next(iter(receipts.pack_receipts([raw, raw]))))
    add("receipt code", "good", b"RD7D-QQWQ-DW4X")
    for reader, data in _others().items():
        add(reader, "good", data)
    return found


def _others():
    """Return one good message of each kind without a vector."""
    from factories import make_declaration, make_person

    from luutru.throwaway import throwaway_keys
    from residence.credentials.evidence import Evidence
    from residence.wire.keyring import dump_keyring
    from residence.wire.messages import Presence, encode_message
    from residence.wire.state import GatewayState, KioskState, encode_state
    from residence.wire.topics import kiosk_topics
    from residence.wire.trust_pieces import cut

    ring = dump_keyring(throwaway_keys().keyring)
    seen = Presence(
        declaration_id="019f4ad3-7580-7000-8000-0000000000aa",
        seen_at="2026-07-10T22:10:00+07:00",
        kind="night_check",
        premises_id="blk-hoa-binh",
        person=make_person(),
        evidence=Evidence(level=0, source="typed"),
    )
    window = {"outage_id": "o-1", "cause": "kiosk_offline", "began_at": "2026-07-10T22:00:00+07:00"}
    window |= {"ended_at": "2026-07-10T23:00:00+07:00", "premises_id": "blk-hoa-binh"}
    bundle = {"version": 8, "issued": "2026-07-01T00:00:00Z", "expires": "2026-08-01T00:00:00Z"}
    chip = (VECTORS.parent / "fuzz" / "corpus" / "chip" / "certificate.bin").read_bytes()
    import base64

    deviation = {"id": "VN-1", "rule": "validity", "until": "2026-08-01T00:00:00Z", "reason": "invented", "country": "VN"}
    bundle |= {"certificates": [base64.b64encode(chip).decode()], "lists": [], "deviations": [deviation]}
    return {
        "bundle": json.dumps(bundle).encode(),
        "declaration": encode_message(make_declaration()),
        "gateway": encode_state(GatewayState(online=True, at="2026-07-10T22:10:00+07:00")),
        "keyring": ring,
        "kiosk": encode_state(KioskState(kiosk_id="kiosk-lobby-1", session=2, online=True, at="2026-07-10T22:10:00+07:00")),
        "outage": json.dumps(window).encode(),
        "presence": encode_message(seen),
        "topic": kiosk_topics("hoa-binh", "lobby-1").declarations.encode(),
        "trust piece": cut(b"signed elsewhere")[0],
        "update": ring,
    }
