"""PACE (ICAO Doc 9303-11 section 4.4): a strong channel from a short secret, the number on the card (CAN) or the MRZ's key.

- All mappings: generic and integrated over curves and numbers, and chip authentication mapping over curves.
- The parameter's number is always sent (84): some chips refuse without it.
- The chip's key must be a point of its group and not our own; its token is compared in constant time: ``Untrusted("chip.pace")``.
- A wrong secret shows as 6300 or 63Cx at the last step: ``Refused("chip.wrong_key")``; whatever else is refused carries its status.
- With chip authentication mapping the chip's proof is opened here and kept; whether its key is the issuer's is judged against
  EF.CardSecurity (``proof_fits``), and counts only when that file's signature was verified.

Example: ``run_pace(channel, infos.pace_choices[0], can_secret("123456"), draw)``
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.chip.apdu import WRONG_SECRET, Channel, Command
from edge_agent.chip.drawing import Draw
from edge_agent.chip.integrated_mapping import nonce_bytes_of, pseudo_random
from edge_agent.chip.secure_messaging import Keys, SecureMessaging, session_keys
from residence.credentials.chip import tlv
from residence.credentials.chip.groups import STANDARD, Group
from residence.credentials.chip.security_infos import PaceInfo
from residence.credentials.chip.suites import PASSWORD, Suite, unpad
from residence.errors import LuutruError, Refused, Untrusted

_MRZ: Final = 1
_CAN: Final = 2
_CHAINED: Final = 0x10
_LONGEST_NONCE: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Secret:
    """What opens the chip; never printed. ``reference`` tells the chip which of its secrets it is."""

    reference: int
    value: bytes


def can_secret(can: str) -> Secret:
    """Return the secret of a card access number."""
    return Secret(reference=_CAN, value=can.encode("ascii"))


def mrz_secret(mrz_key: str) -> Secret:
    """Return the secret of a machine-readable zone: SHA-1 over number, birth and expiry with their check digits."""
    return Secret(reference=_MRZ, value=hashlib.sha1(mrz_key.encode("ascii"), usedforsecurity=False).digest())


@dataclass(frozen=True, kw_only=True, slots=True)
class PaceOutcome:
    """What a run left behind. ``proof`` and ``mapping_key`` only with chip authentication mapping."""

    info: PaceInfo
    group: Group
    mapping_key: bytes = b""
    proof: bytes = b""


def _refusal(detail: str) -> Untrusted:
    return Untrusted("chip.pace", "", detail)


class _Run:
    """One run: the group, the cipher and the channel it goes over."""

    def __init__(self, channel: Channel, info: PaceInfo, draw: Draw) -> None:
        self.channel = channel
        self.info = info
        self.draw = draw
        self.suite: Suite = info.suite
        self.group: Group = STANDARD[-1 if info.parameter is None else info.parameter]

    def select(self, reference: int) -> None:
        data = tlv.encode(0x80, tlv.encode_object_id(self.info.oid)) + tlv.encode(0x83, bytes([reference]))
        data += tlv.encode(0x84, (self.info.parameter or 0).to_bytes(1, "big"))
        answer = self.channel.send(Command(ins=0x22, p1=0xC1, p2=0xA4, data=data))
        # 63Cx warns of few tries left, with the secret still usable; the last one is not ours to take
        if not answer.is_ok and (answer.status & 0xFFF0 != 0x63C0 or answer.status & 0xF <= 1):
            raise Refused("chip.refused", "", f"{answer.status:04X}")

    def ask(self, tag: int, value: bytes, wanted: int, *, last: bool = False) -> tuple[bytes, tuple[tlv.Node, ...]]:
        """Send one GENERAL AUTHENTICATE and return the wanted element and all others."""
        data = tlv.encode(0x7C, tlv.encode(tag, value) if tag else b"")
        answer = self.channel.send(Command(cla=0 if last else _CHAINED, ins=0x86, data=data, le=256))
        if last and not answer.is_ok and (answer.status == WRONG_SECRET or answer.status & 0xFFF0 == 0x63C0):
            raise Refused("chip.wrong_key", "", f"{answer.status:04X}")
        parts = tlv.read_node(answer.expect("chip.refused")).expect(0x7C).children(most=4)
        found = next((each.value for each in parts if each.tag == wanted), None)
        if found is None:
            if wanted == 0x82 and not parts:
                return b"", parts
            raise _refusal(f"{wanted:02X} is missing")
        return found, parts

    def nonce(self, secret: Secret) -> bytes:
        sealed, _ = self.ask(0, b"", 0x80)
        if not 0 < len(sealed) <= _LONGEST_NONCE:
            raise _refusal("nonce")
        return self.suite.decrypt(self.suite.derive(secret.value, PASSWORD), sealed)

    def map(self, nonce: bytes) -> tuple[Any, Any]:
        """Return this run's generator, and the chip's mapping key where there is one."""
        if self.info.mapping == "IM":
            ours = self.draw.take(nonce_bytes_of(self.suite))
            self.ask(0x81, ours, 0x82)
            return self.group.map_integrated(pseudo_random(self.suite, nonce, ours, self.group.field_bits)), None
        private = self.draw.scalar(self.group.order)
        mine = self.group.encode(self.group.power(self.group.generator, private))
        theirs, _ = self.ask(0x81, mine, 0x82)
        if theirs == mine:
            raise _refusal("our own key came back")
        element = self.group.decode(theirs)
        return self.group.map_generic(int.from_bytes(nonce, "big"), self.group.power(element, private)), element

    def agree(self, generator: Any) -> tuple[Keys, bytes, bytes]:
        """Return the session keys and both public keys."""
        private = self.draw.scalar(self.group.order)
        mine = self.group.encode(self.group.power(generator, private))
        theirs, _ = self.ask(0x83, mine, 0x84)
        if theirs == mine:
            raise _refusal("our own key came back")
        shared = self.group.power(self.group.decode(theirs), private)
        return session_keys(self.suite, self.group.secret(shared)), mine, theirs

    def token(self, keys: Keys, public: bytes) -> bytes:
        inner = tlv.encode(tlv.OBJECT_ID, tlv.encode_object_id(self.info.oid))
        inner += tlv.encode(0x86 if self.info.is_ec else 0x84, public)
        return self.suite.mac(keys.authentication, tlv.encode(0x7F49, inner))


def run_pace(channel: Channel, info: PaceInfo, secret: Secret, draw: Draw) -> PaceOutcome:
    """Open the chip; secure messaging is on afterwards."""
    run = _Run(channel, info, draw)
    try:
        run.select(secret.reference)
        generator, mapping_element = run.map(run.nonce(secret))
        keys, mine, theirs = run.agree(generator)
        token, parts = run.ask(0x85, run.token(keys, theirs), 0x86, last=True)
        if not hmac.compare_digest(token, run.token(keys, mine)):
            raise _refusal("token")
        outcome = PaceOutcome(info=info, group=run.group)
        if info.mapping == "CAM":
            sealed = next((each.value for each in parts if each.tag == 0x8A), b"")
            outcome = _with_proof(run, keys, mapping_element, sealed)
    except LuutruError:
        channel.close()
        raise
    channel.protect_with(SecureMessaging(run.suite, keys))
    return outcome


def _with_proof(run: _Run, keys: Keys, mapping_element: Any, sealed: bytes) -> PaceOutcome:
    """Open the chip's proof: encrypted under the session key, with the encryption of minus one as IV."""
    iv = run.suite.counter_iv(keys.encryption, (1 << 128) - 1)
    proof = unpad(run.suite.decrypt(keys.encryption, sealed, iv))
    return PaceOutcome(info=run.info, group=run.group, mapping_key=run.group.encode(mapping_element), proof=proof)


def proof_fits(outcome: PaceOutcome, chip_key: bytes) -> bool:
    """Tell whether the chip that ran PACE holds the private key of ``chip_key``, an encoded point of the same group."""
    group = outcome.group
    scalar = int.from_bytes(outcome.proof, "big")
    if not 0 < scalar < group.order:
        return False
    return group.encode(group.power(group.decode(chip_key), scalar)) == outcome.mapping_key
