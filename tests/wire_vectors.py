"""Makes the envelope and receipt vectors: ``python tests/wire_vectors.py`` rewrites tests/vectors/{envelope,receipt}/.

Keys come from public phrases (luutru/throwaway.py, docs/wire.md section 8), so no key file is committed. HPKE draws an ephemeral
key, so bytes differ from run to run; what each case expects does not.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import cbor2
import msgspec

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT.parent)]

from factories import EVENING, make_declaration, make_person  # noqa: E402

from luutru.throwaway import PHRASE, throwaway_keys  # noqa: E402
from residence.clock import rfc3339  # noqa: E402
from residence.credentials.chip.capture import Access, ChipTranscript  # noqa: E402
from residence.credentials.chip.carried import ChipEvidence  # noqa: E402
from residence.credentials.evidence import Evidence  # noqa: E402
from residence.wire import cbor, signing  # noqa: E402
from residence.wire.datakey import DataKey  # noqa: E402
from residence.wire.envelope import Draft, Times, seal_envelope, split_envelope  # noqa: E402
from residence.wire.header import encode_header  # noqa: E402
from residence.wire.keyring import Keyring, dump_keyring  # noqa: E402
from residence.wire.messages import Presence, Receipt, ReceiptFinding, encode_message, schema_of  # noqa: E402
from residence.wire.receipts import receipt_code, receipt_text, sign_receipt  # noqa: E402

KIOSK = "kiosk-lobby-1"
EPOCH = "4f9d5f1e-7f0e-4c53-9a53-6a4d7ab1c0de"
OTHER_EPOCH = "00000000-7f0e-4c53-9a53-6a4d7ab1c0de"
BOOT = "b0070000-0000-4000-8000-000000000001"
OTHER_PHRASE = "somebody else's public words"
ID = "019f4ad3-7580-7000-8000-0000000000aa"
KEYS = throwaway_keys()
OTHER = throwaway_keys(OTHER_PHRASE, kiosk_id="kiosk-desk-1")
_noise = count(1)


def random_bytes(length: int) -> bytes:
    """Deterministic noise, so that vectors change as little as they can."""
    return hashlib.shake_256(b"vector noise %d" % next(_noise)).digest(length)


DECLARATION = make_declaration(declaration_id=ID)
PRESENCE = Presence(
    declaration_id=ID,
    seen_at="2026-07-10T22:10:00+07:00",
    kind="night_check",
    premises_id="blk-hoa-binh",
    person=make_person(),
    evidence=Evidence(level=0, source="typed"),
)

WITH_CHIP = msgspec.structs.replace(
    DECLARATION,
    evidence=Evidence(
        level=4,
        source="card-qr",
        reader="camera:zxing",
        checks={"pace": "passed", "passive": "passed"},
        chip=ChipEvidence(
            access=Access(protocol="PACE-ECDH-GM-AES-128-CAN"),
            sod=b"invented bytes in the place of a security object",
            dg1=b"invented bytes in the place of DG1",
            chip=ChipTranscript(oid="0.4.0.127.0.7.2.2.3.2.2", key_id=None, ephemeral=bytes(32), answer=bytes(16)),
            active_signature=bytes(64),
            findings=("chip.differs_residence",),
            trust_version=3,
        ),
    ),
)


def draft(**changes: Any) -> Draft:
    times = Times(boot_id=BOOT, monotonic_ns=81_000_000_000, wall=rfc3339(EVENING), time_state="synced")
    base = Draft(kiosk_id=KIOSK, epoch=EPOCH, sequence=1, declaration_id=ID, schema="stay-declaration/1", times=times)
    return msgspec.structs.replace(base, **changes)


def data_key(*, recipient: Any = None, kiosk_id: str = KIOSK, epoch: str = EPOCH) -> DataKey:
    entry = recipient or KEYS.keyring.current("seal", at=EVENING)
    return DataKey(random_bytes(32), data_key_id=random_bytes(16).hex(), recipient=entry, kiosk_id=kiosk_id, epoch=epoch)


def seal(message: Any = DECLARATION, *, signer: Any = KEYS.kiosk, key: DataKey | None = None, **changes: Any) -> bytes:
    text = message if isinstance(message, bytes) else encode_message(message)
    schema = changes.pop("schema", "stay-declaration/1" if isinstance(message, bytes) else schema_of(message))
    parts = draft(schema=schema, **changes)
    return seal_envelope(text, draft=parts, data_key=key or data_key(), signer=signer, random_bytes=random_bytes)


def split(envelope: bytes) -> tuple[bytes, bytes, dict[int, Any]]:
    signed, sealed = split_envelope(envelope)
    return signed, sealed, cbor2.loads(signing.read_sign1(signed).payload)


def frame(signed: bytes, sealed: bytes) -> bytes:
    return cbor.encode([signed, sealed])


def resigned(header: dict[int, Any], sealed: bytes, *, signer: Any = KEYS.kiosk, typ: str = signing.ENVELOPE_TYPE) -> bytes:
    return frame(signing.sign1(cbor.encode(header), typ, signer), sealed)


def changed_header(changes: dict[int, Any], *, remove: int | None = None) -> bytes:
    """A genuine signature over a header that was changed first; the seal is bound to the changed header too."""
    key = data_key()
    body = random_bytes(16) + encode_message(DECLARATION)
    fields = cbor2.loads(encode_header(_header(key, body)))
    fields.update(changes)
    if remove is not None:
        del fields[remove]
    nonce = fields.get(13)
    nonce = nonce if isinstance(nonce, bytes) and len(nonce) == 12 else bytes(12)
    sealed = key.seal(body, nonce=nonce, associated=cbor.encode(fields))
    return resigned(fields, sealed)


def _header(key: DataKey, body: bytes) -> Any:
    from residence.wire.header import Header

    return Header(
        version=1,
        key_id=KEYS.kiosk.key_id,
        recipient_key_id=key.recipient_key_id,
        body_digest=hashlib.sha256(body).digest(),
        data_key_id=key.data_key_id,
        wrapped_key=key.wrapped,
        nonce=random_bytes(12),
        **msgspec.structs.asdict(draft()),
    )


def sign1_with(protected: dict[int, Any], unprotected: dict[int, Any] | None = None) -> bytes:
    """A COSE_Sign1 over a genuine header with another protected or unprotected header; the signature is right."""
    signed, sealed, _ = split(seal())
    payload = signing.read_sign1(signed).payload
    head = cbor.encode(protected)
    signature = KEYS.kiosk.sign(cbor2.dumps(["Signature1", head, b"", payload]))
    return frame(cbor.encode(cbor2.CBORTag(18, [head, unprotected or {}, payload, signature])), sealed)


def ring(**changes: Any) -> Keyring:
    """The throw-away ring with the kiosk's key changed."""
    entries = [msgspec.structs.replace(each, **changes) if each.use == "kiosk-sign" else each for each in KEYS.keyring.entries]
    return Keyring(entries, 1)


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def refused(code: str, step: str = "verify") -> dict[str, Any]:
    return {"result": "refused", "step": step, "code": code}


