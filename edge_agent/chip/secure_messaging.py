"""Secure messaging (ICAO Doc 9303-11 section 9.8): every command encrypted and authenticated, every answer checked before it is used.

- The counter grows by one before each command and before each answer; it never goes back.
- An answer must carry its status (99) and its MAC (8E), in this order, with nothing after; both statuses must be equal. Anything else, a
  plain answer included, is ``Untrusted("chip.sm_broken")``, and the channel drops its keys.
- Data of commands with an odd instruction travels in 85, else in 87 with the padding indicator 01.

Example: ``SecureMessaging(AES_128, Keys(encryption=..., authentication=...), counter=0).protect(command)``
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from edge_agent.chip.apdu import LONGEST_SHORT_DATA, MOST_SHORT_LE, Answer, Command
from residence.credentials.chip import tlv
from residence.credentials.chip.suites import AUTHENTICATION, ENCRYPTION, Suite, pad, unpad
from residence.errors import Malformed, Untrusted

PLAIN: Final = "unprotected"


def _broken(detail: str) -> Untrusted:
    return Untrusted("chip.sm_broken", "", detail)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Keys:
    """The two keys of a session; never printed."""

    encryption: bytes
    authentication: bytes


def session_keys(suite: Suite, secret: bytes) -> Keys:
    """Derive both keys from a shared secret."""
    return Keys(encryption=suite.derive(secret, ENCRYPTION), authentication=suite.derive(secret, AUTHENTICATION))


class SecureMessaging:
    """One side's state; the reader's."""

    def __init__(self, suite: Suite, keys: Keys, *, counter: int = 0) -> None:
        self.suite = suite
        self.keys = keys
        self.counter = counter

    def _count(self) -> None:
        self.counter = (self.counter + 1) % (1 << 8 * self.suite.block)

    def _crypt_iv(self) -> bytes:
        return self.suite.counter_iv(self.keys.encryption, self.counter)

    def protect(self, command: Command) -> bytes:
        """Return the protected command."""
        self._count()
        header = bytes((command.cla | 0x0C, command.ins, command.p1, command.p2))
        body = b""
        if command.data:
            secret = self.suite.encrypt(self.keys.encryption, pad(command.data, self.suite.block), self._crypt_iv())
            body = tlv.encode(0x85, secret) if command.ins % 2 else tlv.encode(0x87, b"\x01" + secret)
        long_answer = command.le is not None and command.le > MOST_SHORT_LE
        if command.le is not None:
            length = (command.le & 0xFFFF).to_bytes(2, "big") if long_answer else bytes([command.le & 0xFF])
            body += tlv.encode(0x97, length)
        code = self.suite.message_mac(
            self.keys.authentication, self.counter, pad(header, self.suite.block) + body if body else header
        )
        body += tlv.encode(0x8E, code)
        extended = long_answer or command.extended or len(body) > LONGEST_SHORT_DATA
        protected = Command(
            cla=header[0],
            ins=command.ins,
            p1=command.p1,
            p2=command.p2,
            data=body,
            le=65_536 if extended else MOST_SHORT_LE,
            extended=extended,
        )
        return protected.encode()

    def open(self, raw: bytes) -> Answer:
        """Check an answer and return what it says."""
        self._count()
        if len(raw) < 2:
            raise _broken("no status")
        if len(raw) == 2:
            raise _broken(f"{PLAIN} {raw.hex().upper()}")
        try:
            parts = tuple(tlv.read_nodes(raw[:-2], most=4))
        except Malformed as error:
            raise _broken(error.detail) from None
        if len(parts) < 2 or parts[-1].tag != 0x8E or parts[-2].tag != 0x99:
            raise _broken("not protected")
        covered = b"".join(each.raw for each in parts[:-1])
        expected = self.suite.message_mac(self.keys.authentication, self.counter, covered)
        if not hmac.compare_digest(expected, parts[-1].value):
            raise _broken("MAC")
        if len(parts[-2].value) != 2 or parts[-2].value != raw[-2:]:
            raise _broken("the two statuses differ")
        data = self._decrypt(parts[:-2]) if len(parts) > 2 else b""
        return Answer(data=data, status=int.from_bytes(raw[-2:], "big"))

    def _decrypt(self, parts: tuple[tlv.Node, ...]) -> bytes:
        if len(parts) != 1:
            raise _broken("more than one piece of data")
        secret = parts[0].value
        if parts[0].tag == 0x87:
            if secret[:1] != b"\x01":
                raise _broken("padding indicator")
            secret = secret[1:]
        elif parts[0].tag != 0x85:
            raise _broken("data not encrypted")
        return unpad(self.suite.decrypt(self.keys.encryption, secret, self._crypt_iv()))
