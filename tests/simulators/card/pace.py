"""The card's side of one PACE run."""

from __future__ import annotations

import secrets

from edge_agent.chip.integrated_mapping import pseudo_random
from residence.credentials.chip import tlv
from residence.credentials.chip.suites import AUTHENTICATION, ENCRYPTION, pad


class PaceSide:
    def __init__(self, info, group, password_key, personality):
        self.info, self.group, self.suite, self.is_ = info, group, info.suite, personality
        self.password_key = password_key
        self.secret = b""

    def _private(self):
        return 1 + secrets.randbelow(self.group.order - 1)

    def step(self, tag, value):
        steps = {0: self.send_nonce, 0x81: self.map, 0x83: self.agree, 0x85: self.confirm}
        if tag not in steps:
            return b"", 0x6A80
        return steps[tag](value)

    def send_nonce(self, _):
        if self.is_.refuses_pace_at == "nonce":
            return b"", 0x6985
        size = 32 if self.info.mapping == "IM" and self.suite.key_bytes > 16 else 16
        self.nonce = secrets.token_bytes(size)
        return tlv.encode(0x80, self.suite.encrypt(self.password_key, self.nonce)), 0x9000

    def map(self, theirs):
        group = self.group
        if self.info.mapping == "IM":
            self.generator = group.map_integrated(pseudo_random(self.suite, self.nonce, theirs, group.field_bits))
            return tlv.encode(0x82, b""), 0x9000
        self.mapping_private = self._private()
        agreed = group.power(group.decode(theirs), self.mapping_private)
        self.generator = group.map_generic(int.from_bytes(self.nonce, "big"), agreed)
        return tlv.encode(0x82, group.encode(group.power(group.generator, self.mapping_private))), 0x9000

    def agree(self, theirs):
        private = self._private()
        self.theirs, self.mine = theirs, self.group.encode(self.group.power(self.generator, private))
        self.secret = self.group.secret(self.group.power(self.group.decode(theirs), private))
        return tlv.encode(0x84, self.mine), 0x9000

    def _token(self, public):
        tag = 0x86 if self.info.is_ec else 0x84
        inner = tlv.encode(6, tlv.encode_object_id(self.info.oid)) + tlv.encode(tag, public)
        return self.suite.mac(self.suite.derive(self.secret, AUTHENTICATION), tlv.encode(0x7F49, inner))

    def confirm(self, token):
        if self.is_.refuses_pace_at == "token":
            return b"", 0x6985
        if token != self._token(self.mine) or self.is_.refuses_pace_at == "each secret":
            self.is_.wrong_tokens += 1
            return b"", 0x6300
        answer = tlv.encode(0x86, self._token(self.theirs))
        if self.info.mapping == "CAM":
            order = self.group.order
            proof = self.mapping_private * pow(self.is_.mapping_private, -1, order) % order
            size = (order.bit_length() + 7) // 8
            key = self.suite.derive(self.secret, ENCRYPTION)
            iv = self.suite.counter_iv(key, (1 << 128) - 1)
            sealed = self.suite.encrypt(key, pad(proof.to_bytes(size, "big"), self.suite.block), iv)
            answer += tlv.encode(0x8A, sealed)
        return answer, 0x9000
