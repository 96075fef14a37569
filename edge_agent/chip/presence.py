"""Asking the chip to show that it is the one the issuer made: Chip Authentication and Active Authentication (Doc 9303-11 section 6).

- Chip Authentication: 3DES keys are set with MSE:Set KAT, AES ones with MSE:Set AT and GENERAL AUTHENTICATE; the key's number is sent where
  the chip has given one. Secure messaging goes on under the new keys, and the next answer is the proof.
- A chip that cannot go on under the new keys has failed, not "not supported": its channel is closed.
- Active Authentication: INTERNAL AUTHENTICATE with eight bytes; what came back is judged elsewhere (``residence.credentials.chip.active``).

Example: ``run_chip_authentication(channel, ways_of(infos)[0], draw)``
"""

from __future__ import annotations

from edge_agent.chip.apdu import Channel, Command
from edge_agent.chip.drawing import Draw
from edge_agent.chip.secure_messaging import SecureMessaging, session_keys
from residence.credentials.chip import tlv
from residence.credentials.chip.capture import ChipTranscript
from residence.credentials.chip.chip_authentication import Way
from residence.credentials.chip.groups import MOST_SCALAR_BITS
from residence.errors import LuutruError, Untrusted


def run_chip_authentication(channel: Channel, way: Way, draw: Draw) -> ChipTranscript:
    """Run it and return the transcript; ``Untrusted("chip.not_present")`` when the chip does not hold its key."""
    group = way.group
    private = draw.scalar(group.order or 1 << MOST_SCALAR_BITS - 1)
    public = group.encode(group.power(group.generator, private))
    key_number = b"" if way.key_id is None else tlv.encode(0x84, way.key_id.to_bytes((way.key_id.bit_length() + 8) // 8, "big"))
    if way.suite.is_aes:
        data = tlv.encode(0x80, tlv.encode_object_id(way.oid)) + key_number
        channel.send(Command(ins=0x22, p1=0x41, p2=0xA4, data=data)).expect("chip.refused")
        data = tlv.encode(0x7C, tlv.encode(0x80, public))
        channel.send(Command(ins=0x86, data=data, le=256)).expect("chip.refused")
    else:
        data = tlv.encode(0x91, public) + key_number
        channel.send(Command(ins=0x22, p1=0x41, p2=0xA6, data=data)).expect("chip.refused")
    secret = group.secret(group.power(group.decode(way.public), private))
    channel.protect_with(SecureMessaging(way.suite, session_keys(way.suite, secret)))
    try:
        # any command will do; the head of EF.COM says nothing about a person
        channel.send(Command(ins=0xB0, p1=0x80 | 0x1E, le=4))
    except LuutruError as error:
        raise Untrusted("chip.not_present", "", error.code) from None
    size = (group.field_bits + 15) // 8
    return ChipTranscript(
        oid=way.oid, key_id=way.key_id, ephemeral=private.to_bytes(size, "big"), answer=channel.last_exchange[1]
    )


def ask_for_signature(channel: Channel, challenge: bytes, *, extended: bool) -> bytes:
    """Return what the chip signs our challenge with; long signatures need more than one short answer has room for."""
    le = 65_536 if extended else 256
    return channel.send(Command(ins=0x88, data=challenge, le=le)).expect("chip.refused")
