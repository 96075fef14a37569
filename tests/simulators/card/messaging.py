"""The card's side of secure messaging."""

from __future__ import annotations

import hmac

from residence.credentials.chip import tlv
from residence.credentials.chip.suites import AUTHENTICATION, ENCRYPTION, pad, unpad


class Apdu:
    """One command, taken apart."""

    def __init__(self, raw):
        self.cla, self.ins, self.p1, self.p2 = raw[:4]
        self.data, self.le, self.extended = b"", None, False
        body = raw[4:]
        if len(body) > 2 and body[0] == 0:
            self.extended = True
            count = int.from_bytes(body[1:3], "big")
            if len(body) == 3:
                self.le = count or 65_536
                return
            self.data, rest = body[3 : 3 + count], body[3 + count :]
            self.le = (int.from_bytes(rest, "big") or 65_536) if rest else None
        elif len(body) == 1:
            self.le = body[0] or 256
        elif body:
            self.data, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
            self.le = (rest[0] or 256) if rest else None


class CardMessaging:
    def __init__(self, suite, secret, *, counter=0):
        self.suite, self.counter = suite, counter
        self.encryption, self.authentication = suite.derive(secret, ENCRYPTION), suite.derive(secret, AUTHENTICATION)

    def open(self, raw, apdu):
        """Return the plain command, or None when it does not verify."""
        self.counter += 1
        parts = list(tlv.read_nodes(apdu.data))
        covered = b"".join(part.raw for part in parts if part.tag != 0x8E)
        header = bytes(raw[:4])
        message = pad(header, self.suite.block) + covered if covered else header
        code = next((part.value for part in parts if part.tag == 0x8E), b"")
        if not hmac.compare_digest(code, self.suite.message_mac(self.authentication, self.counter, message)):
            return None
        plain = Apdu(bytes((apdu.cla & ~0x0C, apdu.ins, apdu.p1, apdu.p2)))
        plain.extended = apdu.extended
        for part in parts:
            if part.tag in {0x87, 0x85}:
                secret = part.value[1:] if part.tag == 0x87 else part.value
                iv = self.suite.counter_iv(self.encryption, self.counter)
                plain.data = unpad(self.suite.decrypt(self.encryption, secret, iv))
            if part.tag == 0x97:
                plain.le = int.from_bytes(part.value, "big") or (256 if len(part.value) == 1 else 65_536)
        return plain

    def protect(self, data, status, *, odd=False):
        self.counter += 1
        body = b""
        if data:
            secret = self.suite.encrypt(
                self.encryption, pad(data, self.suite.block), self.suite.counter_iv(self.encryption, self.counter)
            )
            body = tlv.encode(0x85, secret) if odd else tlv.encode(0x87, b"\x01" + secret)
        body += tlv.encode(0x99, status.to_bytes(2, "big"))
        code = self.suite.message_mac(self.authentication, self.counter, body)
        return body + tlv.encode(0x8E, code) + status.to_bytes(2, "big")
