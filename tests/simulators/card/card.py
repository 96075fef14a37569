"""A card that speaks as ICAO Doc 9303 asks: BAC, PACE with every mapping, secure messaging, Chip and Active Authentication, files.

It is the tests' card, not the product's: keys are made at run time, quirks and faults are set on its ``Personality``.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from simulators.card.messaging import Apdu, CardMessaging
from simulators.card.pace import PaceSide

from residence.credentials.chip import tlv
from residence.credentials.chip.groups import STANDARD
from residence.credentials.chip.suites import PASSWORD, TRIPLE_DES

APPLICATION = bytes.fromhex("A0000002471001")
OK, NOT_FOUND, NOT_ALLOWED, WRONG = 0x9000, 0x6A82, 0x6982, 0x6300


@dataclass
class Personality:
    """What this card holds and how it behaves."""

    master: dict[int, bytes] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    can: str = "123456"
    mrz_key: str = ""
    pace: tuple = ()  # PaceInfo offered and spoken
    speaks_bac: bool = True
    chip_ways: dict = field(default_factory=dict)  # (oid, key id) -> (way, private key)
    active_signer: object = None  # challenge -> signature
    mapping_private: int = 0  # chip authentication mapping: the private key to EF.CardSecurity's public one
    denied: frozenset[int] = frozenset({0x0103})
    knows_short_names: bool = True
    knows_extended: bool = True
    answers_at_most: int = 65_536
    says_of_length: int = 0x6700  # of being asked for more; 6C00 and how much it would give
    drops_keys_on_length: bool = False  # says 6700 outside secure messaging, as cards do that do not get that far
    refuses_pace_at: str = ""  # "select", "nonce", "token", or "each secret": it calls every one wrong
    sends_end_of_file: bool = False
    wrong_tokens: int = 0
    wrong_keys: int = 0


class SimulatedCard:
    """One card in a field. ``transceive`` is all a reader sees."""

    def __init__(self, personality):
        self.is_ = personality
        self.log = []
        self.reset()

    def reset(self):
        self.rest = b""  # of an answer longer than a short one may be
        self.guard = self.pending = self.pace = None
        self.selected = None
        self.in_application = False
        self.challenge = None

    def transceive(self, raw):
        self.log.append(bytes(raw))
        apdu = Apdu(raw)
        if apdu.extended and not self.is_.knows_extended:
            return b"\x67\x00"
        if apdu.ins == 0xC0 and self.rest:
            return self.in_pieces(self.rest)
        whole = self.whole_answer(raw, apdu)
        return whole if apdu.extended else self.in_pieces(whole)

    def in_pieces(self, whole):
        """Return what fits a short answer; 61xx says how much is left to be asked for (ISO 7816-4)."""
        if len(whole) <= 256 + 2:
            self.rest = b""
            return whole
        self.rest = whole[256:]
        left = len(self.rest) - 2
        return whole[:256] + bytes([0x61, left if left < 256 else 0])

    def whole_answer(self, raw, apdu):
        if self.guard is None:
            data, status = self.answer(apdu)
            self.guard, self.pending = self.pending, None  # new keys hold from the next command on
            return data + status.to_bytes(2, "big")
        plain = self.guard.open(raw, apdu) if apdu.cla & 0x0C == 0x0C else None
        if plain is None:
            self.guard = None
            return b"\x69\x88"
        data, status = self.answer(plain)
        if status == 0x6700 and self.is_.drops_keys_on_length:
            self.guard = None
            return b"\x67\x00"
        answer = self.guard.protect(data, status, odd=bool(apdu.ins % 2))
        if self.pending is not None:
            self.guard, self.pending = self.pending, None
        return answer

    def answer(self, apdu):
        handler = {
            0xA4: self.select,
            0xB0: self.read_binary,
            0x84: self.get_challenge,
            0x82: self.external_authenticate,
            0x22: self.manage_security_environment,
            0x86: self.general_authenticate,
            0x88: self.internal_authenticate,
        }.get(apdu.ins)
        return handler(apdu) if handler else (b"", 0x6D00)

    # files

    def select(self, apdu):
        if apdu.p1 == 0x04:
            if apdu.data != APPLICATION:
                return b"", NOT_FOUND
            self.in_application, self.selected = True, None
            return b"", OK
        if apdu.p1 == 0x00:
            return b"", 0x6D00  # as Vietnamese cards do with the master file
        return self._select_id(int.from_bytes(apdu.data, "big"))

    def _select_id(self, file_id):
        files = self.is_.files if self.in_application else self.is_.master
        if self.in_application and self.guard is None:
            return b"", NOT_ALLOWED
        if file_id in self.is_.denied and self.in_application:
            return b"", NOT_ALLOWED
        if file_id not in files:
            return b"", NOT_FOUND
        self.selected = files[file_id]
        return b"", OK

    def read_binary(self, apdu):
        offset = apdu.p1 << 8 | apdu.p2
        if apdu.p1 & 0x80:
            if not self.is_.knows_short_names:
                return b"", 0x6A86
            short, offset = apdu.p1 & 0x1F, apdu.p2
            # within the application 1D is the security object, outside it is EF.CardSecurity; both end in 1D
            _, status = self._select_id(0x0100 | short)
            if status != OK:
                return b"", status
        if self.selected is None:
            return b"", NOT_ALLOWED
        if offset > len(self.selected):
            return b"", 0x6B00
        if (apdu.le or 256) > self.is_.answers_at_most:
            return b"", self.is_.says_of_length
        data = self.selected[offset : offset + (apdu.le or 256)]
        short_of = len(data) < (apdu.le or 256)
        return data, 0x6282 if short_of and self.is_.sends_end_of_file else OK

    # basic access control

    def get_challenge(self, apdu):
        if not self.is_.speaks_bac or not self.in_application:
            return b"", 0x6D00
        self.challenge = secrets.token_bytes(8)
        return self.challenge, OK

    def external_authenticate(self, apdu):
        if self.challenge is None:
            return b"", 0x6985
        seed = hashlib.sha1(self.is_.mrz_key.encode(), usedforsecurity=False).digest()[:16]
        keys = CardMessaging(TRIPLE_DES, seed)
        sealed, code = apdu.data[:32], apdu.data[32:]
        if code != TRIPLE_DES.mac(keys.authentication, sealed):
            self.is_.wrong_keys += 1
            self.challenge = None
            return b"", WRONG
        opened = TRIPLE_DES.decrypt(keys.encryption, sealed)
        theirs, share = opened[:8], opened[16:]
        ours = secrets.token_bytes(16)
        answer = TRIPLE_DES.encrypt(keys.encryption, self.challenge + theirs + ours)
        answer += TRIPLE_DES.mac(keys.authentication, answer)
        secret = bytes(a ^ b for a, b in zip(share, ours, strict=True))
        self.pending = CardMessaging(TRIPLE_DES, secret, counter=int.from_bytes(self.challenge[4:] + theirs[4:], "big"))
        return answer, OK

    # PACE and Chip Authentication

    def manage_security_environment(self, apdu):
        parts = {part.tag: part.value for part in tlv.read_nodes(apdu.data)}
        if (apdu.p1, apdu.p2) == (0xC1, 0xA4):
            return self._set_pace(parts)
        if self.guard is None or apdu.p1 != 0x41:
            return b"", NOT_ALLOWED
        key_id = int.from_bytes(parts[0x84], "big") if 0x84 in parts else None
        if apdu.p2 == 0xA6:
            found = next((value for (_, each), value in self.is_.chip_ways.items() if each == key_id), None)
            return self._agree(found, parts.get(0x91, b""), b"")
        oid = tlv.object_id(tlv.Node(tag=6, value=parts.get(0x80, b""), raw=b""))
        self.chosen = self.is_.chip_ways.get((oid, key_id))
        return b"", OK if self.chosen else 0x6A80

    def _agree(self, found, public, answer):
        if found is None:
            return b"", 0x6A80
        way, private = found
        secret = way.group.secret(way.group.power(way.group.decode(public), private))
        self.pending = CardMessaging(way.suite, secret)
        return answer, OK

    def _set_pace(self, parts):
        oid = tlv.object_id(tlv.Node(tag=6, value=parts[0x80], raw=b""))
        info = next((each for each in self.is_.pace if each.oid == oid and each.parameter == parts[0x84][0]), None)
        if info is None or self.is_.refuses_pace_at == "select":
            return b"", 0x6A80
        secret = (
            self.is_.can.encode()
            if parts[0x83] == b"\x02"
            else hashlib.sha1(self.is_.mrz_key.encode(), usedforsecurity=False).digest()
        )
        self.pace = PaceSide(info, STANDARD[info.parameter], info.suite.derive(secret, PASSWORD), self.is_)
        return b"", OK

    def general_authenticate(self, apdu):
        parts = tlv.read_node(apdu.data).children()
        tag, value = (parts[0].tag, parts[0].value) if parts else (0, b"")
        if self.pace is None:
            if self.guard is None or tag != 0x80 or not getattr(self, "chosen", None):
                return b"", 0x6985
            return self._agree(self.chosen, value, tlv.encode(0x7C, b""))
        answer, status = self.pace.step(tag, value)
        if status != OK:
            self.pace = None
            return b"", status
        if tag == 0x85:
            self.pending = CardMessaging(self.pace.suite, self.pace.secret)
            self.pace = None
        return tlv.encode(0x7C, answer), OK

    # Active Authentication

    def internal_authenticate(self, apdu):
        if self.guard is None or self.is_.active_signer is None:
            return b"", 0x6D00 if self.is_.active_signer is None else NOT_ALLOWED
        return self.is_.active_signer(apdu.data), OK