def opened(message: Any = DECLARATION, sequence: str = "next") -> dict[str, Any]:
    text = message if isinstance(message, bytes) else encode_message(message)
    return {"result": "opened", "message": json.loads(text), "sequence": sequence}


def vector(envelope: bytes, expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "expect": expect,
        "at": rfc3339(more.pop("at", EVENING)),
        "phrase": PHRASE,
        "keyring": json.loads(dump_keyring(more.pop("keyring", KEYS.keyring))),
        "sequences_seen": more.pop("seen", []),
        "envelope": envelope.hex(),
    }


def envelope_cases() -> dict[str, dict[str, Any]]:
    good = seal()
    signed, sealed, fields = split(good)
    protected = {1: -8, 4: KEYS.kiosk.key_id.encode(), 16: signing.ENVELOPE_TYPE}
    unknown_field = encode_message(DECLARATION)[:-1] + b',"added_in_2031":true}'
    newer_evidence = encode_message(WITH_CHIP).replace(b'"trust_version":3', b'"trust_version":3,"added_in_2031":[1]')
    foreign = data_key(recipient=OTHER.keyring.current("seal", at=EVENING))
    disguised = msgspec.structs.replace(OTHER.keyring.current("seal", at=EVENING), key_id="throwaway-seal")
    moved = data_key(epoch=OTHER_EPOCH)
    later = "2026-07-01T00:00:00Z"
    return {
        "genuine declaration": vector(good, opened()),
        "genuine presence": vector(seal(PRESENCE), opened(PRESENCE)),
        "a message field nobody knows yet is let through": vector(seal(unknown_field), opened(unknown_field)),
        "a declaration with a chip's evidence": vector(seal(WITH_CHIP), opened(WITH_CHIP)),
        "a field of a chip's evidence nobody knows yet is let through": vector(seal(newer_evidence), opened(newer_evidence)),
        "a header label from 32 on is let through": vector(changed_header({32: "added in 2031"}), opened()),
        "the next number in the sequence": vector(seal(sequence=4), opened(), seen=[1, 2, 3]),
        "a number ahead leaves a gap": vector(seal(sequence=6), opened(sequence="gap"), seen=[1, 2, 3]),
        "a missing number arrives late": vector(seal(sequence=2), opened(sequence="filled"), seen=[1, 3]),
        "a replayed envelope opens and is recognised": vector(seal(sequence=2), opened(sequence="replayed"), seen=[1, 2, 3]),
        "an old key inside its overlap": vector(good, opened(), keyring=ring(valid_to="2026-07-11T00:00:00Z")),
        "empty": vector(b"", refused("envelope.malformed")),
        "truncated in the sealed part": vector(good[:-40], refused("envelope.malformed")),
        "truncated in the signature": vector(frame(signed[:-8], sealed), refused("sign1.malformed")),
        "a byte left over": vector(good + b"\x00", refused("envelope.malformed")),
        "a length written longer than needed": vector(b"\x98\x02" + good[1:], refused("envelope.malformed")),
        "an indefinite array": vector(b"\x9f" + good[1:] + b"\xff", refused("envelope.malformed")),
        "longer than 12 KiB": vector(frame(signed, bytes(13_000)), refused("envelope.too_long")),
        "forged: one bit of the signature": vector(frame(flipped(signed, -1 + len(signed)), sealed), refused("signature.bad")),
        "forged: one bit of the header": vector(frame(flipped(signed, len(signed) - 120), sealed), refused("signature.bad")),
        "forged: one bit of the sealed part": vector(frame(signed, flipped(sealed, 20)), refused("envelope.sealed", "open")),
        "swapped sealed part of another declaration": vector(frame(signed, split(seal())[1]), refused("envelope.sealed", "open")),
        "signed by a key nobody knows": vector(
            seal(signer=signing.SigningKey("stranger", hashlib.sha256(b"stranger").digest())), refused("key.unknown")
        ),
        "signed by the authority's receipt key": vector(seal(signer=KEYS.receipt), refused("key.wrong_use")),
        "another kiosk speaks for this one": vector(good, refused("key.wrong_owner"), keyring=ring(owner="kiosk-desk-1")),
        "header and signature name different keys": vector(
            resigned({**fields, 3: "throwaway-receipt"}, sealed), refused("envelope.key_mismatch")
        ),
        "the kiosk's key has expired": vector(good, refused("key.expired"), keyring=ring(valid_to=later)),
        "the kiosk's key is not valid yet": vector(
            good, refused("key.not_yet_valid"), keyring=ring(valid_from="2026-08-01T00:00:00Z")
        ),
        "the kiosk's key was revoked": vector(good, refused("key.revoked"), keyring=ring(revoked_at=later)),
        "sealed to somebody else under our key's name": vector(
            seal(key=data_key(recipient=disguised)), refused("envelope.wrapped_key", "open")
        ),
        "sealed to a key we do not hold": vector(
            resigned({**split(seal(key=foreign))[2], 4: "throwaway-elsewhere"}, sealed), refused("envelope.recipient", "open")
        ),
        "a data key wrapped for another epoch": vector(seal(key=moved), refused("envelope.wrapped_key", "open")),
        "the digest is of another body": vector(
            changed_header({10: hashlib.sha256(b"other").digest()}), refused("envelope.body_digest", "open")
        ),
        "a receipt's signature on an envelope": vector(
            resigned(fields, sealed, typ=signing.RECEIPT_TYPE), refused("sign1.wrong_type")
        ),
        "an algorithm other than EdDSA": vector(sign1_with({**protected, 1: -7}), refused("sign1.algorithm")),
        "a critical label": vector(sign1_with({**protected, 2: [99], 99: 1}), refused("sign1.critical")),
        "an uncritical protected label nobody knows": vector(sign1_with({**protected, 99: 1}), opened()),
        "something unprotected": vector(sign1_with(protected, {99: 1}), refused("sign1.malformed")),
        "a header label below 32 nobody knows": vector(changed_header({20: 1}), refused("header.unknown_label")),
        "version 2": vector(changed_header({1: 2}), refused("header.version")),
        "sequence zero": vector(changed_header({6: 0}), refused("header.malformed")),
        "no sequence": vector(changed_header({}, remove=6), refused("header.missing")),
        "a wall clock that is no time": vector(
            changed_header({9: [bytes(16), 1, "yesterday", "synced"]}), refused("time.malformed")
        ),
        "a nonce of eleven bytes": vector(changed_header({13: bytes(11)}), refused("header.malformed")),
        "a body that is not JSON": vector(seal(b"not json"), refused("message.malformed", "decode")),
        "a schema nobody knows": vector(seal(schema="weather/1"), refused("message.schema_unknown", "decode")),
        "a message without its person": vector(
            seal(json.dumps({"declaration_id": ID}).encode()), refused("message.malformed", "decode")
        ),
    }


