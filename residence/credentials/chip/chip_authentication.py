"""Chip Authentication: the chip's key in DG14, how it is used, and checking a run again from its transcript (Doc 9303-11 section 6.2).

- ``ways_of`` pairs every key with every way of using it: by key number where there is one; a chip with a key and no way listed runs 3DES.
  Strongest cipher first.
- A chip that holds the private key can answer under the new session keys: the first answer's MAC is the proof.
- The transcript holds our own ephemeral key, so anybody can check it later; but whoever holds that key could have made the answer. It
  convinces only those who trust the kiosk, which a signature of Active Authentication does not ask for.
- The result counts only when DG14 is covered by the signed security object.

Example: ``transcript_holds(transcript, dg14=raw)``
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from residence.credentials.chip import tlv
from residence.credentials.chip.capture import ChipTranscript
from residence.credentials.chip.groups import MOST_SCALAR_BITS, Group
from residence.credentials.chip.public_keys import DhKey, EcKey, parse_public_key
from residence.credentials.chip.security_infos import SecurityInfos, parse_security_infos
from residence.credentials.chip.suites import AUTHENTICATION, TRIPLE_DES, Suite
from residence.errors import LuutruError, Malformed

_DG14: Final = 0x6E
_FIRST_ANSWER: Final = 2  # the counter begins at zero and grows with the command and with the answer
_DEFAULT_OIDS: Final = {True: "0.4.0.127.0.7.2.2.3.2.1", False: "0.4.0.127.0.7.2.2.3.1.1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One key of the chip and one way to use it."""

    oid: str
    suite: Suite
    key_id: int | None
    key: EcKey | DhKey

    @property
    def group(self) -> Group:
        """Return the key's group."""
        return self.key.group

    @property
    def public(self) -> bytes:
        """Return the chip's public key as an encoded element."""
        return self.group.encode(self.key.point if isinstance(self.key, EcKey) else self.key.number)

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        return f"CA-{'ECDH' if isinstance(self.key, EcKey) else 'DH'}-{self.suite.name}-{self.key.name}"


def infos_of_dg14(raw: bytes) -> SecurityInfos:
    """Return the entries of a raw DG14."""
    return parse_security_infos(tlv.read_node(raw, trailing=True).expect(_DG14).value)


def ways_of(infos: SecurityInfos) -> tuple[Way, ...]:
    """Return every way to run Chip Authentication that can be used here, strongest cipher first."""
    ways: list[Way] = []
    for each in infos.chip_keys:
        try:
            key = parse_public_key(each.spki)
        except LuutruError:
            continue  # another key may do; a key nobody can use shows as "not supported"
        if isinstance(key, EcKey | DhKey):
            fitting = [
                info for info in infos.chip_authentication if info.is_ec == each.is_ec and _same_key(info.key_id, each.key_id)
            ]
            ways += [Way(oid=info.oid, suite=info.suite, key_id=each.key_id, key=key) for info in fitting]
            if not infos.chip_authentication:
                ways.append(Way(oid=_DEFAULT_OIDS[each.is_ec], suite=TRIPLE_DES, key_id=each.key_id, key=key))
    return tuple(sorted(ways, key=lambda way: (-way.suite.block, -way.suite.key_bytes)))


def _same_key(wanted: int | None, key_id: int | None) -> bool:
    return wanted is None or key_id is None or wanted == key_id


def way_of(transcript: ChipTranscript, *, dg14: bytes) -> Way:
    """Return the way a transcript names, from the chip's own file."""
    for way in ways_of(infos_of_dg14(dg14)):
        if (way.oid, way.key_id) == (transcript.oid, transcript.key_id):
            return way
    raise Malformed("chip.key", "", "the chip has no such key")


def transcript_holds(transcript: ChipTranscript, *, dg14: bytes) -> bool:
    """Tell whether the answer can only have been made with the secret both sides agreed on; raises what cannot be read."""
    way = way_of(transcript, dg14=dg14)
    scalar = int.from_bytes(transcript.ephemeral, "big")
    if not 1 <= scalar < (way.group.order or 1 << MOST_SCALAR_BITS):
        return False  # no reader drew it; a longer one would only keep the judge busy
    shared = way.group.power(way.group.decode(way.public), scalar)
    key = way.suite.derive(way.group.secret(shared), AUTHENTICATION)
    parts = tuple(tlv.read_nodes(transcript.answer[:-2], most=4))
    if len(parts) < 2 or parts[-1].tag != 0x8E:
        return False
    expected = way.suite.message_mac(key, _FIRST_ANSWER, b"".join(each.raw for each in parts[:-1]))
    return hmac.compare_digest(expected, parts[-1].value)
