"""Where certificates and revocation lists come from: PEM and DER files, master lists, and the LDIF of a public key directory.

- A master list counts only when its signature holds and its signer is pinned: by its own fingerprint, or by the fingerprint of a certificate
  that signed it. Nobody's list is believed because it is well formed.
- LDIF carries document signers, revocation lists and master lists; document signers are counted and left out, for they are no anchors.
- What cannot be read is left out with its code; one bad entry never spoils a list.

Example: ``gather(data, pinned=frozenset({fingerprint}))``
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from residence.credentials.chip import tlv
from residence.credentials.chip.certificates import (
    Certificate,
    RevocationList,
    parse_certificate,
    parse_revocation_list,
)
from residence.credentials.chip.signed_data import parse_signed_data
from residence.credentials.chip.trust_store import MOST_CERTIFICATES, LeftOut
from residence.errors import LuutruError, Malformed, Untrusted

_MASTER_LIST: Final = "2.23.136.1.1.2"
_PEM_BEGIN: Final = b"-----BEGIN "
_CERTIFICATE: Final = b"usercertificate"
_REVOCATIONS: Final = b"certificaterevocationlist"
_LISTS: Final = (b"pkdmasterlistcontent", b"cscamasterlistdata")


@dataclass(kw_only=True)
class Gathered:
    """What one source holds. ``document_signers``: seen and not taken, for they are no anchors."""

    certificates: list[Certificate] = field(default_factory=list)
    lists: list[RevocationList] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    document_signers: int = 0

    def add(self, raw: bytes, what: str, *, pinned: frozenset[str]) -> None:
        """Take in one object of any of the three kinds."""
        try:
            kind = _kind_of(raw)
            if kind == "list":
                self.lists.append(parse_revocation_list(raw))
            elif kind == "master-list":
                certificates, left_out = read_master_list(raw, pinned=pinned)
                self.certificates += certificates
                self.left_out += left_out
            else:
                self.certificates.append(parse_certificate(raw))
        except LuutruError as error:
            self.left_out.append(LeftOut(what=what, reason=error.code))


def _kind_of(raw: bytes) -> str:
    """Tell a certificate, a revocation list and signed data by their shape."""
    parts = tlv.read_node(raw, trailing=True).expect(tlv.SEQUENCE).children(most=3)
    if parts and parts[0].tag == tlv.OBJECT_ID:
        return "master-list"
    inner = parts[0].expect(tlv.SEQUENCE).children(most=12) if parts else ()
    # a certificate has its serial where a revocation list has the algorithm, and both may have a version before it
    fields = [each for each in inner if each.tag != 0xA0]
    if fields and fields[0].tag == tlv.INTEGER and len(inner) > len(fields):
        return "certificate"
    if len(fields) > 3 and fields[0].tag == tlv.INTEGER and fields[3].tag == tlv.SEQUENCE:
        return "certificate"
    return "list"


def gather(data: bytes, *, pinned: frozenset[str] = frozenset(), what: str = "") -> Gathered:
    """Read one file of any kind."""
    gathered = Gathered()
    if _PEM_BEGIN in data[:4096]:
        for index, block in enumerate(_pem_blocks(data)):
            gathered.add(block, f"{what}#{index}", pinned=pinned)
    elif data[:1] == b"\x30":
        gathered.add(data, what, pinned=pinned)
    else:
        _gather_ldif(gathered, data, pinned=pinned, what=what)
    return gathered


def _pem_blocks(data: bytes) -> Iterator[bytes]:
    for part in data.split(_PEM_BEGIN)[1:]:
        body = part.partition(b"-----")[2].partition(b"-----END")[0]
        try:
            yield base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            yield b""


def _gather_ldif(gathered: Gathered, data: bytes, *, pinned: frozenset[str], what: str) -> None:
    found = False
    for index, (name, value) in enumerate(_ldif_values(data)):
        found = True
        if name == _CERTIFICATE:
            gathered.document_signers += 1
        elif name == _REVOCATIONS or name in _LISTS:
            gathered.add(value, f"{what}#{index}", pinned=pinned)
    if not found:
        gathered.left_out.append(LeftOut(what=what, reason="chip.unknown_source"))


def _ldif_values(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return attributes in base64, by lower-case name without options; continued lines are joined."""
    for line in data.replace(b"\r\n", b"\n").replace(b"\n ", b"").split(b"\n"):
        name, colon, value = line.partition(b"::")
        if colon:
            try:
                yield name.split(b";")[0].strip().lower(), base64.b64decode(value.strip(), validate=True)
            except binascii.Error:
                yield name.split(b";")[0].strip().lower(), b""


def read_master_list(raw: bytes, *, pinned: frozenset[str]) -> tuple[tuple[Certificate, ...], tuple[LeftOut, ...]]:
    """Return the certificates of a master list whose signer is pinned; ``Untrusted("chip.list_not_pinned")`` otherwise."""
    signed = parse_signed_data(raw)
    if signed.content_type != _MASTER_LIST:
        raise Malformed("chip.signed_data", "", f"content {signed.content_type}")
    signer, _ = signed.verify()
    if not _is_pinned(signer, signed.certificates, pinned):
        raise Untrusted("chip.list_not_pinned", "", signer.fingerprint)
    parts = tlv.read_node(signed.content).expect(tlv.SEQUENCE).children(most=3)
    if len(parts) != 2:
        raise Malformed("chip.signed_data", "", "master list")
    taken, left_out = [], []
    for index, each in enumerate(parts[1].expect(tlv.SET).children(most=MOST_CERTIFICATES)):
        try:
            taken.append(parse_certificate(each.raw))
        except LuutruError as error:
            left_out.append(LeftOut(what=f"#{index}", reason=error.code))
    return tuple(taken), tuple(left_out)


def _is_pinned(signer: Certificate, companions: tuple[Certificate, ...], pinned: frozenset[str]) -> bool:
    if signer.fingerprint in pinned:
        return True
    for each in companions:
        if each.fingerprint in pinned and each.is_authority:
            try:
                signer.verify_by(each)
            except LuutruError:
                continue
            return True
    return False
