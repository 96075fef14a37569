"""How a new kiosk and the authority come to know each other: the claim's text, what is asked and answered, and the words both screens show.

- A claim is a text of one line (a code to scan): its id, a secret of 16 bytes, the kiosk's id, the authority's address. Whoever has it may ask once, until it ends.
- What is asked and what is answered carry an HMAC under that secret, which itself never travels; each direction has a label of its own.
- The machine makes its own keys. Public halves travel, and both sides show ``fingerprint`` of them: an operator compares before approving.
- A kiosk's name begins with ``kiosk-``: the name in a certificate is who somebody is at the broker, and gateways and bridges have names there, too.
- A kiosk in service asks for a new certificate, and says that it was wiped, signed by its own signing key (COSE_Sign1, a type for each).

>>> Claim(claim_id="k7qd93mx", secret=bytes(16), kiosk_id="kiosk-lobby-2", url="https://luutru.example").text
'luutru-claim/1/k7qd93mx/00000000000000000000000000000000/kiosk-lobby-2/https://luutru.example'
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from residence.errors import Malformed, Untrusted
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

MAX_BYTES: Final = 65_536
SECRET_BYTES: Final = 16
FINGERPRINT_BYTES: Final = 10
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another, read aloud or written down
_KIOSK: Final = re.compile(r"kiosk-[a-z0-9-]{1,57}")
_TEXT: Final = re.compile(r"luutru-claim/1/([a-z0-9]{8,32})/([0-9a-f]{32})/(kiosk-[a-z0-9-]{1,57})/(https?://[!-~]{3,200})")
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,62}\Z")]
Serial = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{4,64}\Z")]
Der = Annotated[bytes, msgspec.Meta(min_length=64, max_length=4096)]
_Said = TypeVar("_Said", bound=msgspec.Struct)
Direction = Literal["ask", "answer"]
ClaimState = Literal["compare", "approved", "issued"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the code an installer takes along."""

    claim_id: str
    secret: bytes
    kiosk_id: str
    url: str

    @property
    def text(self) -> str:
        """Return the code's text."""
        return f"luutru-claim/1/{self.claim_id}/{self.secret.hex()}/{self.kiosk_id}/{self.url}"

    @property
    def key_id(self) -> str:
        """Return the id of the signing key the machine makes for it."""
        return signing_key_id(self.kiosk_id, self.claim_id)


class ClaimAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a machine asks. ``request``: PKCS #10 in DER; ``signing_key``: 32 bytes, Ed25519."""

    claim_id: str
    machine: Serial  # the machine's own serial number
    request: Der
    signing_key: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the kiosk is to stand, as its profile says it."""

    site: str
    kind: str
    commune_code: str
    name: str
    address: str = ""
    units: tuple[str, ...] = ()
    remote_area: bool = False


class ClaimAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the authority says: go and compare, or everything the kiosk needs. PEM texts; ``keyring`` as kiosks keep it."""

    state: ClaimState
    kiosk_id: str
    profile: str = ""
    certificate: str = ""
    authority: str = ""
    keyring: bytes = b""
    broker: str = ""  # host:port
    place: Place | None = None


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message and its HMAC. ``claim_id`` only finds the secret; the message names it again."""

    claim_id: Annotated[str, msgspec.Meta(max_length=32)]
    message: bytes
    proof: bytes


class Renewal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kiosk in service asks for, signed."""

    kiosk_id: Name
    request: Der
    at: str  # the kiosk's clock, for whoever reads the log


class RenewalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``certificate`` is empty while it is being made."""

    certificate: str = ""


class Wiped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kiosk says last, signed with the key it then destroys."""

    kiosk_id: Name
    machine: Serial
    at: str
    waiting: Literal[0]  # declarations in the outbox; with one, nothing is wiped
    erased: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=100)], ...], msgspec.Meta(max_length=64)]


def read_claim(text: str) -> Claim:
    """Read a claim's text, or raise ``Malformed("claim.unreadable")``."""
    found = _TEXT.fullmatch(text.strip())
    if found is None or not urlsplit(found[4]).hostname:
        raise Malformed("claim.unreadable")
    return Claim(claim_id=found[1], secret=bytes.fromhex(found[2]), kiosk_id=found[3], url=found[4].rstrip("/"))