def receipt(**changes: Any) -> Receipt:
    base = Receipt(
        declaration_id=ID,
        code=receipt_code(ID),
        state="accepted",
        schema="stay-declaration/1",
        body_digest=hashlib.sha256(b"body").hexdigest(),
        accepted_at="2026-07-10T07:00:02Z",
        kept_at="2026-07-10T07:00:00Z",
        due="2026-07-10T16:00:00Z",
        on_time=True,
        rule_set="2026-07-01",
        premises_id="blk-hoa-binh",
        kiosk_id=KIOSK,
        epoch=EPOCH,
        sequence=1,
    )
    return msgspec.structs.replace(base, **changes)


def receipt_ring(**changes: Any) -> Keyring:
    entries = [msgspec.structs.replace(each, **changes) if each.use == "receipt" else each for each in KEYS.keyring.entries]
    return Keyring(entries, 1)


def receipt_cases() -> dict[str, dict[str, Any]]:
    good = sign_receipt(receipt(), KEYS.receipt)

    def case(data: bytes | str, code: str = "", **more: Any) -> dict[str, Any]:
        text = data if isinstance(data, str) else receipt_text(data)
        state = more.get("state", "accepted")
        return {
            "expect": {"result": "refused", "code": code} if code else {"result": "verified", "state": state},
            "keyring": json.loads(dump_keyring(more.get("keyring", KEYS.keyring))),
            "phrase": PHRASE,
            "text": text,
        }

    finding = ReceiptFinding(code="stay.elsewhere", severity="warning")
    states = {
        f"genuine, {state}": case(sign_receipt(receipt(state=state, findings=(finding,)), KEYS.receipt), state=state)
        for state in ("received", "refused", "conflicting")
    }
    typed = signing.sign1(encode_message(receipt()), signing.ENVELOPE_TYPE, KEYS.receipt)
    extra = encode_message(receipt())[:-1] + b',"added_in_2031":1}'
    return {
        "genuine, accepted": case(good),
        **states,
        "a field nobody knows yet is let through": case(signing.sign1(extra, signing.RECEIPT_TYPE, KEYS.receipt)),
        "the key ended after it signed": case(good, keyring=receipt_ring(valid_to="2026-08-01T00:00:00Z")),
        "truncated": case(good[:-10], "sign1.malformed"),
        "a byte left over": case(good + b"\x00", "sign1.malformed"),
        "not a receipt's text": case("HC1:NCFOXN", "receipt.text"),
        "letters outside Base45": case("LR1:abc", "receipt.text"),
        "forged: one bit of the signature": case(flipped(good, len(good) - 1), "signature.bad"),
        "forged: another state": case(good.replace(b'"accepted"', b'"refused "'), "message.malformed"),
        "forged: another day": case(good.replace(b"2026-07-10T16", b"2026-07-11T16"), "signature.bad"),
        "signed by a key nobody knows": case(
            sign_receipt(receipt(), signing.SigningKey("stranger", hashlib.sha256(b"stranger").digest())), "key.unknown"
        ),
        "signed by another's key under our key's name": case(
            sign_receipt(receipt(), signing.SigningKey("throwaway-receipt", hashlib.sha256(b"thief").digest())), "signature.bad"
        ),
        "signed by a kiosk": case(sign_receipt(receipt(), KEYS.kiosk), "key.wrong_use"),
        "the key was revoked later": case(good, "key.revoked", keyring=receipt_ring(revoked_at="2026-09-01T00:00:00Z")),
        "the key had expired": case(good, "key.expired", keyring=receipt_ring(valid_to="2026-07-01T00:00:00Z")),
        "the key was not valid yet": case(good, "key.not_yet_valid", keyring=receipt_ring(valid_from="2026-08-01T00:00:00Z")),
        "an envelope's signature on a receipt": case(typed, "sign1.wrong_type"),
        "a code of another declaration": case(sign_receipt(receipt(code="0000-0000-0000"), KEYS.receipt), "receipt.code"),
        "a time without offset": case(sign_receipt(receipt(accepted_at="2026-07-10T07:00:02"), KEYS.receipt), "time.malformed"),
        "a state nobody knows": case(sign_receipt(receipt(state="perhaps"), KEYS.receipt), "message.malformed"),
    }


def file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).replace("--", "-").strip("-") + ".json"


def write(kind: str, cases: dict[str, dict[str, Any]]) -> None:
    folder = ROOT / "vectors" / kind
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, case in cases.items():
        text = json.dumps({"name": name, **case}, ensure_ascii=False, indent=1)
        (folder / file_name(name)).write_text(text + "\n", encoding="utf-8")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


if __name__ == "__main__":
    write("envelope", envelope_cases())
    write("receipt", receipt_cases())