def is_kiosk_name(name: str) -> bool:
    """Tell whether a certificate for a kiosk may be made for this name."""
    return _KIOSK.fullmatch(name) is not None


def signing_key_id(kiosk_id: str, claim_id: str) -> str:
    """Return how the signing key made for a claim is called, in the keyring and on the machine."""
    return f"{kiosk_id}-sign-{claim_id}"


def seal(said: msgspec.Struct, *, claim_id: str, secret: bytes, direction: Direction) -> bytes:
    """Write a message with its proof."""
    message = msgspec.json.encode(said)
    return msgspec.json.encode(Sealed(claim_id=claim_id, message=message, proof=_proof(message, claim_id, secret, direction)))


def claim_of(data: bytes) -> str:
    """Return which claim a sealed message says it belongs to, before anything of it is believed."""
    return _read(data, Sealed).claim_id


def unseal(data: bytes, kind: type[_Said], *, secret: bytes, direction: Direction) -> _Said:
    """Return the message if its proof holds, or raise ``Malformed("claim.unreadable")`` / ``Untrusted("claim.unproven")``."""
    sealed = _read(data, Sealed)
    if not hmac.compare_digest(sealed.proof, _proof(sealed.message, sealed.claim_id, secret, direction)):
        raise Untrusted("claim.unproven")
    return _read(sealed.message, kind)


def fingerprint(claim_id: str, *, tls_key: bytes, signing_key: bytes) -> str:
    """Return what an operator and an installer compare: 16 letters and digits (80 bits) over the keys a machine made for this claim.

    ``tls_key``: the SubjectPublicKeyInfo in DER.

    >>> fingerprint("k7qd93mx", tls_key=b"a", signing_key=b"b")
    'D51P-J7E6-T28F-NVAH'
    """
    parts = b"".join(len(each).to_bytes(4, "big") + each for each in (claim_id.encode(), tls_key, signing_key))
    number = int.from_bytes(hashlib.sha256(b"luutru claim fingerprint" + parts).digest()[:FINGERPRINT_BYTES], "big")
    letters = "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(FINGERPRINT_BYTES * 8 // 5)))
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def sign_renewal(renewal: Renewal, signer: SigningKey) -> bytes:
    """Return a kiosk's wish for a new certificate, signed."""
    return signing.sign1(msgspec.json.encode(renewal), signing.RENEWAL_TYPE, signer)


def open_renewal(data: bytes, *, keyring: Keyring, at: datetime) -> Renewal:
    """Return it if a key in force of that very kiosk signed it, or raise ``Malformed`` / ``Untrusted`` with the reason."""
    return _signed(data, signing.RENEWAL_TYPE, Renewal, keyring=keyring, at=at)


def sign_wiped(wiped: Wiped, signer: SigningKey) -> bytes:
    """Return a kiosk's last word, signed."""
    return signing.sign1(msgspec.json.encode(wiped), signing.WIPED_TYPE, signer)


def open_wiped(data: bytes, *, keyring: Keyring, at: datetime) -> Wiped:
    """Return it if a key in force of that very kiosk signed it, or raise ``Malformed`` / ``Untrusted`` with the reason."""
    return _signed(data, signing.WIPED_TYPE, Wiped, keyring=keyring, at=at)


def _signed(data: bytes, content_type: str, kind: type[_Said], *, keyring: Keyring, at: datetime) -> _Said:
    if len(data) > MAX_BYTES:
        raise Malformed("claim.unreadable", "", "too long")
    checked = signing.open_sign1(data, content_type, use="kiosk-sign", keyring=keyring, at=at)
    said = _read(checked.payload, kind)
    if checked.key.owner != getattr(said, "kiosk_id", None):
        raise Untrusted("key.wrong_owner", "/kiosk_id", checked.key.owner)
    return said


def _proof(message: bytes, claim_id: str, secret: bytes, direction: Direction) -> bytes:
    return hmac.digest(secret, f"luutru claim {direction}\x00{claim_id}\x00".encode() + message, "sha256")


def _read(data: bytes, kind: type[_Said]) -> _Said:
    if len(data) > MAX_BYTES:
        raise Malformed("claim.unreadable", "", "too long")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise Malformed("claim.unreadable", "", str(error)) from error
